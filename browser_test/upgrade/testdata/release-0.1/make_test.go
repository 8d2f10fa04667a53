package browser_test

// This file made the fixture beside it. It runs at the commit that the fixture is of;
// README.md says how.

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/login/logintest"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/browser_test/chrome"
	"github.com/tabard-auth/tabard/browser_test/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/program"
)

// rotationDue is how long a session without a device key is used before its refresh
// token is replaced, and a little more.
const rotationDue = 245 * time.Second

const (
	madeOrigin  = "http://localhost:8080"
	madeReports = "http://localhost:8090"
	madeBackend = madeOrigin + "/auth"
)

func TestMakeFixture(t *testing.T) {
	folder := os.Getenv("FIXTURE")
	if folder == "" {
		t.Fatal("FIXTURE must name the fixture's folder")
	}
	own := &providers{workspace: logintest.New(t, "http://127.0.0.1:8081"), northwind: logintest.New(t, "http://127.0.0.1:8083")}
	own.workspace.People = map[string]map[string]any{
		"alice": {"name": "Alice Martin"}, "bob": {"name": "Bob Keller"}, "carol": {"name": "Carol Dubois"}, "dana": {"name": "Dana Novak"},
	}
	own.northwind.People = map[string]map[string]any{"d.novak": {"name": "Dana Novak"}, "n.owens": {"name": "Nina Owens"}}
	listen(t, "127.0.0.1:8081", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/authorize" { // Chromium shows it
			w.Header().Set("Content-Type", "text/html")
		}
		own.workspace.ServeHTTP(w, r)
	}))
	listen(t, "127.0.0.1:8083", own.northwind)
	m := &maker{T: t, providers: own, kept: map[string]any{}}
	listen(t, "localhost:8080", m.front())
	listen(t, "localhost:8090", http.HandlerFunc(page))
	t.Run("sqlite", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "tabard.db")
		m.on(t, filepath.Join(folder, "sqlite"), "sqlite:"+file, func() string { return dumpSQLite(t, file) })
	})
	t.Run("postgres", func(t *testing.T) {
		address := pg.Postgres(t)
		var host, name string
		if _, err := fmt.Sscanf(address, "host=%s user=postgres dbname=%s", &host, &name); err != nil {
			t.Fatal(err)
		}
		m.on(t, filepath.Join(folder, "postgres"), "postgres:///"+name+"?user=postgres&host="+host, func() string { return dumpPostgres(t, address) })
	})
}

type providers struct{ workspace, northwind *logintest.Provider }

// maker drives one server of release 0.1, and keeps the state of its browsers and
// servers.
type maker struct {
	*testing.T
	*providers
	environment []string
	kept        map[string]any
}

func (m *maker) on(t *testing.T, folder, database string, dump func() string) {
	made := &maker{T: t, providers: m.providers, kept: map[string]any{}}
	state := t.TempDir()
	_, secret := signingkey.NewSecret()
	secretFile, clientFile := filepath.Join(state, "secret"), filepath.Join(state, "northwind.secret")
	made.write(secretFile, secret+"\n")
	made.write(clientFile, logintest.ClientSecret)
	workspace, err := os.ReadFile(filepath.Join(folder, "../workspace.yaml"))
	made.must(err)
	made.write(filepath.Join(state, "workspace.yaml"), strings.ReplaceAll(string(workspace), "CLIENT_SECRET_FILE", clientFile))
	made.environment = append(os.Environ(), "TABARD_DATABASE="+database, "TABARD_SECRET_FILE="+secretFile)
	made.tabard("apply", filepath.Join(state, "workspace.yaml"))
	made.keys()
	stop := made.serve()
	made.people()
	made.chromium()
	made.kept["made_at"] = time.Now().Unix()
	stop()
	made.must(os.MkdirAll(folder, 0o755))
	made.write(filepath.Join(folder, "secret"), secret+"\n")
	made.write(filepath.Join(folder, "database.sql"), dump())
	text, err := json.MarshalIndent(made.kept, "", "\t")
	made.must(err)
	made.write(filepath.Join(folder, "held.json"), string(text)+"\n")
}

