package browser

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// TestTheme_ColorOfEachOrganization: each organization has a color of its
// own in the demo.
func TestTheme_ColorOfEachOrganization(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	var ids []string
	for _, found := range regexp.MustCompile(`(?m)id: (org_\w+)$`).FindAllStringSubmatch(d.Workspace(t), -1) {
		ids = append(ids, found[1])
	}
	names, err := json.Marshal(ids)
	if err != nil || len(ids) < 5 {
		t.Fatalf("the demo has the organizations %v, %v", ids, err)
	}
	tab := chrome.Guest(t)
	chrome.Go(t, tab, d.Origin)
	hues := chrome.Eval[[]float64](t, tab, `import("/theme.js").then(({ badge }) =>
		`+string(names)+`.map((id) => Number(badge({ id, name: id }).style.getPropertyValue("--hue"))))`)
	slices.Sort(hues)
	for i, hue := range hues {
		next := hues[(i+1)%len(hues)]
		if apart := int(next-hue+360) % 360; apart < 25 {
			t.Errorf("two of the hues %.0f are %d degrees apart", hues, apart)
		}
	}
}

// dressOf is what tells a tab apart: its title, its icon, and the colors of the browser's frame
// and of the page.
const dressOf = `JSON.stringify([document.title, document.querySelector("link[rel=icon]").href,
	document.querySelector("meta[name=theme-color]")?.content ?? "", getComputedStyle(document.documentElement).getPropertyValue("--tabard-hue")])`

// TestTheme_FollowsTheOrganization checks that two tabs never look alike, that a switch and
// a sign-out change the tab, and that the page's own comes back.
func TestTheme_FollowsTheOrganization(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	chrome.Go(t, tab, d.Origin)
	demo.AwaitScreen(t, tab, "signed_out")
	plain := chrome.Eval[string](t, tab, dressOf)
	d.SignIn(t, tab, "alice")
	looks := map[string]string{}
	for _, organization := range []string{"acme", "globex"} {
		d.Open(t, tab, organization)
		looks[organization] = chrome.Eval[string](t, tab, dressOf)
		picture(t, tab, "theme-"+organization)
	}
	differs(t, looks["acme"], looks["globex"])
	differs(t, looks["acme"], plain)
	switchTo(t, tab, "acme")
	chrome.Await(t, tab, dressOf+" === "+quoted(looks["acme"]))
	chrome.Eval[any](t, tab, `tabard.signOut().then(() => null)`)
	demo.AwaitScreen(t, tab, "signed_out")
	chrome.Await(t, tab, dressOf+" === "+quoted(plain))
	picture(t, tab, "theme-signed-out")
}

// TestTheme_WithoutOptions checks what a page gets that sets nothing and has neither icon nor
// color of its own: all of it goes with the organization.
func TestTheme_WithoutOptions(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	program.Write(t, filepath.Join(folder, "index.html"), `<!doctype html><html lang="en"><meta charset="utf-8"><title>page</title><script type="module" src="/main.js"></script></html>`)
	program.Write(t, filepath.Join(folder, "main.js"), `import { createClient } from "/auth/client/tabard.js";
import { followTheme } from "/auth/client/theme.js";
globalThis.tabard = createClient({ backend: "/auth" });
followTheme(tabard);
`)
	d := demo.StartWith(t, folder)
	tab := chrome.Guest(t)
	chrome.Go(t, tab, d.Origin)
	chrome.Await(t, tab, `globalThis.tabard?.state.status === "signed_out"`)
	chrome.Eval[any](t, tab, `void tabard.signIn({ organization: "acme" })`)
	chrome.Press(t, tab, "#person-alice")
	chrome.Await(t, tab, `globalThis.tabard?.state.organization?.slug === "acme" && document.title === "Acme Corporation · page"`)
	acme := chrome.Eval[string](t, tab, dressOf)
	chrome.Eval[any](t, tab, `tabard.switchOrganization("globex").then(() => null)`)
	chrome.Await(t, tab, `document.title === "Globex Shipping · page"`)
	differs(t, acme, chrome.Eval[string](t, tab, dressOf))
	if got := chrome.Eval[bool](t, tab, `(async () => { const i = new Image(); i.src = document.querySelector("link[rel=icon]").href; await i.decode(); return i.width > 0; })()`); !got {
		t.Error("the icon is no picture")
	}
	chrome.Eval[any](t, tab, `tabard.signOut().then(() => null)`)
	chrome.Await(t, tab, `document.title === "page" && !document.querySelector("link[rel=icon], meta[name=theme-color]")`)
}

// differs fails the test unless two tabs differ in everything that tells them apart.
func differs(t *testing.T, a, b string) {
	t.Helper()
	var one, other []string
	if err := errors.Join(json.Unmarshal([]byte(a), &one), json.Unmarshal([]byte(b), &other)); err != nil || len(one) != 4 || len(other) != 4 {
		t.Fatalf("the tabs are %s and %s: %v", a, b, err)
	}
	for i, value := range one {
		if value == other[i] {
			t.Errorf("two tabs have the same %q", value)
		}
	}
}

func quoted(text string) string {
	written, _ := json.Marshal(text) // a string always encodes
	return string(written)
}

// picture keeps a picture of a tab in the folder that TABARD_SCREENSHOTS names, if any.
func picture(t *testing.T, tab context.Context, name string) {
	t.Helper()
	folder := os.Getenv("TABARD_SCREENSHOTS")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(tab, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}
