package upgrade

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/backendtest"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/upgrade/release"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// The addresses of the fixture.
const (
	leftOrigin  = backendtest.Origin
	leftReports = "http://localhost:8090"
	leftURL     = backendtest.PublicURL
)

// upgraded is this release on the state that release 0.1 left: its database, migrated,
// and its secret. Its clock starts when the fixture was made.
type upgraded struct {
	*testing.T
	*release.Left
	*backendtest.Backend
	clock *backendtest.Clock
}

// onBothDatabases runs a test on the state that 0.1 left, on SQLite and on PostgreSQL.
func onBothDatabases(t *testing.T, test func(*upgraded)) {
	t.Run(release.SQLite, func(t *testing.T) { test(openSQLite(t, release.Read(t, "0.1", release.SQLite))) })
	t.Run(release.Postgres, func(t *testing.T) {
		left := release.Read(t, "0.1", release.Postgres)
		store, err := postgres.Open(t.Context(), left.Postgres(t))
		test(newUpgraded(t, left, store, err))
	})
}

func openSQLite(t *testing.T, left *release.Left) *upgraded {
	t.Helper()
	store, err := sqlite.Open(t.Context(), left.SQLite(t))
	return newUpgraded(t, left, store, err)
}

func newUpgraded(t *testing.T, left *release.Left, store *sqlstore.Store, err error) *upgraded {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	clock := backendtest.NewClock(left.Now())
	db := backendtest.OnStore(t, clock, store, left.Secret)
	u := &upgraded{T: t, Left: left, Backend: backendtest.New(t, db, nil), clock: clock}
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "a page") })
	own := logintest.New(t, "http://127.0.0.1:8083")
	own.Now = clock.Now
	u.Provider.People = map[string]map[string]any{"bob": {"name": "Bob Keller"}}
	own.People = map[string]map[string]any{"bob": {"name": "Nina Owens"}}
	mux := http.NewServeMux()
	mux.Handle("/", page)
	mux.Handle("/auth/", u.Hosts["localhost:8080"])
	u.Hosts["localhost:8080"], u.Hosts["localhost:8090"], u.Hosts["127.0.0.1:8083"] = mux, page, own
	return u
}

// restored returns one of the fixture's browsers, with a page of the app web.
func (u *upgraded) restored(what string) *httpbrowser.Browser {
	u.Helper()
	kept, ok := u.Browsers[what]
	if !ok {
		u.Fatalf("the fixture has no browser %q", what)
	}
	return u.Browser(leftOrigin).Restore(kept)
}

// askToken sends a tab's request for a token; a tab with a device key gets the nonce from a
// first refusal.
func (u *upgraded) askToken(b *httpbrowser.Browser, body string) httpbrowser.Response {
	u.Helper()
	got := b.Post("/token", body)
	if got.Code() == string(api.UseDPoPNonce) {
		got = b.Post("/token", body)
	}
	return got
}

// mint asks for a token of an entered organization, and fails the test unless the tab
// gets one.
func (u *upgraded) mint(b *httpbrowser.Browser, organization string) api.TokenResponse {
	u.Helper()
	return u.minted(u.askToken(b, `{"organization":"`+organization+`"}`), organization)
}

// enter is mint for an organization that the person has just chosen.
func (u *upgraded) enter(b *httpbrowser.Browser, organization string) api.TokenResponse {
	u.Helper()
	return u.minted(u.askToken(b, `{"organization":"`+organization+`","enter":true}`), organization)
}

func (u *upgraded) minted(got httpbrowser.Response, organization string) (answer api.TokenResponse) {
	u.Helper()
	if got.Status != http.StatusOK {
		u.Errorf("%s: %d %s", organization, got.Status, got.Body)
		return answer
	}
	if got.JSON(u, &answer); answer.Organization.Slug != organization {
		u.Errorf("the token is for %s, want %s", answer.Organization.Slug, organization)
	}
	return answer
}

// checkRefused fails the test unless an answer is the error of that code.
func (u *upgraded) checkRefused(got httpbrowser.Response, code api.Code) {
	u.Helper()
	if got.Code() != string(code) {
		u.Errorf("%d %s, want %s", got.Status, got.Body, code)
	}
}

