package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/validator"
)

// recorder keeps the headers of every request that the page sends to the backend,
// and of the last one to the API.
const recorder = `
globalThis.sent = [];
const real = fetch;
globalThis.fetch = (input, init) => {
  if (String(input).includes("/auth/") && init?.headers) sent.push({ url: String(input), headers: { ...init.headers } });
  if (String(input).includes("/api/") && init?.headers) globalThis.sentToAPI = Object.fromEntries(new Headers(init.headers));
  return real(input, init);
};`

// request is one of the recorder's requests.
type request struct {
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
}

// lastMint returns the last request for a token that a tab sent.
func lastMint(t *testing.T, tab context.Context) request {
	t.Helper()
	return chrome.Eval[request](t, tab, `sent.findLast((r) => new URL(r.url, location.href).pathname === "/auth/token")`)
}

// thief sends a request from a plain HTTP client with a copy of a tab's cookies and all
// headers of the browser; proof may be empty.
func thief(t *testing.T, d *demo.Demo, tab context.Context, proof string) (status int, code string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.Backend+"/token", strings.NewReader(`{"organization":"org_acme","enter":true}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range chrome.Cookies(t, tab, d.Origin) {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	if len(r.Cookies()) == 0 {
		t.Fatal("there is no cookie to copy")
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Tabard-Client": "1", "Origin": d.Origin, "DPoP": proof,
		"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty",
		"User-Agent": chrome.Eval[string](t, tab, `navigator.userAgent`),
	} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var body struct {
		Code string `json:"error"`
	}
	json.Unmarshal(text, &body)
	return answer.StatusCode, body.Code
}

// checkMints fails the test unless a tab gets new tokens from the backend.
func checkMints(t *testing.T, tab context.Context) {
	t.Helper()
	for _, organization := range []string{"initech", "acme"} {
		chrome.Eval[any](t, tab, `sessionStorage.clear()`)
		chrome.Eval[any](t, tab, fmt.Sprintf(`location.assign("/?tabard_organization=%s")`, organization))
		demo.AwaitActive(t, tab, organization)
	}
	if !chrome.Eval[bool](t, tab, `tabard.state.deviceBound`) {
		t.Error("the session is not bound to the device")
	}
}

func TestDevice_StolenCookie(t *testing.T) {
	t.Parallel()
	d, tab := atAcme(t, recorder)
	checkMints(t, tab)
	if chrome.Eval[bool](t, tab, storedKey+`.then((pair) => pair.privateKey.extractable)`) {
		t.Error("the device key can be taken away")
	}

	used := lastMint(t, tab).Headers["DPoP"]
	for what, c := range map[string]struct{ proof, code string }{
		"no proof":            {"", "device_key_required"},
		"the victim's proof":  {used, "invalid_dpop_proof"},
		"the thief's own key": {httpbrowser.NewDevice(t).Proof(t, "POST", d.Backend+"/token", time.Now()), "device_key_mismatch"},
	} {
		if status, code := thief(t, d, tab, c.proof); status < 400 || code != c.code {
			t.Errorf("the cookie with %s: %d %s, want %s", what, status, code, c.code)
		}
	}
	checkMints(t, tab) // the session still exists
}

// storedKey is a script that returns the key pair in the browser's storage.
const storedKey = `new Promise((done) => {
  const open = indexedDB.open("tabard");
  open.onsuccess = () => {
    const all = open.result.transaction("keys").objectStore("keys").getAll();
    all.onsuccess = () => { open.result.close(); done(all.result[0]); };
  };
})`

func TestDevice_LostKey(t *testing.T) {
	t.Parallel()
	_, tab := atAcme(t)
	chrome.Eval[any](t, tab, `new Promise((done) => { indexedDB.deleteDatabase("tabard").onsuccess = () => done(null); })`)
	chrome.Eval[any](t, tab, `sessionStorage.clear()`)
	chrome.Reload(t, tab)
	demo.AwaitScreen(t, tab, "signed_out")
	if got := chrome.Eval[string](t, tab, `tabard.state.error.code + " " + tabard.state.error.action`); got != "device_key_mismatch sign_in" {
		t.Errorf("the page is told %s", got)
	}
	chrome.Press(t, tab, "#sign-in") // the provider still has a session of the person
	chrome.Await(t, tab, `globalThis.tabard && !["starting", "signed_out"].includes(tabard.state.status)`)
	checkMints(t, tab)
}

func TestDevice_LinkFromAnotherSite(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	evil := httpbrowser.NewDevice(t)
	chrome.Go(t, tab, d.Issuer+"/nowhere") // another site
	chrome.Eval[any](t, tab, fmt.Sprintf(`void (location.href = "%s/login?return_to=/&dpop_jkt=%s")`, d.Backend, evil.Thumbprint()))
	chrome.Press(t, tab, "main a") // the page that asks after a link from another site
	chrome.Press(t, tab, "#person-alice")
	chrome.Await(t, tab, `globalThis.tabard && !["starting", "signed_out"].includes(tabard.state.status)`)
	d.Open(t, tab, "acme")
	checkMints(t, tab) // bound to the browser's own key
	if status, code := thief(t, d, tab, evil.Proof(t, "POST", d.Backend+"/token", time.Now())); code != "device_key_mismatch" {
		t.Errorf("the maker of the link, with the cookie: %d %s", status, code)
	}
}

func TestDevice_TabsStartedTogether(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	first := chrome.Guest(t)
	tabs := []context.Context{first}
	for range 5 {
		tabs = append(tabs, chrome.Tab(t, first))
	}
	for _, tab := range tabs {
		chrome.Before(t, tab, recorder)
		chrome.Eval[any](t, tab, fmt.Sprintf(`void setTimeout(() => location.assign(%q))`, d.Origin))
	}
	keys := map[string]bool{}
	for _, tab := range tabs {
		demo.AwaitScreen(t, tab, "signed_out")
		chrome.Await(t, tab, `sent.some((r) => new URL(r.url, location.href).pathname === "/auth/token")`) // the page may be ahead of its module
		header, _, _ := strings.Cut(lastMint(t, tab).Headers["DPoP"], ".")
		keys[header] = true
	}
	if len(keys) != 1 || keys[""] {
		t.Errorf("%d tabs have the keys %v", len(tabs), keys)
	}
}

func TestDevice_BrowserWithoutKeys(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	browser := chrome.Guest(t)
	for name, script := range map[string]string{
		"no WebCrypto":         `Object.defineProperty(Crypto.prototype, "subtle", { get() {} })`,
		"no IndexedDB":         `Object.defineProperty(globalThis, "indexedDB", { value: undefined })`,
		"IndexedDB is blocked": `IDBFactory.prototype.open = () => { throw new DOMException("blocked", "SecurityError"); }`,
		"IndexedDB fails":      `IDBObjectStore.prototype.add = () => { throw new DOMException("no keys", "DataCloneError"); }`,
	} {
		t.Run(name, func(t *testing.T) {
			tab := chrome.Person(t, browser)
			chrome.Before(t, tab, script)
			d.SignIn(t, tab, "alice")
			d.Open(t, tab, "acme")
			if chrome.Eval[bool](t, tab, `tabard.state.deviceBound`) {
				t.Error("the session says that it is bound")
			}
			if got := chrome.Eval[int](t, tab, `tabard.fetch("/api/organizations/org_acme/notes").then((r) => r.status)`); got != 200 {
				t.Errorf("the API answers %d", got)
			}
		})
	}
}

func TestABoundAccessTokenWorksInItsBrowserAlone(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	d.Apply(t, strings.Replace(d.Workspace(t), "    audience:", "    dpop_bound_tokens: true\n    audience:", 1))
	tab := chrome.Guest(t)
	chrome.Before(t, tab, recorder)
	d.SignIn(t, tab, "alice")
	d.Open(t, tab, "acme")
	address := "/api/organizations/org_acme/notes"
	for range 2 {
		for _, ask := range []string{
			fmt.Sprintf(`tabard.fetch(%q + "?a=1#b")`, address),
			fmt.Sprintf(`tabard.fetch(new Request(%q))`, address),
			fmt.Sprintf(`tabard.fetch(%q, {method: "post", headers: {"Content-Type": "application/json"}, body: '{"text":"bound"}'})`, address),
		} {
			if got := chrome.Eval[int](t, tab, ask+`.then((r) => r.status)`); got >= 300 {
				t.Errorf("%s: %d", ask, got)
			}
		}
		chrome.Reload(t, tab) // and again, while the module starts
		chrome.Await(t, tab, `globalThis.tabard !== undefined`)
	}
	sent := chrome.Eval[map[string]string](t, tab, fmt.Sprintf(`tabard.fetch(%q).then(() => sentToAPI)`, address))
	if refused := validator.New(t, "dpop.mjs").Refusal(validator.Request{
		Issuer: d.Backend, Keys: d.Backend + "/.well-known/jwks.json", Audience: d.Origin + "/api",
		Method: "GET", URL: d.Origin + address, Authorization: sent["authorization"], DPoP: sent["dpop"],
	}); refused != "" {
		t.Errorf("the judge refuses the module's proof: %s", refused)
	}
	access := chrome.Eval[string](t, tab, `tabard.getToken()`)
	if !strings.HasPrefix(access, "eyJ") {
		t.Fatalf("the token is %.20s…", access)
	}
	for scheme, proof := range map[string]string{
		"Bearer": "", "DPoP": httpbrowser.NewDevice(t).Proof(t, "GET", d.Origin+address, time.Now(), access),
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.Origin+address, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", scheme+" "+access)
		r.Header.Set("DPoP", proof)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("the token, copied, under %s: %d", scheme, answer.StatusCode)
		}
	}
}
