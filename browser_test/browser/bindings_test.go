package browser

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

// binding is the example of a framework, with the program that renders it on a server.
type binding struct{ entry, program string }

// TestBindings_HydrateAServersPage: signed in or not, the page hydrates
// without an error, follows the tab's switches and shows no data of the organization
// that it left. TestBindings_OtherFrameworks has the other frameworks.
func TestBindings_HydrateAServersPage(t *testing.T) {
	t.Parallel()
	t.Run("React", react.hydrates)
}

// react is the example of React; bindings_long_test.go has the others.
var react = binding{"react/main.tsx", `import { createElement } from "react"; import { renderToString } from "react-dom/server"; import { App } from "./main.tsx";
process.stdout.write(renderToString(createElement(App)));`}

// start runs the demo with the example's page, as a server renders it.
func (b binding) start(t *testing.T) *demo.Demo {
	t.Helper()
	markup := example.Rendered(t, strings.Split(b.entry, "/")[0], b.program)
	if !strings.Contains(markup, ">starting<") || !strings.Contains(markup, "<tabard-switcher") || strings.Contains(markup, "sign-in") {
		t.Fatalf("the server rendered %q", markup)
	}
	return demo.StartWith(t, example.Page(t, b.entry, markup))
}

func (b binding) hydrates(t *testing.T) {
	d := b.start(t)
	tab := chrome.Guest(t)
	chrome.Before(t, tab, example.KeepErrors)
	example.SignIn(t, d, tab, "/", "alice")
	for _, organization := range []string{"acme", "globex", "acme"} {
		if got := chrome.Eval[string](t, tab, fmt.Sprintf(`tabard.switchOrganization(%q).then((r) => r.status)`, organization)); got != "switched" {
			t.Fatalf("switching to %s: %s", organization, got)
		}
		example.AwaitNotes(t, tab, organization)
	}
	mayAs(t, tab, "acme", "You may write notes.")
	demo.Choose(t, tab, "globex") // by the element, whose markup is the server's
	mayAs(t, tab, "globex", "You may write notes.")
	demo.Choose(t, tab, "initech")
	mayAs(t, tab, "initech", "You may read notes.")
	chrome.Press(t, tab, "#nowhere")
	chrome.Await(t, tab, `document.querySelector("#result").value === "refused" && document.querySelector("#user").textContent.includes("Alice")`)
	demo.Choose(t, tab, "acme")
	example.AwaitNotes(t, tab, "acme")
	example.NoErrors(t, tab)
	chrome.Reload(t, tab) // this time the client knows its organization at once
	example.AwaitNotes(t, tab, "acme")
	chrome.Eval[any](t, tab, `tabard.signOut().then(() => null)`)
	chrome.Await(t, tab, `document.querySelector("#sign-in") && !document.querySelector("#notes") && !document.querySelector("#user")`)
	example.NoErrors(t, tab)
}

// mayAs waits until the page says what the person may do in an organization.
func mayAs(t *testing.T, tab context.Context, organization, want string) {
	t.Helper()
	chrome.Await(t, tab, fmt.Sprintf(`document.querySelector("#notes")?.dataset.organization === %q && document.querySelector("#may").textContent === %q`, organization, want))
}

// TestBindings_ReactReportsASwitch: the hook returns the typed result. The component that
// switched gets the refusal, and the tab keeps its organization.
func TestBindings_ReactReportsASwitch(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, "react/main.tsx")
	example.SignIn(t, d, tab, "/", "alice")
	chrome.Press(t, tab, "#acme")
	example.AwaitNotes(t, tab, "acme")
	chrome.Press(t, tab, "#nowhere")
	chrome.Await(t, tab, `document.querySelector("#result").value === "refused"`)
	example.AwaitNotes(t, tab, "acme")
	chrome.Press(t, tab, "#globex")
	example.AwaitNotes(t, tab, "globex")
	demo.Choose(t, tab, "acme") // by the element, which React gave its client
	example.AwaitNotes(t, tab, "acme")
	example.NoErrors(t, tab)
}