// TestUpgrade_CookiesOfBrowsers: a person that was signed in stays signed in, in the
// organizations entered before and in no other.
func TestUpgrade_CookiesOfBrowsers(t *testing.T) {
	onBothDatabases(t, func(u *upgraded) {
		for what, organizations := range map[string]string{
			"without a device key": "acme globex", "with a device key": "acme globex initech",
			"linked at northwind, raised at lamna": "acme northwind lamna", "signed in at northwind alone": "northwind",
			"staff at acme": "acme", "signed in, and away since": "acme",
			"the successor was lost on its way": "acme", "the successor was never presented": "acme",
		} {
			b := u.restored(what)
			for slug := range strings.FieldsSeq(organizations) {
				u.Log(what)
				u.mint(b, slug)
			}
		}
		alice := u.restored("without a device key")
		u.checkRefused(u.askToken(alice, `{"organization":"initech"}`), api.OrganizationSessionExpired)
		u.enter(alice, "initech")
		u.checkRefused(u.askToken(alice, `{"organization":"lamna","enter":true}`), api.OrganizationAccessDenied)
		u.checkRefused(u.askToken(u.restored("a member who was disabled"), `{"organization":"initech"}`), api.OrganizationAccessDenied)
		u.checkRefused(u.askToken(u.restored("signed out, with the cookie of before"), `{"organization":"acme"}`), api.SessionRevoked)
		if answer := u.mint(u.restored("with a device key"), "acme"); !answer.DeviceBound {
			u.Error("the session is no longer bound to its device")
		}
		u.checkRefused(u.askToken(u.Browser(leftOrigin).Restore(httpbrowser.Kept{Cookies: u.Browsers["with a device key"].Cookies}), `{"organization":"acme"}`), api.DeviceKeyRequired)
	})
}

// TestUpgrade_Rotation: the refresh tokens of 0.1 are rotated as usual, for days, and
// one that was replaced long ago counts as reuse.
func TestUpgrade_Rotation(t *testing.T) {
	onBothDatabases(t, func(u *upgraded) {
		for _, what := range []string{"without a device key", "with a device key", "the successor was lost on its way", "the successor was never presented"} {
			b, first := u.restored(what), u.Browsers[what].Cookies[0].Value
			for range 30 {
				u.clock.Pass(2 * time.Hour / 30)
				u.mint(b, "acme")
			}
			for _, value := range b.Cookies() {
				if value == first {
					u.Errorf("%s: the cookie was not replaced in two hours", what)
				}
			}
			if what == "without a device key" {
				u.checkRefused(u.askToken(u.restored(what), `{"organization":"acme"}`), api.RefreshTokenReused)
			}
		}
	})
}

// TestUpgrade_SignOut ends the sessions of 0.1, and their organization sessions.
func TestUpgrade_SignOut(t *testing.T) {
	onBothDatabases(t, func(u *upgraded) {
		alice := u.restored("without a device key")
		child := u.Browser(leftReports).Sharing(alice)
		u.mint(child, "acme")
		copied := alice.Copy()
		if got := alice.Post("/logout", `{"scope":"session"}`); got.Status != http.StatusOK {
			u.Errorf("%d %s", got.Status, got.Body)
		}
		u.checkRefused(u.askToken(alice, `{"organization":"acme"}`), api.LoginRequired)
		u.checkRefused(u.askToken(copied, `{"organization":"acme"}`), api.SessionRevoked)
		if got := u.askToken(child, `{"organization":"acme"}`); got.Status != http.StatusUnauthorized {
			u.Errorf("the session that was entered from it lives: %d %s", got.Status, got.Body)
		}
		u.mint(u.restored("with a device key"), "acme")
	})
}

// TestUpgrade_SignInUnderWay: the server is replaced while the person is at the
// provider.
func TestUpgrade_SignInUnderWay(t *testing.T) {
	onBothDatabases(t, func(u *upgraded) {
		b := u.restored("at the provider")
		landed := b.Choose(b.Follow(u.Attempt), "bob")
		if landed.URL.String() != leftOrigin+"/notes?a=1" {
			u.Fatalf("landed on %s: %s", landed.URL, landed.Body)
		}
		u.enter(b, "acme")
	})
}

