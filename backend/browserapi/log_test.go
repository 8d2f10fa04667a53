package browserapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// canaries are the secrets of a run.
type canaries map[string]string

func (c canaries) cookies(b *httpbrowser.Browser) {
	for name, value := range b.Cookies() {
		c["cookie "+name] = value
	}
}

// runs signs in, mints, rotates, fails and signs out, and collects every secret.
func (c canaries) runs(w *backend) {
	var identity string
	w.Provider.Sign = func(p *logintest.Provider, claims jwt.MapClaims) string {
		w.Provider.Sign = nil
		identity = p.Signed(jwt.SigningMethodHS256, []byte("not the key"), claims)
		return identity
	}
	w.Provider.Tokens = func(answer map[string]any) {
		c["provider's access token "+itoa(int64(len(c)))] = answer["access_token"].(string)
	}
	b := w.browser()
	page := b.Login("login_hint=hinted@example.com")
	asked := page.URL.Query()
	c["state"], c["nonce"], c["login hint"] = asked.Get("state"), asked.Get("nonce"), "hinted@example.com"
	c.cookies(b)
	back := w.Provider.SignIn(page.URL.String(), "alice")
	c["code"] = back.Get("code")
	b.Step(publicURL + "/callback?" + back.Encode()) // the identity token is invalid
	c["refused identity token"] = identity
	b = w.signedIn("alice")
	w.Provider.Endpoints = map[string]http.HandlerFunc{"/token": func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(500) }}
	b.Step(w.callbackOf(b, ""))
	w.Provider.Endpoints = nil
	w.Pass(time.Duration(session.LimitsFor(false).R) * time.Second)
	for range 2 {
		minted := w.mint(b, "acme")
		c.cookies(b)
		c["access token "+minted.AccessToken[:9]], c["session"] = minted.AccessToken, minted.Session
	}
	name, value := w.theSession(b)
	b.Copy().With("Cookie", name+"="+tampered(value)).Post("/token", `{}`)
	b.With("Cookie", name+"="+value+"; "+name+"="+value).Post("/token", `{"organization":"nowhere"}`)
	var out api.LogoutResponse
	b.Post("/logout", `{"scope":"session"}`).JSON(w, &out)
	end, err := url.Parse(out.EndSessionURL)
	if err != nil {
		w.Fatal(err)
	}
	c["identity token"] = end.Query().Get("id_token_hint")
	for i, form := range w.Provider.Redeemed {
		c["code "+itoa(int64(i))], c["verifier "+itoa(int64(i))] = form.Get("code"), form.Get("code_verifier")
	}
	c["client secret"], c["email"] = logintest.ClientSecret, "alice@example.com"
}

// panickingStore is a store that panics during a mint.
type panickingStore struct {
	host.Store
	on bool
}

func (p *panickingStore) Subject(ctx context.Context, id session.ID, ref string, now int64) (directory.Subject, error) {
	subject, err := p.Store.Subject(ctx, id, ref, now)
	if p.on {
		var none *directory.Subject
		return *none, err
	}
	return subject, err
}

func TestLog_Panic(t *testing.T) {
	store := &panickingStore{}
	w := newBackend(t, func(s host.Store) host.Store { store.Store = s; return store })
	b := w.signedIn("alice")
	store.on = true
	got := b.Post("/token", `{"organization":"acme"}`)
	w.wants(got, http.StatusInternalServerError, api.ServerError)
	if len(got.Cookies()) != 0 || strings.Contains(got.Body, "goroutine") || strings.Contains(got.Body, "nil pointer") {
		t.Errorf("%v %s", got.Header, got.Body)
	}
	if !strings.Contains(w.Logged.String(), "log_test.go") || !strings.Contains(w.Logged.String(), `"level":"ERROR"`) {
		t.Errorf("the log does not say where: %s", w.Logged)
	}
	store.on = false
	w.mint(b, "acme")
}

