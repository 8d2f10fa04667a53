//go:build long

package browser

import (
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// TestConnection_LinkOfAnotherPerson: Alice answers the sign-in that would link Dana.
func TestConnection_LinkOfAnotherPerson(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	d.Apply(t, d.Workspace(t)+"      - {iss: \""+d.Issuer+"\", sub: alice, roles: [viewer]}\n")
	dana, alice := chrome.Guest(t), chrome.Guest(t)
	d.SignIn(t, dana, "dana")
	d.Open(t, dana, "acme")
	enter(t, dana, "northwind")
	chrome.Press(t, dana, `[id="person-d.novak"]`)
	demo.AwaitActive(t, dana, "northwind")

	d.SignIn(t, alice, "alice")
	d.Open(t, alice, "acme")
	before := chrome.Eval[string](t, alice, `tabard.getToken()`)
	enter(t, alice, "northwind")
	chrome.Press(t, alice, `[id="person-d.novak"]`)
	demo.AwaitActive(t, alice, "acme")
	chrome.Await(t, alice, `tabard.state.error?.code === "identity_changed"`)
	if chrome.Eval[string](t, alice, `tabard.getToken()`) != before {
		t.Error("the refused link cost the tab its token")
	}
	demo.AwaitActive(t, dana, "northwind")
}