func (m *maker) keys() {
	made := map[string]string{}
	for name, flags := range map[string][]string{
		"administration": {}, "administration of acme": {"--organization", "acme"},
		"server of web": {"--kind", "workspace", "--app", "web"}, "server of reports": {"--kind", "workspace", "--app", "reports"},
		"revoked": {},
	} {
		made[name] = strings.TrimSpace(m.tabard(append([]string{"keys", "create", "--name", name}, flags...)...))
	}
	var all struct{ Items []struct{ ID, Name string } }
	m.must(json.Unmarshal([]byte(m.tabard("keys", "list", "--json")), &all))
	for _, k := range all.Items {
		if k.Name == "revoked" {
			m.tabard("keys", "revoke", k.ID)
		}
	}
	m.kept["api_keys"] = made
}

func (m *maker) serve() (stop func()) {
	command := exec.Command(program.Path(m, "tabard"), "serve", "--listen", "127.0.0.1:8787", "--public-url", madeBackend,
		"--oidc-issuer", m.workspace.Issuer, "--oidc-client-id", logintest.ClientID, "--loopback-connections")
	command.Env = append(m.environment, "TABARD_OIDC_CLIENT_SECRET="+logintest.ClientSecret)
	command.Stderr = os.Stderr
	m.must(command.Start())
	m.Cleanup(func() { command.Process.Kill() })
	for {
		answer, err := http.Get("http://127.0.0.1:8787/auth/readyz")
		if err == nil {
			answer.Body.Close()
			break
		}
		<-time.After(50 * time.Millisecond)
	}
	return func() {
		m.must(command.Process.Signal(os.Interrupt))
		m.must(command.Wait())
	}
}

func (m *maker) browser() *httpbrowser.Browser { return httpbrowser.New(m, madeOrigin, madeBackend) }

func (m *maker) signedIn(person string, device *httpbrowser.Device) *httpbrowser.Browser {
	b := m.browser()
	if device != nil {
		b = b.On(device)
		m.ok(b.Get("/session"), 401) // which brings the nonce
	}
	b.SignIn(person)
	return b
}

func (m *maker) enter(b *httpbrowser.Browser, organization string) map[string]any {
	m.Helper()
	got := m.ok(b.Post("/token", `{"organization":"`+organization+`","enter":true}`), 200)
	var answer map[string]any
	m.must(json.Unmarshal([]byte(got.Body), &answer))
	return answer
}

func (m *maker) people() {
	browsers, tokens := map[string]httpbrowser.Kept{}, map[string]any{}
	alice, device := m.signedIn("alice", nil), m.signedIn("alice", httpbrowser.NewDevice(m))
	idle, unread, lost := m.signedIn("bob", nil), m.signedIn("bob", nil), m.signedIn("bob", nil)
	for _, b := range []*httpbrowser.Browser{idle, unread, lost} {
		m.enter(b, "acme")
	}
	for _, slug := range []string{"acme", "globex", "initech"} {
		m.enter(alice, slug)
		m.enter(device, slug)
	}
	m.ok(alice.Post("/logout", `{"scope":"organization","organization":"initech"}`), 200)

	dana := m.signedIn("dana", nil)
	m.enter(dana, "acme")
	m.Log(m.raise(dana, "northwind", "d.novak", nil))
	m.enter(dana, "northwind")
	m.Log(m.raise(dana, "lamna", "dana", func(claims map[string]any) { claims["acr"] = "urn:tabard:mfa" }))
	m.enter(dana, "lamna")

	nina := m.browser()
	nina.Choose(nina.Login("organization=northwind"), "n.owens")
	m.enter(nina, "northwind")

	eve := m.signedIn("eve", nil)
	eveID := m.enter(eve, "initech")["user"].(map[string]any)["id"].(string)
	m.tabard("members", "disable", eveID, "--organization", "initech")

	left := m.signedIn("bob", nil)
	m.enter(left, "acme")
	browsers["signed out, with the cookie of before"] = left.Keep()
	m.ok(left.Post("/logout", `{"scope":"session"}`), 200)

	carol := m.signedIn("carol", nil)
	var people struct{ Items []struct{ ID, Name string } }
	m.must(json.Unmarshal([]byte(m.tabard("users", "list", "--json")), &people))
	for _, p := range people.Items {
		if p.Name == "Carol Dubois" {
			m.tabard("staff", "grant", p.ID, "--organization", "acme", "--role", "viewer", "--for", "12h", "--reason", "ticket 4711")
		}
	}
	m.enter(carol, "acme")

	browsers["signed in, and away since"] = idle.Keep()
	m.tabard("signing-keys", "rotate")
	m.Log("waiting until rotations are due")
	<-time.After(rotationDue)
	m.enter(alice, "acme")   // brings a successor
	m.enter(alice, "globex") // which this presents
	m.enter(unread, "acme")
	before := lost.Keep()
	m.enter(lost, "acme")
	browsers["the successor was lost on its way"] = before
	browsers["the successor was never presented"] = unread.Keep()

	m.handOver(alice, browsers)
	tokens["alice at acme"], tokens["alice at globex"] = m.enter(alice, "acme"), m.enter(alice, "globex")
	tokens["alice at acme, bound to her device"] = m.enter(device, "acme")
	browsers["without a device key"], browsers["with a device key"] = alice.Keep(), device.Keep()
	browsers["linked at northwind, raised at lamna"] = dana.Keep()
	browsers["signed in at northwind alone"] = nina.Keep()
	browsers["a member who was disabled"] = eve.Keep()
	browsers["staff at acme"] = carol.Keep()

	attempt := m.browser()
	page := attempt.Login("return_to=" + url.QueryEscape("/notes?a=1"))
	browsers["at the provider"] = attempt.Keep()
	m.kept["attempt"] = page.URL.String()
	m.kept["browsers"], m.kept["tokens"] = browsers, tokens
}

