package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/firefox"
)

// TestFirefox_TwoPeople: alice and bob are signed in in one browser, each in a tab of their own.
// Nothing of one reaches the other's, over reloads, a switch of the account and the sign-out of
// one.
func TestFirefox_TwoPeople(t *testing.T) {
	t.Parallel()
	d := demo.StartSeveral(t, "tabard")
	alice := firefoxTab{firefox.New(t), d}
	alice.signIn(t, "alice")
	alice.open(t, "acme")
	bob := firefoxTab{alice.Tab.Tab(t), d}
	bob.Go(t, d.Origin)
	bob.awaitScreen(t, "choose") // as alice, the only one
	firefox.Eval[any](t, bob.Tab, `void tabard.signIn({ account: "another" })`)
	bob.Press(t, "#person-bob")
	const user = `tabard.getToken({ forceRefresh: true }).then((token) => JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).sub, (e) => e.code)`
	subject := func(tab firefoxTab) string {
		t.Helper()
		tab.Await(t, `globalThis.tabard?.state.status === "active"`)
		return firefox.Eval[string](t, tab.Tab, user)
	}
	a, b := subject(alice), subject(bob)
	if a == b || !strings.HasPrefix(a, "usr_") || !strings.HasPrefix(b, "usr_") {
		t.Fatalf("the tabs act for %s and %s", a, b)
	}
	for range 2 {
		alice.Reload(t)
		bob.Reload(t)
		if subject(alice) != a || subject(bob) != b {
			t.Error("after a reload a tab acts for the other person")
		}
	}
	if record := firefox.Eval[string](t, bob.Tab, `JSON.stringify(sessionStorage)`); strings.Contains(record, a) {
		t.Error("bob's tab keeps something of alice's")
	}
	other := firefoxTab{alice.Tab.Tab(t), d}
	other.Go(t, d.Origin)
	other.Await(t, `globalThis.tabard?.state.status === "choose_account"`)
	if got := firefox.Eval[string](t, other.Tab, fmt.Sprintf(`tabard.switchAccount(%q).then(({ status }) => status)`, b)); got != "switched" || subject(other) != b {
		t.Errorf("the switch to bob: %s", got)
	}
	firefox.Eval[any](t, alice.Tab, `tabard.signOut().then(() => null)`)
	alice.awaitScreen(t, "signed_out")
	for _, tab := range []firefoxTab{other, bob} {
		tab.Reload(t)
		if subject(tab) != b {
			t.Error("alice's sign-out has reached a tab of bob's")
		}
	}
	alice.Reload(t)
	alice.Await(t, `globalThis.tabard?.state.status === "signed_out"`)
}

// TestFirefox_TwoOrigins: one sign-in opens the origin of one organization by a switch and that
// of another by its address alone; each acts for its own alone, and a sign-out ends both.
func TestFirefox_TwoOrigins(t *testing.T) {
	t.Parallel()
	d := demo.StartMany(t, "tabard")
	home := firefoxTab{firefox.New(t), d}
	home.signIn(t, "alice")
	home.awaitScreen(t, "choose")
	globex := firefoxTab{home.Tab.Tab(t), d}
	globex.Go(t, d.At("globex")+"/")
	globex.awaitActive(t, "globex")
	firefox.Eval[any](t, home.Tab, `void tabard.switchOrganization("acme")`)
	home.Await(t, fmt.Sprintf(`location.origin === %q`, d.At("acme")))
	home.awaitActive(t, "acme")
	for range 2 {
		home.Reload(t)
		globex.Reload(t)
		home.awaitActive(t, "acme")
		globex.awaitActive(t, "globex")
	}
	if got := firefox.Eval[string](t, home.Tab, `tabard.inOrganization("globex").getToken().then(() => "a token", (e) => e.code)`); got != "organization_access_denied" {
		t.Errorf("the origin of acme has of globex: %s", got)
	}
	firefox.Eval[any](t, home.Tab, `tabard.signOut().then(() => null)`)
	home.awaitScreen(t, "signed_out")
	globex.Reload(t)
	globex.awaitScreen(t, "signed_out")
}
