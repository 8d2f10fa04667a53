//go:build long

package browser

import (
	"slices"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// otherLooks are the ways in which a page is looked at, beside looks.
var otherLooks = []look{{"a dark desktop", "dark", 1280, 900}, {"a light phone", "light", 360, 740}}

// TestAxe_OtherLooks is the other tests of axe in the other looks.
func TestAxe_OtherLooks(t *testing.T) {
	t.Parallel()
	t.Run("the demo", func(t *testing.T) { axeDemo(t, otherLooks) })
	t.Run("people", func(t *testing.T) { axePeople(t, otherLooks) })
	for name, b := range map[string]binding{"React": react, "Vue": vue, "Svelte": svelte} {
		t.Run(name, func(t *testing.T) { b.axe(t, append(slices.Clone(otherLooks), looks...)) })
	}
	t.Run("pages of the backend", func(t *testing.T) { axePagesOfTheBackend(t, otherLooks) })
}

// TestP11EveryPageIsReadableInOtherLooks is TestP11EveryPageIsReadable in the other looks.
func TestP11EveryPageIsReadableInOtherLooks(t *testing.T) {
	t.Parallel()
	everyPageIsReadable(t, otherLooks)
}

// TestAxe_People: a person who may write, with the question before a switch and the
// menu of the account, and one without an organization.
func TestAxe_People(t *testing.T) {
	t.Parallel()
	axePeople(t, looks)
}

func axePeople(t *testing.T, looks []look) {
	t.Helper()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	e := newExaminer(t, tab, looks)
	d.SignIn(t, tab, "alice")
	d.Open(t, tab, "acme")
	chrome.Await(t, tab, `document.querySelectorAll("#note-list li").length > 0`)
	e.examine("an administrator")
	e.desktop()
	chrome.Press(t, tab, "#person")
	chrome.Await(t, tab, `document.querySelector("#person-menu").matches(":popover-open")`)
	e.examine("the menu of the account")
	chrome.Key(t, tab, kb.Escape)
	chrome.Eval[any](t, tab, `void (document.querySelector("#note-text").value = "mine", tabard.switchOrganization("globex"))`)
	chrome.Await(t, tab, `document.querySelector("#draft").open`)
	e.examine("asking before a switch")

	for person, screen := range map[string]string{"bob": "active", "carol": "nobody"} {
		e.tab = chrome.Person(t, tab)
		d.SignIn(t, e.tab, person)
		demo.AwaitScreen(t, e.tab, screen)
		e.examine(person)
	}
}

// TestAxe_Components: the components of React, in a page that a server rendered, in every
// state. TestAxe_OtherLooks has the other frameworks.
func TestAxe_Components(t *testing.T) {
	t.Parallel()
	t.Run("React", func(t *testing.T) { react.axe(t, looks) })
}

// TestP11EveryPageIsReadable opens a page of every kind: axe finds no fault, none scrolls
// sideways, each has one heading and something to press that is large enough for a finger.
// Screenshots are written to the folder TABARD_SCREENSHOTS.
func TestP11EveryPageIsReadable(t *testing.T) {
	t.Parallel()
	everyPageIsReadable(t, looks)
}