// raise enters an organization by the sign-in that it asks for.
func (m *maker) raise(b *httpbrowser.Browser, organization, person string, lie func(map[string]any)) string {
	m.Helper()
	refused := b.Post("/token", `{"organization":"`+organization+`","enter":true}`)
	var said struct {
		LoginURL string `json:"login_url"`
	}
	m.must(json.Unmarshal([]byte(refused.Body), &said))
	if said.LoginURL == "" {
		m.Fatal(refused.Body)
	}
	m.workspace.Claims = lie
	defer func() { m.workspace.Claims = nil }()
	return b.Choose(b.Follow(said.LoginURL+"&return_to=/"), person).URL.String()
}

// handOver opens alice's sessions in the other app: one for her browser, and one that
// the app's server holds.
func (m *maker) handOver(alice *httpbrowser.Browser, browsers map[string]httpbrowser.Kept) {
	apiKeys := m.kept["api_keys"].(map[string]string)
	var begun struct {
		Challenge string `json:"code_challenge"`
	}
	m.must(json.Unmarshal([]byte(m.ok(alice.Post("/handover", `{}`), 200).Body), &begun))
	subject := m.enter(alice, "acme")["access_token"].(string)
	var code struct {
		Code     string `json:"code"`
		RedeemAt string `json:"redeem_at"`
	}
	m.must(json.Unmarshal([]byte(m.server(apiKeys["server of web"], subject,
		`{"app_id":"reports","response_type":"code","code_challenge":"`+begun.Challenge+`","return_to":"/month"}`)), &code))
	alice.Tab().Submit(code.RedeemAt, url.Values{"code": {code.Code}})
	child := httpbrowser.New(m, madeReports, madeBackend).Sharing(alice)
	m.enter(child, "acme")
	var held map[string]any
	m.must(json.Unmarshal([]byte(m.server(apiKeys["server of web"], subject, `{"app_id":"reports"}`)), &held))
	m.kept["held by the server of reports"] = held
}

