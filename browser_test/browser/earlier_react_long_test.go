//go:build long

package browser

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

// reacts are releases of React before the one that the examples use, each with a React Router that takes it.
var reacts = map[string][]string{
	"18.3": {"react@18.3.1", "react-dom@18.3.1", "react-router@7.18.7"},
	"19.1": {"react@19.1.8", "react-dom@19.1.8", "react-router@7.18.7"},
}

// installed installs packages and returns their folder.
func installed(t *testing.T, packages []string) string {
	t.Helper()
	folder := t.TempDir()
	install := exec.Command("npm", append([]string{"install", "--no-audit", "--no-fund", "--prefer-offline", "--prefix", folder}, packages...)...)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm: %v\n%s", err, out)
	}
	return filepath.Join(folder, "node_modules")
}

// TestEarlierReact_NamedPartition: with a React that can hide no page without its effects, no page has the address
// or the data of one organization in the tab of another either. The page that is left is taken off, and mounted anew
// where the next organization does not let the tab in: the person has left what was typed.
func TestEarlierReact_NamedPartition(t *testing.T) {
	t.Parallel()
	for release, packages := range reacts {
		t.Run(release, func(t *testing.T) {
			modules := installed(t, packages)
			alias := map[string]string{}
			for _, name := range []string{"react", "react-dom", "react-router"} {
				alias[name] = filepath.Join(modules, name)
			}
			d, tab := example.OpenWith(t, "../test/earlier.tsx", alias)
			goesBetween(t, d, tab)
		})
	}
}

func goesBetween(t *testing.T, d *demo.Demo, tab context.Context) {
	t.Helper()
	example.SignIn(t, d, tab, "/acme/notes", "alice")
	at := func(way, slug string) {
		t.Helper()
		awaitRoute(t, tab, "/"+slug+"/notes", slug)
		chrome.Await(t, tab, `document.querySelector("#draft")?.checkVisibility() && !document.querySelector("#opening")`)
		if got := chrome.Eval[string](t, tab, `mixed.splice(0).join("; ")`); got != "" {
			t.Errorf("%s: %s", way, got)
		}
	}
	at("signing in", "acme")
	for range 2 {
		chrome.Press(t, tab, "#to-globex")
		at("a link", "globex")
		demo.Choose(t, tab, "acme")
		at("the switcher", "acme")
		move(t, tab, `history.back()`)
		at("back", "globex")
		move(t, tab, `tabard.switchOrganization("acme")`)
		at("switchOrganization", "acme")
	}
	held := chrome.Hold(t, tab, "*/auth/token*")
	for _, answer := range []string{"#stay", "#leave"} {
		chrome.Press(t, tab, "#draft")
		chrome.Key(t, tab, "x")
		typed := chrome.Eval[string](t, tab, `document.querySelector("#draft").value`)
		chrome.Press(t, tab, "#to-nowhere")
		chrome.Press(t, tab, answer)
		if answer == "#leave" {
			chrome.Await(t, tab, `document.querySelector("#opening") && !document.querySelector("#draft")`)
			held.Pass()
			chrome.Await(t, tab, `routes.state.status === "stayed"`)
			typed = ""
		}
		at(answer, "acme")
		if got := chrome.Eval[string](t, tab, `document.querySelector("#draft").value`); got != typed {
			t.Errorf("%s: the form holds %q, not %q", answer, got, typed)
		}
	}
	example.NoErrors(t, tab)
}
