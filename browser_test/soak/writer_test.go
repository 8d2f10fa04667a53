//go:build long

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/chromedp/chromedp"
)

// writing is the script by which a person acts in a page. Each act reads the page and
// changes it in one turn, so that a text names the organization that the page showed.
const writing = `globalThis.person = (() => {
	const all = (selector) => [...document.querySelectorAll(selector)];
	const path = (slug) => "/" + slug + "/notes";
	const set = (field, value) => {
		Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, value);
		field.dispatchEvent(new Event("input", { bubbles: true }));
	};
	const enter = (slug) => tabard.switchOrganization(slug).then((r) => r.status === "step_up_required" && r.continue());
	const acts = {
		"type": (selector) => {
			const { organization, person } = document.querySelector("h1")?.dataset ?? {};
			const field = document.querySelector(selector);
			if (!field || !organization || !person) return;
			const number = (sessionStorage.typed = Number(sessionStorage.typed ?? 0) + 1);
			field.focus();
			set(field, field.value + " " + [organization, person, number].join("/"));
		},
		"press": (selector) => document.querySelector(selector)?.click(),
		"link": (slug) => document.querySelector("#to-" + slug)?.click(),
		"two links": (slug) => (document.querySelector("#to-" + slug)?.click(), document.querySelector("#to-acme")?.click()),
		"choose": async (slug) => {
			const tree = document.querySelector("tabard-switcher").shadowRoot;
			tree.querySelector("[part=button]").click();
			await new Promise((resolve) => setTimeout(resolve, 150));
			tree.querySelector("[role=menuitemradio][data-organization=" + slug + "]")?.click();
		},
		"switch": enter,
		"two switches": (slug) => (enter(slug).catch(() => {}), enter("globex")),
		"go": (slug) => routes.go(path(slug)),
		"navigate": (slug) => router.navigate(path(slug)),
		"within": () => router.navigate(location.pathname + "?" + Math.random()),
		"back": () => history.back(),
		"forward": () => history.forward(),
		"two back": () => history.go(-2),
		"reload": () => location.reload(),
		"visit": (slug) => location.assign(path(slug)),
		"renew": () => tabard.getToken({ forceRefresh: true }),
		"sign out of the organization": () => tabard.signOut({ scope: "organization" }),
		"sign out": () => tabard.signOut(),
		"sign in": () => tabard.signIn({ prompt: "login" }),
		"come back": () => {
			const { continue: stepUp, error, organization } = tabard.state;
			if (stepUp) return stepUp();
			return error?.code === "identity_changed" ? acts["sign in"]() : enter(organization?.slug ?? "globex");
		},
		"answer at the provider": (name) => (document.querySelector("#person-" + name) ?? all("[id^=second-factor-], a, button")[0])?.click(),
		"stay": () => document.querySelector(".no").click(),
		"leave": () => document.querySelector(".yes").click(),
	};
	return {
		look: () => (!globalThis.tabard ? "elsewhere" : document.querySelector(".yes") ? "asked" : tabard.state.status),
		act(name, argument) {
			try {
				Promise.resolve(acts[name](argument)).catch(() => {});
			} catch {}
		},
	};
})();`

// often are the acts of a person in an organization, by how often they are drawn.
var often = []struct {
	act       string
	arguments []string
	times     int
}{
	{"type", []string{"#draft", "#slow", "#remark"}, 12},
	{"press", []string{"#add", "#add-slowly", "#send"}, 12},
	{"link", slugs, 3}, {"two links", slugs, 1}, {"choose", slugs, 3}, {"switch", slugs, 3}, {"two switches", slugs, 1},
	{"go", slugs, 2}, {"navigate", slugs, 2}, {"within", none, 1}, {"back", none, 4}, {"forward", none, 2}, {"two back", none, 1},
	{"reload", none, 1}, {"visit", slugs, 1}, {"renew", none, 1}, {"key", none, 4},
	{"sign out of the organization", none, 1},
}

var (
	slugs  = []string{"acme", "globex", "initech"}
	people = []string{"alice", "alice", "alice", "alice", "alice", "alice", "alice", "alice", "bob", "dana"}
	none   = []string{""}
)

// signOutOneIn is how rarely a person signs out of the browser.
const signOutOneIn = 120

// writer is a tab in which a person acts at random.
type writer struct {
	tab    context.Context
	origin string
	random *rand.Rand
	done   map[string]int
	lost   int // looks in a row at a page without the client
	broken error
}

// act does one thing that a person could do on the page that the tab shows.
func (w *writer) act() {
	at := w.evaluate(`globalThis.person ? person.look() : "leaving"`)
	if at != "elsewhere" {
		w.lost = 0
	}
	switch {
	case at == "elsewhere":
		if w.lost++; w.lost > 30 {
			w.evaluate(fmt.Sprintf(`void (location.href = %q)`, w.origin+"/globex/notes"))
			w.lost = 0
			return
		}
		w.do("answer at the provider", people)
	case at == "signed_out":
		w.do("sign in", none)
	case at == "asked" && w.random.IntN(2) == 0:
		w.do([]string{"stay", "leave"}[w.random.IntN(2)], none)
	case (at == "ended" || at == "denied") && w.random.IntN(2) == 0:
		w.do("come back", none)
	case at == "leaving" || at == "starting":
	case w.random.IntN(signOutOneIn) == 0:
		w.do("sign out", none)
	default:
		w.draw()
	}
}

// draw draws one of the acts.
func (w *writer) draw() {
	sum := 0
	for _, o := range often {
		sum += o.times
	}
	at := w.random.IntN(sum)
	for _, o := range often {
		if at -= o.times; at < 0 {
			w.do(o.act, o.arguments)
			return
		}
	}
}

// do does an act with one of its arguments. A key is the browser's own, by which it knows
// that a person acts.
func (w *writer) do(act string, arguments []string) {
	w.done[act]++
	if act == "key" {
		ctx, stop := context.WithTimeout(w.tab, outOfPatience)
		defer stop()
		w.note(chromedp.Do(ctx, chromedp.KeyEvent("x")))
		return
	}
	w.evaluate(fmt.Sprintf(`globalThis.person && person.act(%q, %q)`, act, arguments[w.random.IntN(len(arguments))]))
}

// evaluate evaluates an expression in whatever page there is, and returns its text.
func (w *writer) evaluate(expression string) string {
	ctx, stop := context.WithTimeout(w.tab, outOfPatience)
	defer stop()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`String(`+expression+`)`))
	w.note(err)
	return text
}

// note keeps an error that ends the run. A page that was left meanwhile is none.
func (w *writer) note(err error) {
	if err == nil || pageLeft(err) || strings.Contains(err.Error(), "frame") {
		return
	}
	w.broken = fmt.Errorf("after %v: %w", w.done, err)
}