func (m *maker) server(key, subject, body string) string {
	m.Helper()
	r, err := http.NewRequest("POST", madeBackend+"/v1/workspaces/default/sessions", strings.NewReader(body))
	m.must(err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("X-Authorization", "Bearer "+subject)
	answer, err := http.DefaultClient.Do(r)
	m.must(err)
	defer answer.Body.Close()
	text := new(strings.Builder)
	json.NewEncoder(text)
	var raw json.RawMessage
	m.must(json.NewDecoder(answer.Body).Decode(&raw))
	if answer.StatusCode >= 300 {
		m.Fatal(answer.Status, string(raw))
	}
	return string(raw)
}

const extractable = `{ const make = SubtleCrypto.prototype.generateKey;
SubtleCrypto.prototype.generateKey = function (algorithm, _, uses) { return make.call(this, algorithm, true, uses); }; }`

// chromium signs alice in in a real browser, opens two organizations in it, and reads
// its storage. Only the key differs from a person's: it is extractable.
func (m *maker) chromium() {
	tab := chrome.New(m)
	chrome.Before(m, tab, extractable)
	chrome.Go(m, tab, madeOrigin)
	chrome.Await(m, tab, `globalThis.tabard?.state.status === "signed_out"`)
	chrome.Eval[any](m, tab, `void tabard.signIn()`)
	chrome.Await(m, tab, `document.querySelector("[name=request]")`)
	chrome.Eval[any](m, tab, `void (location.href = "/sign-in?" + new URLSearchParams({ request: document.querySelector("[name=request]").value, person: "alice" }))`)
	chrome.Await(m, tab, `globalThis.tabard?.state.status === "choose"`)
	var tabs []any
	for _, organization := range []string{"acme", "globex"} {
		chrome.Go(m, tab, madeOrigin+"/?tabard_organization="+organization)
		chrome.Await(m, tab, `tabard.state.status === "active" && tabard.state.organization.slug === "`+organization+`"`)
		tabs = append(tabs, map[string]any{
			"organization":   organization,
			"sessionStorage": chrome.Eval[map[string]string](m, tab, `({ ...sessionStorage })`),
			"token":          chrome.Eval[string](m, tab, `tabard.getToken()`),
		})
	}
	cookies := []httpbrowser.KeptCookie{}
	for _, c := range chrome.Cookies(m, tab, madeOrigin) {
		cookies = append(cookies, httpbrowser.KeptCookie{Name: c.Name, Value: c.Value, SameSite: string(c.SameSite), Ends: int64(c.Expires)})
	}
	m.kept["chromium"] = map[string]any{
		"version": chrome.Eval[string](m, tab, `navigator.userAgent`),
		"tabs":    tabs, "cookies": cookies,
		"localStorage": chrome.Eval[map[string]string](m, tab, `({ ...localStorage })`),
		"indexedDB":    chrome.Eval[any](m, tab, readIndexedDB),
	}
}

const readIndexedDB = `(async () => {
  const done = (request) => new Promise((ok, no) => { request.onsuccess = () => ok(request.result); request.onerror = () => no(request.error); });
  const all = [];
  for (const { name, version } of await indexedDB.databases()) {
    const db = await done(indexedDB.open(name));
    const stores = [];
    for (const store of db.objectStoreNames) {
      const objects = db.transaction(store).objectStore(store);
      const entries = [];
      for (const key of await done(objects.getAllKeys())) {
        const value = await done(db.transaction(store).objectStore(store).get(key));
        const exported = {};
        for (const member of ["publicKey", "privateKey"]) exported[member] = await crypto.subtle.exportKey("jwk", value[member]);
        entries.push({ key, value: exported });
      }
      stores.push({ name: store, keyPath: objects.keyPath, autoIncrement: objects.autoIncrement, entries });
    }
    db.close();
    all.push({ name, version, stores });
  }
  return all;
})()`

func page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprint(w, `<!doctype html><title>app</title><link rel="icon" href="data:,"><script type="module">
import { createClient } from "/auth/client/tabard.js";
globalThis.tabard = createClient();
</script>`)
}

// front is the app's host: its page, and the server below /auth.
func (m *maker) front() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", page)
	mux.Handle("/auth/", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: "127.0.0.1:8787"})
		r.Out.Host = r.In.Host
	}})
	return mux
}

func listen(t *testing.T, address string, handler http.Handler) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
}

func (m *maker) tabard(args ...string) string {
	m.Helper()
	command := exec.Command(program.Path(m, "tabard"), args...)
	command.Env, command.Stderr = m.environment, os.Stderr
	out, err := command.Output()
	if err != nil {
		m.Fatal(args, err, string(out))
	}
	return string(out)
}

func (m *maker) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

func (m *maker) write(path, text string) {
	m.Helper()
	m.must(os.WriteFile(path, []byte(text), 0o600))
}

func (m *maker) ok(got httpbrowser.Response, status int) httpbrowser.Response {
	m.Helper()
	if got.Status != status {
		m.Fatalf("%s: %d %s", got.URL, got.Status, got.Body)
	}
	return got
}

// dumpSQLite writes a database as statements, as sqlite3's .dump does.
func dumpSQLite(t *testing.T, file string) string {
	t.Helper()
	out, err := exec.Command("sqlite3", file, ".dump").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

var noise = regexp.MustCompile(`(?m)^(--.*|\\.*|SET .*|SELECT pg_catalog\.set_config.*)?\n`)

// dumpPostgres writes a database as statements, without those of psql and of the session.
func dumpPostgres(t *testing.T, address string) string {
	t.Helper()
	out, err := exec.CommandContext(context.Background(), "pg_dump", "--inserts", "--no-owner", "--no-privileges", address).Output()
	if err != nil {
		t.Fatal(err)
	}
	return noise.ReplaceAllString(string(out), "")
}