// TestUpgrade_Tokens: APIs accept tokens signed with the keys of 0.1, and the prepared
// key takes over.
func TestUpgrade_Tokens(t *testing.T) {
	onBothDatabases(t, func(u *upgraded) {
		for what, issuer := range map[string]string{"alice at acme": leftURL, "alice at acme, bound to her device": leftURL, "alice at globex": ""} {
			answer, ok := u.Left.Tokens[what]
			if !ok {
				u.Fatalf("the fixture has no token %q", what)
			}
			if issuer == "" {
				issuer = u.issuerOf(answer.AccessToken)
			}
			u.verify(issuer, answer.AccessToken)
		}
		before := u.keyOf(u.Left.Tokens["alice at acme"].AccessToken)
		u.clock.Pass(90 * time.Minute)
		renewed := u.mint(u.restored("with a device key"), "acme").AccessToken
		u.verify(leftURL, renewed)
		if u.keyOf(renewed) == before {
			u.Error("the prepared key did not take over")
		}
	})
}

// verify fails the test unless an API accepts a token of an issuer.
func (u *upgraded) verify(issuer, raw string) {
	u.Helper()
	verifier, err := token.NewVerifier(token.Config{
		Issuer: issuer, Audience: leftOrigin + "/api", Now: u.clock.Now,
		Keys: token.NewKeySet(issuer+api.PathKeySet, &http.Client{Transport: u.Hosts}),
	})
	if err != nil {
		u.Fatal(err)
	}
	if _, err := verifier.Verify(u.Context(), raw); err != nil {
		u.Errorf("the token of %s: %v", issuer, err)
	}
}

// TestUpgrade_Servers: API keys of servers go on to work, and so does the session that
// another app's server holds.
func TestUpgrade_Servers(t *testing.T) {
	onBothDatabases(t, func(u *upgraded) {
		for _, c := range []struct {
			key, path string
			status    int
		}{
			{"administration", "/organizations", 200}, {"administration", "/audit", 200}, {"administration", "/keys", 200},
			{"administration of acme", "/organizations/acme/members", 200}, {"administration of acme", "/organizations/globex/members", 404},
			{"revoked", "/organizations", 401}, {"server of web", "/organizations", 401},
		} {
			if got, text := u.call("GET", "/admin/v1"+c.path, u.APIKeys[c.key], ""); got != c.status {
				u.Errorf("%s at %s: %d %s, want %d", c.key, c.path, got, text, c.status)
			}
		}
		for range 3 {
			status, text := u.call("POST", "/v1/workspaces/default/sessions/refresh", u.APIKeys["server of reports"], `{"refresh":"`+u.Server.Refresh+`"}`)
			var renewed struct{ Refresh string }
			if err := json.Unmarshal([]byte(text), &renewed); status != http.StatusOK || err != nil {
				u.Fatalf("%d %s", status, text)
			}
			if renewed.Refresh != "" {
				u.Server.Refresh = renewed.Refresh
			}
			u.clock.Pass(2 * time.Hour)
		}
		_, trail := u.call("GET", "/admin/v1/audit?limit=200", u.APIKeys["administration"], "")
		for _, action := range []string{"sign_in", "staff.grant", "identity.link", "app.hand_over", "member.disable"} {
			if !strings.Contains(trail, `"`+action+`"`) {
				u.Errorf("the audit log of before lacks %s", action)
			}
		}
	})
}

// call sends a server's request with an API key.
func (u *upgraded) call(method, path, key, body string) (status int, text string) {
	u.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, leftURL+path, strings.NewReader(body))
	if err != nil {
		u.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := u.Hosts.RoundTrip(r)
	if err != nil {
		u.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		u.Fatal(err)
	}
	return answer.StatusCode, string(content)
}

func (u *upgraded) issuerOf(raw string) string { return u.part(raw, 1, "iss") }
func (u *upgraded) keyOf(raw string) string    { return u.part(raw, 0, "kid") }

// part returns a member of a token's header (0) or claims (1).
func (u *upgraded) part(raw string, n int, member string) string {
	u.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[n])
	if err != nil {
		u.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		u.Fatal(err)
	}
	value, _ := all[member].(string)
	return value
}
