package doctor_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/doctor"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/inspect"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

const now = 1_800_000_000

// faults are the faults of a provider, a proxy or a server. The zero value has none.
type faults struct {
	metadata      func(map[string]any)
	keySet        string
	tokenError    string // instead of invalid_grant
	noRedirect    bool
	clock         int64 // seconds ahead
	backendIssuer string
	sessionError  string // instead of login_required
	cached        bool
	swallowsCORS  bool
	echoes        string // names of cookies
	openMetrics   bool
}

const goodKey = `{"kty":"EC","kid":"good","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`

// site is a provider and a backend behind a proxy, on one test server each.
type site struct {
	provider, backend *httptest.Server
}

func newSite(t *testing.T, f faults) site {
	var w site
	w.provider = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { f.provider(rw, r) }))
	w.backend = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { f.backend(rw, r) }))
	t.Cleanup(w.provider.Close)
	t.Cleanup(w.backend.Close)
	return w
}

func (f faults) provider(w http.ResponseWriter, r *http.Request) {
	base := "http://" + r.Host
	w.Header().Set("Date", time.Unix(now+f.clock, 0).UTC().Format(http.TimeFormat))
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		m := map[string]any{
			"issuer": base, "authorization_endpoint": base + "/authorize", "token_endpoint": base + "/token",
			"jwks_uri": base + "/jwks", "end_session_endpoint": base + "/end", "code_challenge_methods_supported": []string{"plain", "S256"},
		}
		if f.metadata != nil {
			f.metadata(m)
		}
		json.NewEncoder(w).Encode(m)
	case "/jwks":
		fmt.Fprint(w, or(f.keySet, `{"keys":[`+goodKey+`]}`))
	case "/token":
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":%q}`, or(f.tokenError, "invalid_grant"))
	case "/authorize":
		if f.noRedirect {
			http.Error(w, "unknown redirect URI", http.StatusBadRequest)
			return
		}
		http.Redirect(w, r, r.URL.Query().Get("redirect_uri")+"?error=login_required", http.StatusFound)
	}
}

func (f faults) backend(w http.ResponseWriter, r *http.Request) {
	base := "http://" + r.Host + "/auth"
	switch r.URL.Path {
	case "/auth/.well-known/openid-configuration":
		fmt.Fprintf(w, `{"issuer":%q}`, or(f.backendIssuer, base))
	case "/auth/.well-known/jwks.json":
		fmt.Fprint(w, `{"keys":[{"kid":"known"}]}`)
	case "/auth/session":
		if !f.swallowsCORS {
			w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		}
		if !f.cached {
			w.Header().Set("Cache-Control", "no-store")
		}
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":%q}`, or(f.sessionError, "login_required"))
	case "/auth/metrics":
		if !f.openMetrics {
			w.WriteHeader(http.StatusNotFound)
		}
	case "/headers":
		for _, name := range strings.Fields(f.echoes) {
			if c, err := r.Cookie(name); err == nil {
				fmt.Fprintln(w, c)
			}
		}
	default:
		http.NotFound(w, r)
	}
}

func or(text, standard string) string {
	if text == "" {
		return standard
	}
	return text
}

// examine returns the findings as "level subject: text → advice".
func examine(t *testing.T, c doctor.Config) string {
	t.Helper()
	c.Transport, c.Now, c.Algorithm = http.DefaultTransport, cmp.Or(c.Now, now), signingkey.ES256
	var text string
	for _, f := range doctor.Examine(t.Context(), c) {
		text += fmt.Sprintf("%s %s: %s → %s\n", f.Level, f.Subject, f.Text, f.Advice)
	}
	return text
}

// TestMetricsThatAProxyShowsAreFound: a server that speaks https is a proxy. If it does
// not set X-Forwarded-For, its requests seem to come from the server's own machine.
func TestMetricsThatAProxyShowsAreFound(t *testing.T) {
	for open, want := range map[bool]doctor.Level{true: doctor.Look, false: doctor.OK} {
		f := faults{openMetrics: open, backendIssuer: "https://app.example.com/auth"}
		proxy := httpbrowser.Hosts{"app.example.com": http.HandlerFunc(f.backend)}
		found := doctor.Examine(t.Context(), doctor.Config{PublicURL: f.backendIssuer, Transport: proxy, Now: now, Algorithm: signingkey.ES256})
		at := slices.IndexFunc(found, func(f doctor.Finding) bool { return f.Subject == "metrics" })
		if at < 0 || found[at].Level != want {
			t.Errorf("open %t: %+v", open, found)
		}
	}
}