func TestLog_NoSecrets(t *testing.T) {
	store := &panickingStore{}
	w := newBackend(t, func(s host.Store) host.Store { store.Store = s; return store })
	secrets := canaries{}
	secrets.runs(w)
	b := w.signedIn("alice")
	store.on = true
	b.Post("/token", `{"organization":"acme"}`)
	secrets.cookies(b)
	log := w.Logged.String()
	if len(secrets) < 15 || strings.Count(log, "\n") < 12 {
		t.Fatalf("the run is too small: %d secrets, log %s", len(secrets), log)
	}
	for what, secret := range secrets {
		if len(secret) < 8 {
			t.Fatalf("%s is %q: no canary", what, secret)
		}
		for _, part := range append(strings.Split(secret, "."), secret) { // including the parts of a JWT
			if len(part) >= 8 && strings.Contains(log, part) {
				t.Errorf("the log holds the %s", what)
			}
		}
	}
}

func TestLog_OneLineForEachRequest(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	minted := w.mint(b, "acme")
	w.mint(b, "globex")
	b.Get("/nothing%0a{\"level\":\"forged\"}?code=canary")
	type line struct{ Msg, Method, Path, User, Organization, Session, Code, App string }
	var lines []line
	for text := range strings.Lines(w.Logged.String()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		lines = append(lines, l)
	}
	if len(lines) != 6 || strings.Contains(w.Logged.String(), "canary") {
		t.Fatalf("six requests, the page at / among them, made %s", w.Logged)
	}
	callback, acme, globex, nothing := lines[1], lines[3], lines[4], lines[5]
	if acme.User != minted.User.ID || acme.Organization != "org_acme" || acme.App != "web" || acme.Path != "/auth/token" || acme.Method != "POST" {
		t.Errorf("a mint is %+v", acme)
	}
	if acme.Session == "" || acme.Session != globex.Session || acme.Session != callback.Session || strings.Contains(acme.Session, "ses_") {
		t.Errorf("the session's names are %q, %q, %q", callback.Session, acme.Session, globex.Session)
	}
	if nothing.Code != "not_found" || nothing.Msg != "request" {
		t.Errorf("a refusal is %+v", nothing)
	}
}

func TestLog_RefusalNamesOrganization(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	w.mint(b, "acme")
	b.Post("/logout", `{"scope":"organization","organization":"acme"}`)
	w.wants(b.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.OrganizationSessionExpired)
	all := slices.Collect(strings.Lines(w.Logged.String()))
	var refused struct{ Code, User, Organization string }
	if err := json.Unmarshal([]byte(all[len(all)-1]), &refused); err != nil {
		t.Fatal(err)
	}
	if refused.Code != string(api.OrganizationSessionExpired) || refused.User == "" || refused.Organization != "org_acme" {
		t.Errorf("a refusal is %+v", refused)
	}
}

// TestLog_NoSessionIDs checks that the log replaces session ids in addresses and errors
// by the session's log name.
func TestLog_NoSessionIDs(t *testing.T) {
	store := &panickingStore{}
	w := newBackend(t, func(s host.Store) host.Store { store.Store = s; return store })
	b, other := w.signedIn("alice"), w.signedIn("alice")
	id := w.mint(other, "acme").Session
	b.Fetch(http.MethodDelete, "/sessions/"+id, "")
	other.Post("/token", `{"organization":"acme"}`)
	own := w.mint(b, "acme").Session
	w.Change("UPDATE sessions SET secret = '' WHERE id = ?", own)
	w.wants(b.Post("/token", `{"organization":"acme"}`), http.StatusServiceUnavailable, api.TemporarilyUnavailable)
	log := w.Logged.String()
	if !strings.Contains(log, `"method":"DELETE"`) || !strings.Contains(log, "has no secret") {
		t.Fatalf("the run is too small: %s", log)
	}
	if strings.Contains(log, id) || strings.Contains(log, own) {
		t.Errorf("the log holds the id of a session: %s", log)
	}
	if name := w.Secret.LogNames().Session(id); !strings.Contains(log, `"path":"/auth/sessions/`+name+`"`) || !strings.Contains(log, `"session":"`+name+`"`) {
		t.Errorf("the log does not name the session %s: %s", name, log)
	}
}
