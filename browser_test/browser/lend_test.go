package browser

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// narrowerTokens asks for tokens that are narrower than the tab's own, and returns what they
// say, or the code of the refusal.
const narrowerTokens = `(async () => {
	const claims = (token) => JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
	const reads = { permissions: ["notes:read"], seconds: 60 };
	const [own, first, same] = await Promise.all([tabard.getToken(), tabard.getToken(reads), tabard.getToken(reads)]);
	const fresh = await tabard.getToken({ ...reads, forceRefresh: true });
	const { lent, permissions, roles, org_id, exp, iat } = claims(first);
	const refusal = (options) => tabard.getToken(options).then(() => "none", (error) => error.code ?? error.name);
	return JSON.stringify({
		lent, permissions, roles, org_id, life: exp - iat, held: first === same, fresh: fresh !== first,
		apart: own === await tabard.getToken() && !claims(own).lent,
		more: await refusal({ permissions: ["everything"] }), elsewhere: await refusal({ audience: "https://other.example" }),
		misuse: await refusal({ scope: "notes:read" }),
	});
})()`

func TestLend_NarrowerTokens(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	d.SignIn(t, tab, "alice")
	for _, organization := range []string{"org_acme", "org_globex"} {
		if organization == "org_globex" {
			switchTo(t, tab, "globex")
		} else {
			d.Open(t, tab, "acme")
		}
		want := `{"lent":true,"permissions":["notes:read"],"roles":[],"org_id":"` + organization + `","life":60,"held":true,"fresh":true,"apart":true,` +
			`"more":"insufficient_permissions","elsewhere":"invalid_request","misuse":"TypeError"}`
		if got := chrome.Eval[string](t, tab, narrowerTokens); got != want {
			t.Errorf("in %s\n%s, want\n%s", organization, got, want)
		}
	}
}

// lendToWorker lends to a worker what reads notes, and tells what the worker gets to do.
const lendToWorker = `(async () => {
	const script = 'import { borrow } from "' + location.origin + '/auth/client/borrow.js";' +
		'onmessage = async ({ data: { port, key, api } }) => {' +
		'	const tabard = borrow(port, { key }); tabard.signal.onabort = () => postMessage("ended");' +
		'	const status = (path, init) => tabard.fetch(api + path, init).then((r) => r.status, (e) => e.code ?? String(e));' +
		'	const note = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ text: "a borrower\'s" }) };' +
		'	postMessage([await status("/organizations/org_acme/notes"), await status("/organizations/org_acme/notes", note), await status("/organizations/org_globex/notes")]); };';
	const loan = await tabard.lend({ permissions: ["notes:read"] });
	const worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })), { type: "module" });
	const heard = () => new Promise((resolve, reject) => { worker.onmessage = ({ data }) => resolve(data); worker.onerror = (e) => reject(new Error(e.message)); });
	worker.postMessage({ port: loan.port, key: KEY, api: location.origin + "/api" }, [loan.port]);
	const did = await heard();
	globalThis.ended = heard();
	return JSON.stringify(did);
})()`

// TestLend_Worker lends to a worker of the page. What the worker has ends with the
// organization.
func TestLend_Worker(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	if _, err := chromedp.Call(tab, page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true}); err != nil { // for the worker, a blob
		t.Fatal(err)
	}
	d.SignIn(t, tab, "alice")
	d.Open(t, tab, "acme")
	var got []any
	if err := json.Unmarshal([]byte(chrome.Eval[string](t, tab, "(() => { const KEY = false; return "+lendToWorker+"})()")), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got[0] != 200.0 || got[1] != 403.0 || got[2] != 403.0 {
		t.Errorf("the worker reads, writes, and reads elsewhere with %v", got)
	}
	switchTo(t, tab, "globex")
	if ended := chrome.Eval[string](t, tab, "ended"); ended != "ended" {
		t.Errorf("the worker hears %q", ended)
	}
}

// lendToFrame lends to a frame what reads the files of another audience, and tells what the
// frame's token says.
const lendToFrame = `(async () => {
	const { port } = await tabard.lend({ audience: "https://files.example", permissions: ["notes:read"], seconds: 90 });
	const frame = Object.assign(document.createElement("iframe"), { srcdoc: '<script type="module">import { borrow } from "' + location.origin + '/auth/client/borrow.js";' +
		'onmessage = async ({ ports: [port] }) => { const tabard = borrow(port); parent.postMessage({ token: await tabard.getToken() });' +
		' tabard.signal.onabort = () => tabard.getToken().catch((e) => parent.postMessage({ ended: e.code })); }; parent.postMessage({ ready: true });</' + 'script>' });
	const heard = (what) => new Promise((resolve) => addEventListener("message", ({ data }) => what in data && resolve(data[what])));
	const ready = heard("ready");
	document.body.append(frame);
	await ready;
	const told = heard("token");
	globalThis.ended = heard("ended");
	frame.contentWindow.postMessage(null, "*", [port]);
	const { aud, lent, permissions, roles, org_id, exp, iat } = JSON.parse(atob((await told).split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
	return JSON.stringify({ aud, lent, permissions, roles, org_id, life: exp - iat });
})()`

// TestLend_FrameOfAnotherAudience lends to a frame what is for an audience that the app lists,
// and for no API of the page's. What it has ends with the organization.
func TestLend_FrameOfAnotherAudience(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	d.Apply(t, strings.Replace(d.Workspace(t), "  - id: demo\n", "  - id: demo\n    further_audiences: [https://files.example]\n", 1))
	tab := chrome.Guest(t)
	if _, err := chromedp.Call(tab, page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true}); err != nil { // for the frame's script
		t.Fatal(err)
	}
	d.SignIn(t, tab, "alice")
	d.Open(t, tab, "acme")
	want := `{"aud":"https://files.example","lent":true,"permissions":["notes:read"],"roles":[],"org_id":"org_acme","life":90}`
	if got := chrome.Eval[string](t, tab, lendToFrame); got != want {
		t.Errorf("the frame has %s, want %s", got, want)
	}
	elsewhere := `tabard.getToken({ audience: "https://files.example" }).then((token) => fetch("/api/organizations/org_acme/notes", { headers: { Authorization: "Bearer " + token } })).then((r) => r.status)`
	if got := chrome.Eval[int](t, tab, elsewhere); got != 401 {
		t.Errorf("the page's own API answers %d", got)
	}
	switchTo(t, tab, "globex")
	if got := chrome.Eval[string](t, tab, "ended"); got != "lent_ended" {
		t.Errorf("the frame hears %q", got)
	}
}