// TestPlainHTTP_PassedOn: port 80 has to redirect.
func TestPlainHTTP_PassedOn(t *testing.T) {
	f := faults{backendIssuer: "https://app.example.com/auth"}
	redirects := http.RedirectHandler("https://app.example.com/auth/", http.StatusMovedPermanently)
	for want, plain := range map[bool]http.Handler{true: http.HandlerFunc(f.backend), false: redirects} {
		proxy := httpbrowser.Hosts{"app.example.com": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Scheme == "http" {
				plain.ServeHTTP(w, r)
				return
			}
			f.backend(w, r)
		})}
		found := false
		for _, finding := range doctor.Examine(t.Context(), doctor.Config{PublicURL: f.backendIssuer, Transport: proxy, Now: now, Algorithm: signingkey.ES256}) {
			found = found || strings.HasPrefix(finding.Text, "port 80 passes requests on")
		}
		if found != want {
			t.Errorf("found: %v", found)
		}
	}
}

func TestEveryFaultIsFound(t *testing.T) {
	set := func(name string, value any) func(map[string]any) {
		return func(m map[string]any) { m[name] = value }
	}
	for _, test := range []struct {
		f    faults
		want string
	}{
		{faults{}, "ok provider: its key set can be read"},
		{faults{}, "ok provider: it accepts the client tabard and its secret"},
		{faults{}, "ok provider: it accepts the redirect URI "},
		{faults{}, "ok clock: the provider's clock agrees"},
		{faults{metadata: set("issuer", "https://id.example.com/")}, "→ Set --oidc-issuer to https://id.example.com/, exactly so"},
		{faults{metadata: func(m map[string]any) { clear(m) }}, "what answers there is no OpenID provider's metadata: they have no issuer → Check --oidc-issuer"},
		{faults{metadata: set("code_challenge_methods_supported", []string{"plain"})}, "problem provider: it supports PKCE only with plain, not with S256"},
		{faults{metadata: set("code_challenge_methods_supported", nil)}, "look provider: its metadata do not say whether it supports PKCE"},
		{faults{metadata: set("end_session_endpoint", nil)}, "warning provider: it has no end_session_endpoint"},
		{faults{metadata: set("jwks_uri", "http://127.0.0.1:1/")}, "problem provider: its key set (http://127.0.0.1:1/) cannot be read"},
		{faults{keySet: `{"keys":[]}`}, "problem provider: its key set"},
		{faults{keySet: `{"keys":[` + goodKey + `,{"kty":"EC","kid":"half","crv":"P-256","x":"AAAA"}]}`}, "ok provider: its key set can be read"},
		{faults{keySet: `{"keys":[` + goodKey + `,{"kty":"EC","kid":"half","crv":"P-256","x":"AAAA"}]}`}, `is passed over: key 2 (kid "half")`},
		{faults{keySet: `{"keys":[{"kty":"EC","kid":"half","crv":"P-256","x":"AAAA"}]}`}, "problem provider: no key of its key set"},
		{faults{keySet: `<html>`}, "which is unexpected"},
		{faults{tokenError: "invalid_client"}, "problem provider: it refuses the client tabard and its secret"},
		{faults{tokenError: "server_error"}, "look provider: it did not answer whether it accepts the client tabard"},
		{faults{noRedirect: true}, "problem provider: it refuses the redirect URI "},
		{faults{clock: 61}, "problem clock: the provider's clock is 61 s ahead"},
		{faults{clock: -20}, "warning clock: the provider's clock is 20 s behind"},
		{faults{backendIssuer: "https://app.example.com/auth"}, `problem public address: `},
		{faults{sessionError: "origin_not_allowed"}, " is refused → The server there does not know this origin"},
		{faults{sessionError: "invalid_request"}, "the backend's answer does not arrive complete (401 Unauthorized"},
		{faults{cached: true}, "the answer arrives without Cache-Control: no-store"},
		{faults{swallowsCORS: true}, "problem origins: http://127.0.0.1:1: the backend's answer does not arrive complete"},
		{faults{echoes: "doctor-control __Host-Http-tabard.doctor.00000003"}, "problem cookies: "},
		{faults{echoes: "doctor-control"}, "ok cookies: "},
		{faults{echoes: ""}, "look cookies: "},
	} {
		w := newSite(t, test.f)
		findings := examine(t, doctor.Config{
			PublicURL: w.backend.URL + "/auth", EchoURL: w.backend.URL + "/headers",
			Provider: login.Config{Issuer: w.provider.URL, ClientID: "tabard", ClientSecret: "secret"},
			Database: stored(t, app("http://127.0.0.1:1")),
		})
		if !strings.Contains(findings, test.want) {
			t.Errorf("%+v: %q is not among\n%s", test.f, test.want, findings)
		}
	}
}

func app(origins ...string) directory.Desired {
	return directory.Desired{Workspace: directory.Workspace{
		Apps: []directory.App{{ID: "app", Origins: origins, Audience: "api"}},
	}}
}

