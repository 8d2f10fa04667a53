package browser

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
)

// exporting opens the demo for a person and asks its API for an export, which takes a
// second factor. The page keeps what the person typed.
func exporting(t *testing.T, d *demo.Demo, tab context.Context) {
	t.Helper()
	d.SignIn(t, tab, "alice")
	d.Open(t, tab, "acme")
	chrome.Await(t, tab, notesListed)
	chrome.Eval[any](t, tab, `void (document.querySelector("#note-text").value = "unsaved")`)
	chrome.Press(t, tab, "#note-export")
	chrome.Await(t, tab, `document.querySelector("#note-confirm").checkVisibility()`)
}

const (
	exported    = `document.querySelector("#log").textContent.includes("Exported")`
	notesListed = `document.querySelector("#note-list").getAttribute("aria-busy") === "false"`
)

// TestStepUp_InAWindow: the API asks for a second factor, the person gives it in a
// window, which closes itself, and the page with what was typed there goes on.
func TestStepUp_InAWindow(t *testing.T) {
	t.Parallel()
	w := faultproxy.New(t)
	d := demo.Start(t)
	tab := chrome.New(t, chrome.WithProxy(w.Address))
	exporting(t, d, tab)
	if asked := len(w.Seen("/notes/export")); asked != 1 {
		t.Errorf("the API was asked %d times", asked)
	}
	popup := chrome.OpenedBy(t, tab, func() { chrome.Press(t, tab, "#note-confirm-window") })
	chrome.Press(t, popup, "#second-factor-alice")
	chrome.Await(t, tab, exported)
	if asked := len(w.Seen("/notes/export")); asked != 2 {
		t.Errorf("the API was asked %d times", asked)
	}
	chrome.AwaitClosed(t, popup)
	demo.AwaitActive(t, tab, "acme")
	if got := chrome.Eval[string](t, tab, `document.querySelector("#note-text").value`); got != "unsaved" {
		t.Errorf("the page has %q", got)
	}
	if got := demo.Claim(t, tab, "acr"); got != "urn:tabard:mfa" {
		t.Errorf("the token has acr %s", got)
	}
}

// TestStepUp_ByLeavingThePage comes back to it, where the request can be repeated. The
// demo asks before it leaves what was typed.
func TestStepUp_ByLeavingThePage(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	asked := chrome.AgreeToLeave(t, tab)
	exporting(t, d, tab)
	chrome.Press(t, tab, "#note-confirm-here")
	chrome.Press(t, tab, "#second-factor-alice")
	demo.AwaitActive(t, tab, "acme")
	chrome.Await(t, tab, notesListed) // the list moves the button
	chrome.Press(t, tab, "#note-export")
	chrome.Await(t, tab, exported)
	if asked.Load() != 1 {
		t.Errorf("the browser asked %d times whether to leave", asked.Load())
	}
}

// TestStepUp_NothingIsSentTwice: an API that asks for a recent authentication gets a
// request once, whatever its method, and a second time only from the page. It asks for
// what it was given already: that is the end.
func TestStepUp_NothingIsSentTwice(t *testing.T) {
	t.Parallel()
	w, _, tab := atAcmeByProxy(t)
	w.SetAt("/api/pay", faultproxy.Answer(http.StatusUnauthorized, "{}", "WWW-Authenticate",
		`Bearer error="insufficient_user_authentication", acr_values="urn:tabard:mfa", max_age="60"`))
	for _, method := range []string{"GET", "POST", "DELETE"} {
		w.Forget()
		got := chrome.Eval[string](t, tab, fmt.Sprintf(`tabard.fetch("/api/pay", { method: %q }).catch((error) => (globalThis.refused = error).code + " " + error.action)`, method))
		if got != "insufficient_user_authentication step_up" || len(w.Seen("/pay")) != 1 || len(w.Seen("/token")) != 0 {
			t.Errorf("%s: %s after %d requests", method, got, len(w.Seen("/pay")))
		}
	}
	popup := chrome.OpenedBy(t, tab, func() {
		chrome.Eval[any](t, tab, `void refused.continue({ popup: true }).then(() => (globalThis.met = true))`)
	})
	chrome.Press(t, popup, "#second-factor-alice")
	chrome.Await(t, tab, `globalThis.met`)
	if got := chrome.Eval[string](t, tab, `tabard.fetch("/api/pay", { method: "DELETE" }).catch((error) => error.code + " " + error.action)`); got != "insufficient_user_authentication stop" {
		t.Errorf("the same challenge again: %s", got)
	}
}
