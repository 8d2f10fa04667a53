package js_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
)

func TestMain(m *testing.M) { os.Exit(chrome.Run(m)) }

// inAcme opens a tab in which a signed-in person has Acme active. It returns the tab's
// token.
func inAcme(t *testing.T) (b *backend, address string, tab context.Context, token string) {
	t.Helper()
	b, server := newApp(t, http.HandlerFunc(app))
	b.signedIn = true
	tab = chrome.Guest(t)
	chrome.Go(t, tab, server.URL+"/?tabard_organization=acme")
	await(t, tab, "active")
	token = chrome.Eval[string](t, tab, `tabard.getToken()`)
	b.mints()
	return b, server.URL, tab, token
}

// sibling opens another tab of the same person.
func sibling(t *testing.T, tab context.Context, address, organization string) context.Context {
	t.Helper()
	other := chrome.Tab(t, tab)
	chrome.Go(t, other, address+"/?tabard_organization="+organization)
	await(t, other, "active")
	return other
}

func await(t *testing.T, tab context.Context, status string) {
	t.Helper()
	chrome.Await(t, tab, fmt.Sprintf(`window.tabard?.state.status === %q`, status))
}

func gives(t *testing.T, tab context.Context, expression, want string) {
	t.Helper()
	if got := chrome.Eval[string](t, tab, expression); got != want {
		t.Errorf("%s is %q, want %q", expression, got, want)
	}
}

func asksNobody(t *testing.T, b *backend) {
	t.Helper()
	if mints := b.mints(); len(mints) > 0 {
		t.Errorf("minted for %v", mints)
	}
}

func TestSigningInAndChoosing(t *testing.T) {
	_, server := newApp(t, http.HandlerFunc(app))
	tab := chrome.Guest(t)
	chrome.Go(t, tab, server.URL)
	await(t, tab, "signed_out")
	chrome.Eval[any](t, tab, `void tabard.signIn()`)
	await(t, tab, "choose")
	gives(t, tab, `tabard.state.organizations.map((o) => o.slug).sort().join()`, "acme,globex")
	gives(t, tab, `tabard.switchOrganization("acme").then((r) => r.status)`, "switched")
	token := chrome.Eval[string](t, tab, `tabard.getToken()`)
	gives(t, tab, `tabard.fetch("/api/echo").then((r) => r.text())`, "Bearer "+token)
}

func TestP1AReloadKeepsTheOrganizationAndAsksNobody(t *testing.T) {
	b, _, tab, token := inAcme(t)
	for range 5 {
		chrome.Reload(t, tab)
		gives(t, tab, `tabard.getToken()`, token)
		await(t, tab, "active")
	}
	gives(t, tab, `tabard.state.organization.slug + location.search`, "acme")
	asksNobody(t, b)
}

func TestP1AnotherTabWearsAnotherOrganization(t *testing.T) {
	_, address, tab, _ := inAcme(t)
	other := sibling(t, tab, address, "globex")
	chrome.Reload(t, tab)
	chrome.Reload(t, other)
	gives(t, tab, `tabard.state.organization.slug`, "acme")
	gives(t, other, `tabard.state.organization.slug`, "globex")
}

func TestP3ARefusedSwitchLeavesTheTabAsItWas(t *testing.T) {
	_, _, tab, token := inAcme(t)
	gives(t, tab, `tabard.switchOrganization("initech").then((r) => r.status + " " + r.code)`, "refused organization_access_denied")
	gives(t, tab, `tabard.getToken()`, token)
	gives(t, tab, `tabard.state.status + " " + tabard.state.organization.slug`, "active acme")
}

func TestAReloadWithTheModuleBlockedStillHasItsToken(t *testing.T) {
	b, _, tab, token := inAcme(t)
	chrome.Block(t, tab, "*://*:*/*.wasm")
	chrome.Reload(t, tab)
	gives(t, tab, `tabard.getToken()`, token)
	gives(t, tab, `tabard.fetch("/api/echo").then((r) => r.text())`, "Bearer "+token)
	gives(t, tab, `tabard.state.status + " " + tabard.state.organization.slug`, "active acme")
	asksNobody(t, b)
}

func TestAModuleThatDiesIsStartedAgainAndNothingIsLost(t *testing.T) {
	b, _, tab, token := inAcme(t)
	record := chrome.Eval[string](t, tab, `sessionStorage[sessionStorage.key(0)]`)
	// The module exits as a panic does: from inside, while it is called.
	chrome.Eval[any](t, tab, `{
		const go = instances.at(-1), { exports } = go._inst;
		go._inst = { exports: { ...exports, resume() { go.importObject.gojs["runtime.wasmExit"](exports.getsp()); } } };
		tabard.getToken().catch((e) => window.died = e.code + " " + e.action);
	}`)
	chrome.Await(t, tab, `window.died && instances.length === 2`)
	gives(t, tab, `window.died`, "temporarily_unavailable retry")
	gives(t, tab, `tabard.getToken()`, token)
	gives(t, tab, `sessionStorage[sessionStorage.key(0)]`, record)
	asksNobody(t, b)
}

func TestThePageIsLeftAsItWas(t *testing.T) {
	_, _, tab, _ := inAcme(t)
	gives(t, tab, `[typeof process, typeof __tabard, ...violations, ...rejections].join()`, "undefined,undefined")
}

func TestP10ASignOutReachesTheOtherTabs(t *testing.T) {
	_, address, tab, _ := inAcme(t)
	other := sibling(t, tab, address, "globex")
	chrome.Eval[any](t, other, `tabard.signOut().then(() => 1)`)
	await(t, tab, "signed_out")
	chrome.Reload(t, tab)
	await(t, tab, "signed_out")
}

func TestP10GoingBackShowsNothingAfterASignOut(t *testing.T) {
	_, address, tab, _ := inAcme(t)
	other := sibling(t, tab, address, "acme")
	chrome.Go(t, other, address+"/api/echo")
	chrome.Eval[any](t, tab, `tabard.signOut().then(() => 1)`)
	chrome.Back(t, other)
	await(t, other, "signed_out")
	gives(t, other, `tabard.getToken().catch((e) => e.code)`, "login_required")
}