// stored returns a function that inspects a database with an applied directory.
func stored(t *testing.T, d directory.Desired) func(context.Context) (*inspect.Database, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.Apply(t.Context(), d, now); err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context) (*inspect.Database, error) { return sqlite.Inspect(ctx, path) }
}

func TestOriginsHaveToBeOfTheBackendsSite(t *testing.T) {
	for _, test := range []struct {
		public, origin, want string
	}{
		{"https://app.example.com/auth", "https://app.example.com", "ok origins: "},
		{"https://auth.example.com", "https://app.example.com", "ok origins: "},
		{"https://auth.example.co.uk", "https://app.other.co.uk", "problem origins: https://app.other.co.uk is another site"},
		{"https://auth.github.io", "https://app.github.io", "problem origins: https://app.github.io is another site"},
		{"https://auth.example.com", "http://localhost:8080", "problem origins: http://localhost:8080 is another site"},
		{"http://localhost:8787", "http://localhost:8080", "ok origins: "},
		{"http://127.0.0.1:8787", "http://localhost:8080", "problem origins: "},
		{"http://a.localhost", "http://b.localhost", "problem origins: "},
	} {
		findings := examineUnreached(t, test.public, app(test.origin))
		if !strings.Contains(findings, test.want) {
			t.Errorf("%s with an app at %s: %q is not among\n%s", test.public, test.origin, test.want, findings)
		}
	}
}

// examineUnreached examines a deployment that does not answer at all.
func examineUnreached(t *testing.T, public string, d directory.Desired) string {
	t.Helper()
	var text string
	for _, f := range doctor.Examine(t.Context(), doctor.Config{
		PublicURL: public, Database: stored(t, d), Transport: nobody{}, Now: now, Algorithm: signingkey.ES256,
	}) {
		text += fmt.Sprintf("%s %s: %s → %s\n", f.Level, f.Subject, f.Text, f.Advice)
	}
	return text
}

type nobody struct{}

func (nobody) RoundTrip(*http.Request) (*http.Response, error) { return nil, http.ErrServerClosed }

func TestCookiesReachAnAppOnTheBackendsHost(t *testing.T) {
	for public, want := range map[string]string{
		"https://app.example.com/auth":  "look cookies: an app shares the host app.example.com",
		"https://auth.example.com/auth": "ok cookies: no app shares the host auth.example.com",
	} {
		if findings := examineUnreached(t, public, app("https://app.example.com")); !strings.Contains(findings, want) {
			t.Errorf("%q is not among\n%s", want, findings)
		}
	}
}

func TestAnEchoInsideTheMountTellsNothing(t *testing.T) {
	w := newSite(t, faults{echoes: "doctor-control"})
	for _, echo := range []string{w.backend.URL + "/auth/headers", w.backend.URL + "/auth", "https://elsewhere.example.com/headers"} {
		findings := examine(t, doctor.Config{PublicURL: w.backend.URL + "/auth", EchoURL: echo})
		if !strings.Contains(findings, "problem cookies: --echo-url "+echo+" is not an address of the app") {
			t.Errorf("%s:\n%s", echo, findings)
		}
	}
}

func TestKeysAreComparedWithTheSecretAndTheServer(t *testing.T) {
	database := stored(t, app("http://127.0.0.1:1"))
	secret, _ := signingkey.NewSecret()
	other, _ := signingkey.NewSecret()
	w := newSite(t, faults{})
	look := func(s *signingkey.Secret) string {
		return examine(t, doctor.Config{PublicURL: w.backend.URL + "/auth", Database: database, Secret: s})
	}
	if findings := look(&secret); !strings.Contains(findings, "ok keys: none yet; the first start makes one for ES256") {
		t.Errorf("before the first start:\n%s", findings)
	}
	d, err := database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Store.Close()
	key, err := signingkey.NewKeyRing(d.Store, secret, signingkey.EdDSA).Signing(t.Context(), "", 0, now)
	if err != nil {
		t.Fatal(err)
	}
	old := examine(t, doctor.Config{PublicURL: w.backend.URL + "/auth", Database: database, Secret: &secret, KeyLife: 30 * 24 * time.Hour, Now: now + 40*24*3600})
	if want := "warning keys: key " + key.ID + " has signed for 40 days"; !strings.Contains(old, want) || strings.Contains(look(&secret), "has signed for") {
		t.Errorf("%q is not among\n%s", want, old)
	}
	for _, test := range []struct {
		secret *signingkey.Secret
		want   string
	}{
		{&secret, "ok keys: all of them (1) can be opened with the secret"},
		{&secret, "warning keys: none is for ES256"},
		{&secret, "problem public address: the server there does not publish key " + key.ID},
		{&other, "problem keys: none of them (1) can be opened"},
		{nil, "problem keys: there are 1, but no secret to open them"},
	} {
		if findings := look(test.secret); !strings.Contains(findings, test.want) {
			t.Errorf("%q is not among\n%s", test.want, findings)
		}
	}
}
