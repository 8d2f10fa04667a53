//go:build long

package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// TestSignIn_CanceledInAWindow says so, and the page can be left instead.
func TestSignIn_CanceledInAWindow(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, "react/main.tsx")
	chrome.Go(t, tab, d.Origin)
	chrome.Await(t, tab, `document.querySelector("#sign-in")`)
	chrome.Eval[any](t, tab, signInWindow)
	popup := chrome.OpenedBy(t, tab, func() { chrome.Press(t, tab, "#in-window") })
	chrome.Press(t, popup, "#cancel")
	chrome.Press(t, popup, `main a[href*="tabard_error"]`) // back from the page with the provider's error
	chrome.Await(t, tab, `globalThis.signedIn === "access_denied sign_in"`)
	chrome.AwaitClosed(t, popup)
	if got := chrome.Eval[string](t, tab, `tabard.state.status`); got != "signed_out" {
		t.Errorf("the tab is %s", got)
	}
}

// TestSignIn_WindowOfAFrame: in a frame of another site the window is the app itself. The
// person signs in there, and the frame gets nothing of it.
func TestSignIn_WindowOfAFrame(t *testing.T) {
	t.Parallel()
	folder := example.Page(t, "react/main.tsx", "")
	index := filepath.Join(folder, "index.html")
	html, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	program.Write(t, index, string(html)+`<script>addEventListener("message", ({ data }) => eval(data));</script>`)
	page := httptest.NewServer(http.FileServer(http.Dir(folder))) // whose policy allows frames
	t.Cleanup(page.Close)
	d := demo.StartWith(t, page.URL)
	tab := chrome.Guest(t)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><title>another site</title><iframe id="frame" src=%q width="600" height="400"></iframe>`, d.Origin)
	}))
	t.Cleanup(site.Close)
	chrome.Go(t, tab, site.URL)
	said := func(expression, want string) {
		t.Helper()
		chrome.Await(t, tab, fmt.Sprintf(`(document.querySelector("#frame").contentWindow.postMessage(%q, "*"), globalThis.said === %q)`,
			`parent.postMessage(`+expression+`, "*")`, want))
	}
	chrome.Eval[any](t, tab, `{ addEventListener("message", ({ data }) => (globalThis.said = data)); }`)
	said(`String(globalThis.tabard?.state.status)`, "signed_out")
	popup := chrome.OpenedBy(t, tab, func() {
		chrome.Eval[any](t, tab, `document.querySelector("#frame").contentWindow.postMessage("tabard.signIn({ popup: true, returnTo: '/?here' })", "*")`)
	})
	chrome.Await(t, popup, `location.search === "?here" && globalThis.tabard?.state.status === "signed_out" && window.opener === null`)
	chrome.Press(t, popup, "#sign-in")
	chrome.Press(t, popup, "#person-alice")
	chrome.Await(t, popup, `globalThis.tabard && !["starting", "signed_out"].includes(tabard.state.status)`)
	said(`String(tabard.state.status)`, "signed_out")
	said(`String(localStorage.length < 10 && !JSON.stringify({ ...localStorage, ...sessionStorage }).includes("eyJ"))`, "true")
}
