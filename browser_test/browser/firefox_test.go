package browser

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/firefox"
)

// firefoxTab is a tab of Firefox that shows the demo.
type firefoxTab struct {
	*firefox.Tab
	demo *demo.Demo
}

func (f firefoxTab) signIn(t *testing.T, person string) {
	t.Helper()
	f.Go(t, f.demo.Origin)
	f.awaitScreen(t, "signed_out")
	f.Press(t, "#sign-in")
	f.Press(t, "#person-"+person)
	f.Await(t, `globalThis.tabard && !["starting", "signed_out"].includes(tabard.state.status)`)
}

func (f firefoxTab) open(t *testing.T, organization string) {
	t.Helper()
	f.Go(t, f.demo.Origin+"/?tabard_organization="+organization)
	f.awaitActive(t, organization)
}

// awaitActive waits until an organization is active in the tab, with a token that the API takes for
// it and for no other.
func (f firefoxTab) awaitActive(t *testing.T, organization string) {
	t.Helper()
	f.Await(t, fmt.Sprintf(`globalThis.tabard?.state.status === "active" && tabard.state.organization.slug === %q && document.body.dataset.screen === "active"`, organization))
	for _, other := range []string{"acme", "globex"} {
		want := 403
		if other == organization {
			want = 200
		}
		if got := firefox.Eval[int](t, f.Tab, fmt.Sprintf(`tabard.fetch("/api/organizations/org_%s/notes").then((r) => r.status)`, other)); got != want {
			t.Errorf("the tab of %s asks for the notes of %s: %d, want %d", organization, other, got, want)
		}
	}
}

func (f firefoxTab) awaitScreen(t *testing.T, name string) {
	t.Helper()
	f.Await(t, fmt.Sprintf(`document.body?.dataset.screen === %q`, name))
}

// TestFirefox_OrdinaryPath: a sign-in, two tabs, two organizations, a switch, a
// copy, the way back, a sign-out.
func TestFirefox_OrdinaryPath(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	first := firefoxTab{firefox.New(t), d}
	first.signIn(t, "alice")
	first.awaitScreen(t, "choose")
	second := firefoxTab{first.Tab.Tab(t), d}
	first.open(t, "acme")
	second.open(t, "globex")
	for range 2 {
		first.Reload(t)
		second.Reload(t)
		first.awaitActive(t, "acme")
		second.awaitActive(t, "globex")
	}
	if !firefox.Eval[bool](t, first.Tab, `tabard.state.deviceBound`) {
		t.Error("the session is not bound to the device")
	}
	names := first.Cookies(t)
	if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, "__Host-Http-tabard") }) {
		t.Errorf("the cookies are %v", names)
	}
	if got := firefox.Eval[string](t, first.Tab, `(document.cookie = "__Host-Http-tabard-x=1; Secure; Path=/", document.cookie)`); strings.Contains(got, "tabard") {
		t.Errorf("script sets or reads %s", got)
	}
	id := `JSON.parse(sessionStorage["tabard:" + location.origin + "/auth"]).tab`
	if firefox.Eval[string](t, first.Tab, id) == firefox.Eval[string](t, second.Tab, id) {
		t.Error("two tabs have one id")
	}
	if got := firefox.Eval[string](t, first.Tab, `tabard.switchOrganization("globex").then((r) => r.status)`); got != "switched" {
		t.Errorf("the switch: %s", got)
	}
	first.awaitActive(t, "globex")
	if got := firefox.Eval[string](t, first.Tab, `tabard.switchOrganization("nowhere").then((r) => r.status + " " + r.code)`); got != "refused organization_access_denied" {
		t.Errorf("a switch to nowhere: %s", got)
	}
	firefox.Eval[any](t, first.Tab, `tabard.switchOrganization("acme").then(() => null)`)
	first.awaitActive(t, "acme")

	copied := firefoxTab{first.Copy(t), d}
	copied.awaitActive(t, "acme")
	copied.Await(t, fmt.Sprintf(`%s !== %q`, id, firefox.Eval[string](t, first.Tab, id)))
	firefox.Eval[any](t, copied.Tab, `tabard.switchOrganization("globex").then(() => null)`)
	copied.awaitActive(t, "globex")
	first.awaitActive(t, "acme")

	first.Go(t, "about:blank")
	first.Back(t)
	first.awaitActive(t, "acme")

	first.Go(t, "about:blank") // to come back to
	firefox.Eval[any](t, second.Tab, `tabard.signOut().then(() => null)`)
	second.awaitScreen(t, "signed_out")
	first.Back(t)
	first.awaitScreen(t, "signed_out")
	if got := firefox.Eval[string](t, first.Tab, `tabard.getToken().then(() => "a token", (e) => e.code)`); got != "login_required" {
		t.Errorf("a tab that was gone back to has %s", got)
	}
}
