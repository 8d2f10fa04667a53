//go:build !js

package main_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// TestPages_InChromium opens the pages that the Worker answers without the program, at
// the widths of a phone and of a desk, in light and dark: none scrolls sideways, and
// each has a heading, its style and a link that is large enough for a finger.
// Screenshots are written to the folder TABARD_SCREENSHOTS.
func TestPages_InChromium(t *testing.T) {
	t.Parallel()
	workerd.Must(t, workerd.Build())
	port := ports.Hold(t)
	publicURL := fmt.Sprintf("http://localhost:%d/auth", port)
	workerd.Run(t, workerd.Options{
		Port: port, Entry: "workerd/limited.mjs", Variables: workerd.Variables(publicURL, "http://127.0.0.1:1", "id", "secret"),
		State: workerd.Database(t, directory.Desired{}), Limits: map[string]int{"SIGN_INS": 2},
	})
	tab := chrome.New(t)
	for i, test := range []struct {
		code string
		open func()
	}{
		{"temporarily_unavailable", func() {
			sendHeaders(t, tab, network.Headers{"Cf-Connecting-Ip": "192.0.2.10", "Fault": "reject"})
			chrome.Go(t, tab, publicURL+"/callback?state=1")
		}},
		{"rate_limited", func() {
			for range 3 {
				chrome.Go(t, tab, publicURL+"/callback?state=1")
			}
		}},
		{"invalid_request", func() { // a form that is too large
			chrome.Eval[any](t, tab, fmt.Sprintf(`{
				const form = Object.assign(document.createElement("form"), { method: "post", action: %q });
				form.append(Object.assign(document.createElement("input"), { name: "state", value: "x".repeat(200 << 10) }));
				document.documentElement.append(form);
				void setTimeout(() => form.submit());
			}`, publicURL+"/callback"))
		}},
		{"invalid_request", func() { // too many sessions
			sendHeaders(t, tab, network.Headers{"Cf-Connecting-Ip": "192.0.2.13", "Cookie": sessionCookies(40).Get("Cookie")})
			chrome.Go(t, tab, publicURL+"/login")
		}},
	} {
		chrome.Go(t, tab, "about:blank")
		sendHeaders(t, tab, network.Headers{"Cf-Connecting-Ip": fmt.Sprintf("192.0.2.1%d", i)})
		test.open()
		chrome.Await(t, tab, fmt.Sprintf(`document.readyState === "complete" && document.querySelector("small")?.innerText === %q`, test.code))
		fitsEverywhere(t, tab, fmt.Sprintf("%d-%s", i, test.code))
	}
}

func sendHeaders(t *testing.T, tab context.Context, headers network.Headers) {
	t.Helper()
	_, err := chromedp.Call(tab, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: headers})
	workerd.Must(t, err)
}

// fitsEverywhere checks a page at two widths and in two color schemes.
func fitsEverywhere(t *testing.T, tab context.Context, name string) {
	t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{320, 1200} {
			_, err := chromedp.Call(tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
				Width: width, Height: 700, DeviceScaleFactor: 1, Mobile: width < 600,
			})
			workerd.Must(t, err)
			_, err = chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			workerd.Must(t, err)
			if !chrome.Eval[bool](t, tab, `document.documentElement.scrollWidth <= innerWidth && document.querySelectorAll("h1").length === 1 &&
				document.querySelector("main a").getBoundingClientRect().height >= 44 && document.documentElement.lang === "en"`) {
				t.Errorf("%s, %s, %d wide: %s", name, scheme, width, chrome.Eval[string](t, tab, `document.body.innerText`))
			}
			style := chrome.Eval[string](t, tab, `getComputedStyle(document.querySelector("main a")).textDecorationLine + getComputedStyle(document.body).backgroundColor`)
			if want := map[string]string{"light": "nonergb(244, 245, 247)", "dark": "nonergb(17, 20, 24)"}[scheme]; style != want {
				t.Errorf("%s, %s: the style is %s", name, scheme, style)
			}
			if said := chrome.Eval[string](t, tab, `document.body.innerText`); strings.ContainsAny(said, "{}") {
				t.Errorf("%s shows %s", name, said)
			}
			if folder := os.Getenv("TABARD_SCREENSHOTS"); folder != "" {
				picture, err := chromedp.Run(tab, chromedp.CaptureScreenshot())
				workerd.Must(t, err)
				workerd.Must(t, os.WriteFile(filepath.Join(folder, fmt.Sprintf("worker-%s-%s-%d.png", name, scheme, width)), picture, 0o600))
			}
		}
	}
}
