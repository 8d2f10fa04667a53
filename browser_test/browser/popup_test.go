package browser

import (
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

// signInWindow opens a window for a sign-in at a press, as browsers demand.
const signInWindow = `{ document.body.append(Object.assign(document.createElement("input"), { id: "typed", value: "unsaved" }),
	Object.assign(document.createElement("button"), { id: "in-window", textContent: "Sign in", onclick() {
		tabard.signIn({ popup: true, ...globalThis.given }).then(() => (globalThis.signedIn = "yes"), (error) => (globalThis.signedIn = error.code + " " + error.action)); } })); }`

// TestSignIn_InAWindow: the person signs in in a window, which closes itself. The page with
// what was typed in it goes on in the organization that it named, also after a sign-out of
// another person, and other tabs learn of it.
func TestSignIn_InAWindow(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, "react/main.tsx")
	chrome.Go(t, tab, d.Origin)
	chrome.Await(t, tab, `document.querySelector("#sign-in")`)
	other := chrome.Tab(t, tab)
	chrome.Go(t, other, d.Origin)
	chrome.Await(t, other, `document.querySelector("#sign-in")`)
	chrome.Show(t, tab)
	for _, person := range []string{"alice", "bob"} {
		chrome.Eval[any](t, tab, `{ document.querySelectorAll("#typed, #in-window").forEach((e) => e.remove()); signedIn = undefined; given = { organization: "globex", prompt: "login" }; }; `+signInWindow)
		popup := chrome.OpenedBy(t, tab, func() { chrome.Press(t, tab, "#in-window") })
		chrome.Press(t, popup, "#person-"+person)
		chrome.Await(t, tab, `globalThis.signedIn === "yes"`)
		chrome.AwaitClosed(t, popup)
		example.AwaitNotes(t, tab, "globex")
		if got := chrome.Eval[string](t, tab, `[tabard.state.user.name.split(" ")[0].toLowerCase(), document.querySelector("#typed").value].join()`); got != person+",unsaved" {
			t.Errorf("signed in as %s: %s", person, got)
		}
		chrome.Await(t, other, `!["starting", "signed_out"].includes(tabard.state.status)`)
		chrome.Eval[any](t, tab, `tabard.signOut().then(() => null)`)
		chrome.Await(t, other, `tabard.state.status === "signed_out"`)
	}
	example.NoErrors(t, tab)
}

// TestProof_RequestOfAnotherKind: a request that the page sends by XMLHttpRequest is taken
// with the client's headers, whose proof serves once and for its address alone.
func TestProof_RequestOfAnotherKind(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	d.Apply(t, strings.Replace(d.Workspace(t), "    audience:", "    dpop_bound_tokens: true\n    audience:", 1))
	tab := chrome.Guest(t)
	d.SignIn(t, tab, "alice")
	d.Open(t, tab, "acme")
	chrome.Eval[any](t, tab, `{ globalThis.send = (method, url, headers) => new Promise((resolve) => {
		const request = new XMLHttpRequest();
		request.open(method, url);
		for (const name in headers) request.setRequestHeader(name, headers[name]);
		request.onload = () => resolve(request.status);
		request.send();
	}); }`)
	const notes = "/api/organizations/org_acme/notes"
	for expression, want := range map[string]int{
		`tabard.proof("` + notes + `").then((headers) => send("GET", "` + notes + `?x=1", headers))`:                                                                  200,
		`tabard.proof("` + notes + `").then((headers) => send("GET", "` + notes + `", headers).then(() => send("GET", "` + notes + `", headers)))`:                    401,
		`tabard.proof("` + notes + `", { method: "POST" }).then((headers) => send("GET", "` + notes + `", headers))`:                                                  401,
		`tabard.proof("/api/organizations/org_globex/notes").then((headers) => send("GET", "/api/organizations/org_globex/notes", headers))`:                          403,
		`tabard.proof("` + notes + `").then(({ Authorization }) => send("GET", "` + notes + `", { Authorization }))`:                                                  401,
		`tabard.inOrganization("globex").proof("/api/organizations/org_globex/notes").then((headers) => send("GET", "/api/organizations/org_globex/notes", headers))`: 200,
		`tabard.proof("https://evil.example/").then(() => 1, (error) => (error instanceof TypeError ? 2 : 3))`:                                                        2,
	} {
		if got := chrome.Eval[int](t, tab, expression); got != want {
			t.Errorf("%s: %d, want %d", expression, got, want)
		}
	}
}

// TestP5_ProofIsForTheOrganizationAtTheCall: what was picked for one organization is sent with the
// headers of no other, whether the handler waited or the client did.
func TestP5_ProofIsForTheOrganizationAtTheCall(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.New(t)
	d.SignIn(t, tab, "alice")
	d.Open(t, tab, "acme")
	held := chrome.Hold(t, tab, "*/acting.js")
	chrome.Eval[any](t, tab, `{ globalThis.partition = tabard.partition;
		globalThis.upload = (options) => tabard.proof("/api/files", { method: "PUT", ...options }).then(() => "handed out", ({ code, name }) => code + " " + name);
		globalThis.early = upload(); void 0; }`)
	if got := chrome.Eval[string](t, tab, `tabard.switchOrganization("globex").then(({ status }) => status)`); got != "switched" {
		t.Fatal(got)
	}
	held.Release(t)
	for _, call := range []string{`early`, `upload({ signal: partition.signal })`} {
		if got := chrome.Eval[string](t, tab, call); got != "organization_left AbortError" {
			t.Errorf("%s: %s", call, got)
		}
	}
	if got := chrome.Eval[string](t, tab, `upload()`); got != "handed out" {
		t.Errorf("for the tab's own organization: %s", got)
	}
}
