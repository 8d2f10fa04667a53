//go:build long

package browser

import (
	"context"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// otherDetours are further ways, beside detours.
func otherDetours(d *demo.Demo) map[string]func(t *testing.T, tab context.Context) {
	const person = "#person-dana"
	return map[string]func(t *testing.T, tab context.Context){
		"reload at the provider": func(t *testing.T, tab context.Context) {
			press(t, tab, "#sign-in")
			chrome.Await(t, tab, `document.querySelector("#person-dana")`)
			chrome.Reload(t, tab)
			press(t, tab, person)
		},
		"back at the provider, and again": func(t *testing.T, tab context.Context) {
			press(t, tab, "#sign-in")
			chrome.Await(t, tab, `document.querySelector("#person-dana")`)
			chrome.Back(t, tab)
			chrome.Await(t, tab, signedOutScreen)
			press(t, tab, "#sign-in")
			press(t, tab, person)
		},
		"the person pressed twice": func(t *testing.T, tab context.Context) {
			press(t, tab, "#sign-in")
			chrome.Await(t, tab, `document.querySelector("#person-dana")`)
			chrome.Eval[any](t, tab, `document.querySelector("#person-dana").click(), document.querySelector("#person-dana").click()`)
		},
		"a bare callback, and its button": func(t *testing.T, tab context.Context) {
			chrome.Go(t, tab, d.Origin+"/auth/callback")
			press(t, tab, "main a")
			press(t, tab, person)
		},
	}
}

// TestP11OtherDetours is TestP11BackForwardReloadAndDoublePress on other ways.
func TestP11OtherDetours(t *testing.T) {
	t.Parallel()
	takeDetours(t, demo.Start(t), otherDetours)
}
