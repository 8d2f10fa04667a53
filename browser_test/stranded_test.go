package browser_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/tabard-auth/tabard/browser_test/chrome"
	"github.com/tabard-auth/tabard/browser_test/demo"
)

const signedOutScreen = `document.body?.dataset.screen === "signed_out"`

// TestP11BackForwardReloadAndDoublePress at every point of the way in: it ends in the app.
func TestP11BackForwardReloadAndDoublePress(t *testing.T) {
	d := demo.Start(t)
	person := "#person-dana"
	for name, way := range map[string]func(tab context.Context){
		"the button pressed twice": func(tab context.Context) {
			chrome.Eval[any](t, tab, `document.querySelector("#sign-in").click(), document.querySelector("#sign-in").click()`)
			chrome.Press(t, tab, person)
		},
		"reload at the provider": func(tab context.Context) {
			chrome.Press(t, tab, "#sign-in")
			chrome.Await(t, tab, `document.querySelector("#person-dana")`)
			chrome.Reload(t, tab)
			chrome.Press(t, tab, person)
		},
		"back at the provider, and again": func(tab context.Context) {
			chrome.Press(t, tab, "#sign-in")
			chrome.Await(t, tab, `document.querySelector("#person-dana")`)
			chrome.Back(t, tab)
			chrome.Await(t, tab, signedOutScreen)
			chrome.Press(t, tab, "#sign-in")
			chrome.Press(t, tab, person)
		},
		"back and forward at the provider": func(tab context.Context) {
			chrome.Press(t, tab, "#sign-in")
			chrome.Await(t, tab, `document.querySelector("#person-dana")`)
			chrome.Back(t, tab)
			chrome.Await(t, tab, signedOutScreen)
			chrome.Eval[any](t, tab, `void setTimeout(() => history.forward())`)
			chrome.Press(t, tab, person)
		},
		"the person pressed twice": func(tab context.Context) {
			chrome.Press(t, tab, "#sign-in")
			chrome.Await(t, tab, `document.querySelector("#person-dana")`)
			chrome.Eval[any](t, tab, `document.querySelector("#person-dana").click(), document.querySelector("#person-dana").click()`)
		},
		"back after the sign-in, and chosen again": func(tab context.Context) {
			chrome.Press(t, tab, "#sign-in")
			chrome.Press(t, tab, person)
			demo.Wears(t, tab, "acme")
			chrome.Back(t, tab)
			chrome.Await(t, tab, `document.querySelector("#person-dana") || document.body?.dataset.screen === "active"`)
			if chrome.Eval[bool](t, tab, `!!document.querySelector("#person-dana")`) {
				chrome.Press(t, tab, person)
			}
		},
		"a bare callback, and its button": func(tab context.Context) {
			chrome.Go(t, tab, d.Origin+"/auth/callback")
			chrome.Press(t, tab, "main a")
			chrome.Press(t, tab, person)
		},
		"a typed address of the sign-in": func(tab context.Context) {
			chrome.Go(t, tab, d.Origin+"/auth/login?organization=acme")
			chrome.Press(t, tab, "main a")
			chrome.Press(t, tab, person)
		},
	} {
		t.Run(name, func(t *testing.T) {
			tab := chrome.New(t)
			chrome.Go(t, tab, d.Origin+"/?tabard_organization=acme")
			chrome.Await(t, tab, signedOutScreen)
			way(tab)
			demo.Wears(t, tab, "acme")
		})
	}
}

// TestP11PagesFitPhonesInLightAndDark: no page scrolls sideways, and each has a heading and
// a link of a size that fingers hit. TABARD_SCREENSHOTS names a folder for what they look like.
func TestP11PagesFitPhonesInLightAndDark(t *testing.T) {
	d := demo.Start(t)
	tab := chrome.New(t)
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
