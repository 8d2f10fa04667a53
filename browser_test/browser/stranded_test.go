package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

const (
	signedOutScreen = `document.body?.dataset.screen === "signed_out"`
	signedInScreen  = `["active", "choose"].includes(document.body?.dataset.screen) && ["active", "choose"].includes(globalThis.tabard?.state.status)`
)

// press presses an element, also on a page that the browser restored from its
// back/forward cache.
func press(t *testing.T, tab context.Context, selector string) {
	t.Helper()
	chrome.Await(t, tab, fmt.Sprintf(`document.readyState === "complete" && document.querySelector(%q)?.checkVisibility()`, selector))
	chrome.Eval[any](t, tab, fmt.Sprintf(`void setTimeout(() => document.querySelector(%q).click())`, selector))
}

// detours are ways to sign in as Dana with reloads, double presses, back and forward.
func detours(d *demo.Demo) map[string]func(t *testing.T, tab context.Context) {
	const person = "#person-dana"
	return map[string]func(t *testing.T, tab context.Context){
		"the button pressed twice": func(t *testing.T, tab context.Context) {
			chrome.Eval[any](t, tab, `document.querySelector("#sign-in").click(), document.querySelector("#sign-in").click()`)
			press(t, tab, person)
		},
		"back and forward at the provider": func(t *testing.T, tab context.Context) {
			press(t, tab, "#sign-in")
			chrome.Await(t, tab, `document.querySelector("#person-dana")`)
			chrome.Back(t, tab)
			chrome.Await(t, tab, signedOutScreen)
			chrome.Eval[any](t, tab, `void setTimeout(() => history.forward())`)
			press(t, tab, person)
		},
		"back after the sign-in, and chosen again": func(t *testing.T, tab context.Context) {
			press(t, tab, "#sign-in")
			press(t, tab, person)
			chrome.Await(t, tab, signedInScreen)
			chrome.Eval[any](t, tab, `void (globalThis.left = true)`)
			chrome.Back(t, tab)
			chrome.Await(t, tab, `!globalThis.left && (document.querySelector("#person-dana") || `+signedInScreen+`)`)
			if chrome.Eval[bool](t, tab, `!!document.querySelector("#person-dana")`) {
				press(t, tab, person)
			}
		},
		"a typed address of the sign-in": func(t *testing.T, tab context.Context) {
			chrome.Go(t, tab, d.Origin+"/auth/login?organization=acme")
			press(t, tab, "main a")
			press(t, tab, person)
		},
	}
}

// TestP11BackForwardReloadAndDoublePress at every point of the sign-in: it always ends
// in the app. TestP11OtherDetours has more of them.
func TestP11BackForwardReloadAndDoublePress(t *testing.T) {
	t.Parallel()
	takeDetours(t, demo.Start(t), detours)
}

func takeDetours(t *testing.T, d *demo.Demo, detours func(*demo.Demo) map[string]func(*testing.T, context.Context)) {
	t.Helper()
	browser := chrome.Guest(t)
	for name, way := range detours(d) {
		t.Run(name, func(t *testing.T) {
			tab := chrome.Person(t, browser)
			chrome.Go(t, tab, d.Origin)
			chrome.Await(t, tab, signedOutScreen)
			way(t, tab)
			chrome.Await(t, tab, signedInScreen)
		})
	}
}

// TestP11PagesFitPhonesInLightAndDark: no page scrolls sideways, and each has a heading
// and a link that is large enough for a finger. Screenshots are written to the folder
// TABARD_SCREENSHOTS.
func TestP11PagesFitPhonesInLightAndDark(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	for name, address := range map[string]string{
		"unknown": "/auth/callback", "foreign": "/auth/login", "silent": "/auth/login?prompt=none", "invalid": "/auth/login?app=nope",
	} {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{320, 1200} {
				_, err := chromedp.Call(tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
					Width: width, Height: 700, DeviceScaleFactor: 1, Mobile: width < 600,
				})
				if err == nil {
					_, err = chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
						Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
					})
				}
				if err != nil {
					t.Fatal(err)
				}
				chrome.Go(t, tab, d.Origin+address)
				if !chrome.Eval[bool](t, tab, `document.documentElement.scrollWidth <= innerWidth && document.querySelectorAll("h1").length === 1 &&
					document.querySelector("main a").getBoundingClientRect().height >= 44 && document.documentElement.lang === "en"`) {
					t.Errorf("%s, %s, %d wide: %s", name, scheme, width, chrome.Eval[string](t, tab, `document.body.innerText`))
				}
				if got := chrome.Eval[string](t, tab, `getComputedStyle(document.querySelector("main a")).textDecorationLine + getComputedStyle(document.body).margin`); got != "none0px" {
					t.Errorf("%s: the style is refused: %s", name, got)
				}
				if folder := os.Getenv("TABARD_SCREENSHOTS"); folder != "" {
					picture, err := chromedp.Run(tab, chromedp.CaptureScreenshot())
					if err != nil {
						t.Fatal(err)
					}
					os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%s-%d.png", name, scheme, width)), picture, 0o600)
				}
			}
		}
	}
}
