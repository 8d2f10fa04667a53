//go:build long

package main

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
)

// work acts until an end, or until something is wrong.
func (w *homePeople) work(end time.Time) {
	w.Helper()
	acts := []struct {
		name  string
		often int
		run   func(*personsTab)
	}{
		{"reloads", 5, w.reloads}, {"renews", 6, w.renews}, {"enters", 5, w.enters}, {"gets a narrower token", 2, w.narrows}, {"reads the cache", 3, w.caches}, {"an hour passes", 1, w.rotates}, {"changes the account", 3, w.changes}, {"signs out", 1, w.leaves},
	}
	var drawn []int
	for i, act := range acts {
		drawn = append(drawn, slices.Repeat([]int{i}, act.often)...)
	}
	for time.Now().Before(end) && w.wrong() == "" {
		if time.Now().After(w.crash) {
			w.crashes()
		}
		tab := w.tabs[w.random.IntN(len(w.tabs))]
		if act := acts[drawn[w.random.IntN(len(drawn))]]; tab.person.out {
			w.comesBack(tab, tab.person)
			w.done["signs in"]++
		} else {
			act.run(tab)
			w.done[act.name]++
		}
		w.looks()
	}
}

// seen is what a tab shows and keeps.
type seen struct {
	Status, User, Error, Kept string
	Heard                     string // messages of other tabs since it was last seen
	Accounts                  []struct{ ID string }
}

func (w *homePeople) sees(p *personsTab) (s seen) {
	w.Helper()
	w.settled(p.tab)
	json.Unmarshal([]byte(chrome.Eval[string](w, p.tab, `JSON.stringify({
		status: tabard.state.status, user: tabard.state.user?.id ?? "", error: tabard.state.error?.code ?? "", accounts: tabard.state.accounts, heard: heard.splice(0).join(),
		kept: Object.entries(sessionStorage).filter(([name]) => name.startsWith("tabard")).join() })`)), &s)
	return s
}

// looks compares what each tab shows and keeps with whose it is.
func (w *homePeople) looks() {
	w.Helper()
	for _, p := range w.tabs {
		seen := w.sees(p)
		for id := range w.people {
			w.require(id == p.person.id || seen.User != id && !strings.Contains(seen.Kept, id), "a tab of %s shows or keeps %s: %+v", p.person.subject, id, seen)
			w.require(!strings.Contains(seen.Heard, id) && !strings.Contains(seen.Heard, "eyJ"), "a tab of %s is told %s", p.person.subject, seen.Heard)
		}
		w.require(p.person.out || seen.User == p.person.id, "%s was signed out: %s %s", p.person.subject, seen.Status, seen.Error)
	}
}

// says evaluates a promise in a tab, and has it again while that says to retry.
func (w *homePeople) says(p *personsTab, promise string) string {
	w.Helper()
	return chrome.Eval[string](w, p.tab, `(async () => {
		for (let tried = 0; tried < 20; tried++) {
			try {
				const { status = "done", action } = Object(await (`+promise+`));
				if (status !== "unavailable" && status !== "overtaken") return status;
			} catch (error) {
				if (error.action !== "retry") return error.code ?? String(error);
			}
			await new Promise((resolve) => setTimeout(resolve, 300));
		}
		return "given up";
	})()`)
}

func (w *homePeople) reloads(p *personsTab) { chrome.Reload(w, p.tab); w.settled(p.tab) }

// works has a tab act for an organization.
func (w *homePeople) works(p *personsTab) {
	if chrome.Eval[string](w, p.tab, `tabard.state.status`) != "active" {
		w.enters(p)
	}
}

func (w *homePeople) renews(p *personsTab) {
	w.works(p)
	got := w.says(p, `tabard.getToken({ forceRefresh: true }).then(() => tabard.fetch("/api/organizations/" + tabard.state.organization.id + "/notes")).then(() => ({}))`)
	w.require(got == "done", "%s renews: %s", p.person.subject, got)
}

// narrows gets a narrower token, which is the person's.
func (w *homePeople) narrows(p *personsTab) {
	w.works(p)
	got := w.says(p, `tabard.getToken({ permissions: ["notes:read"], seconds: 60 }).then((token) => ({ status: JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).sub }))`)
	w.require(got == p.person.id, "%s has a narrower token of %s", p.person.subject, got)
}

// caches finds in the cache of the tab's partition only what the person has put there for the
// organization. In the control there is one cache.
func (w *homePeople) caches(p *personsTab) {
	w.works(p)
	key := `tabard.partition.key`
	if w.control == "shared cache" {
		key = `"all"`
	}
	got := w.says(p, `(async () => {
		const own = tabard.state.user.id + " " + tabard.state.organization.id, cache = await caches.open(`+key+`);
		const found = await (await cache.match("/whose"))?.text() ?? own;
		await cache.put("/whose", new Response(own));
		return { status: found === own ? "own" : found };
	})()`)
	w.require(got == "own", "%s finds in their cache what is of %s", p.person.subject, got)
}

func (w *homePeople) enters(p *personsTab) {
	organization := p.person.organizations[w.random.IntN(2)]
	got := w.says(p, `tabard.switchOrganization("`+organization+`")`)
	w.require(got == "switched", "%s enters %s: %s", p.person.subject, organization, got)
}

// changes makes a tab the other person's, if they are signed in.
func (w *homePeople) changes(p *personsTab) {
	for _, other := range w.people {
		if other == p.person || other.out || w.count(p.person) == 1 {
			continue
		}
		w.changesTo(p, other)
		return
	}
}

func (w *homePeople) changesTo(p *personsTab, other *atHome) {
	w.Helper()
	w.marks(p, p.person.id+" "+other.id)
	got := w.says(p, `tabard.switchAccount("`+other.id+`")`)
	w.require(got == "switched", "%s changes to %s: %s", p.person.subject, other.subject, got)
	p.person = other
	w.marks(p, other.id)
}

// count returns how many tabs a person has.
func (w *homePeople) count(person *atHome) (n int) {
	for _, p := range w.tabs {
		if p.person == person {
			n++
		}
	}
	return n
}

func (w *homePeople) leaves(p *personsTab) {
	got := w.says(p, `tabard.signOut()`)
	w.require(got == "done", "%s signs out: %s", p.person.subject, got)
	p.person.out = true
	for _, tab := range w.tabs {
		if tab.person == p.person {
			w.awaits(tab.tab, `tabard.state.status === "signed_out"`)
		}
	}
}

// comesBack signs a person in again in a tab, beside the other.
func (w *homePeople) comesBack(p *personsTab, person *atHome) {
	w.Helper()
	if person != p.person {
		w.marks(p, p.person.id+" "+person.id)
	}
	options := `{ account: "` + person.id + `" }`
	if w.control == "plain sign-in" {
		options = `{ prompt: "login" }`
	}
	chrome.Eval[any](w, p.tab, `void tabard.signIn(`+options+`)`)
	button := `document.querySelector("#person-` + person.subject + `")`
	back := `globalThis.tabard?.state.user?.id === "` + person.id + `"`
	w.awaits(p.tab, button+` || `+back) // the provider may remember the person
	if chrome.Eval[bool](w, p.tab, `Boolean(`+button+`)`) {
		chrome.Eval[any](w, p.tab, button+`.click()`) // a tab behind others paints nothing, and cannot be pressed
	}
	w.awaits(p.tab, back)
	p.person, person.out, person.since = person, false, time.Now()
	w.marks(p, person.id)
	for _, tab := range w.tabs {
		if tab.person == person {
			w.awaits(tab.tab, back) // it hears of the sign-in
		}
	}
}
