package browserapi_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// shown returns the answer of GET /session.
func (w *answers) shown(b *httpbrowser.Browser) api.SessionResponse {
	w.Helper()
	var s api.SessionResponse
	b.Get("/session").JSON(w, &s)
	return s
}

func TestLink_OtherUsersIdentity(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{})
	w.rule(requireConnections("acme"))
	alice, bob := w.keyed("alice"), w.keyed("bob")
	w.enterBy(alice, "acme", "a.martin")
	w.mint(alice, "acme")
	for name, refused := range map[string]func() (*httpbrowser.Browser, string){
		"another person's":                       func() (*httpbrowser.Browser, string) { return bob, "a.martin" },
		"another, of a person who has one":       func() (*httpbrowser.Browser, string) { return w.keyed("alice"), "b.keller" },
		"of somebody who came by the connection": func() (*httpbrowser.Browser, string) { w.begin("acme", "zoe"); return bob, "zoe" },
	} {
		b, person := refused()
		w.Pass(time.Second)
		if landed := w.enterBy(b, "acme", person); refusedWith(landed) != api.IdentityChanged || landed.URL.Query().Get("a") != "1" {
			t.Errorf("%s: landed on %s", name, landed.URL)
		}
		w.challenged(b.Post("/token", enters))
		if last := w.events(audit.LinkIdentity)[0]; last.Outcome != audit.Refused || last.Target != "con_acme" {
			t.Errorf("%s: the trail says %+v", name, last)
		}
	}
	w.enterBy(bob, "acme", "b.keller")
	if got := w.mint(bob, "acme").User.Subject; got != "bob" {
		t.Errorf("acme is entered as %s", got)
	}
	w.mint(alice, "acme")
}

func TestLink_MembersOnly(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("globex", directory.Provisioning{})
	bob := w.keyed("bob")
	user := w.mint(bob, "acme").User.ID
	landed := bob.Choose(bob.Begin(publicURL+"/login?organization=globex&user="+user), "b.keller")
	if refusedWith(landed) != api.OrganizationAccessDenied || len(w.events(audit.LinkIdentity)) != 0 {
		t.Errorf("landed on %s; the trail says %+v", landed.URL, w.events(audit.LinkIdentity))
	}
	w.wants(bob.Post("/token", `{"organization":"globex","enter":true}`), http.StatusForbidden, api.OrganizationAccessDenied)
}

// TestLink_SameEMailAtOtherConnection checks that the same e-mail address, or the same
// issuer and subject, at a tenant's provider is another user.
func TestLink_SameEMailAtOtherConnection(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", justInTime)
	w.connect("globex", justInTime)
	w.connectAt("initech", issuer, justInTime) // it claims the workspace provider's issuer
	w.connectAt("umbrella", "https://login.acme.example", justInTime)
	people := map[string]string{}
	for _, slug := range []string{"", "acme", "globex", "initech", "umbrella"} {
		b := w.browser()
		b.Choose(b.Login("organization="+slug), "alice")
		user := w.shown(b).User
		if user.Email != "alice@example.com" {
			t.Fatalf("%s: %+v", slug, user)
		}
		if other, known := people[user.ID]; known {
			t.Errorf("at %q and at %q it is the same person", slug, other)
		}
		people[user.ID] = slug
		again := w.browser()
		again.Choose(again.Login("organization="+slug), "alice")
		if w.shown(again).User != user {
			t.Errorf("at %q another person comes the second time", slug)
		}
	}
}

// TestStepUp_SameUserAtWorkspaceProvider checks that a session from a tenant's provider
// needs a link for such a step-up.
func TestStepUp_SameUserAtWorkspaceProvider(t *testing.T) {
	w := newBackend(t, nil)
	w.connectAt("acme", issuer, justInTime)
	b := w.begin("acme", "zoe")
	user := w.mint(b, "acme").User.ID
	w.disconnect("acme")
	landed := b.Choose(b.Begin(publicURL+"/login?organization=acme&user="+user), "zoe") // same iss and sub
	if refusedWith(landed) != api.IdentityChanged {
		t.Errorf("landed on %s", landed.URL)
	}
	w.challenged(b.Post("/token", enters))
}

// TestConnection_ConfinesSession checks that a session from a tenant's provider opens
// that organization only, since the provider's owner could impersonate the user.
func TestConnection_ConfinesSession(t *testing.T) {
	w := newBackend(t, nil)
	acme := w.connect("acme", directory.Provisioning{})
	alice := w.keyed("alice")
	user := w.mint(alice, "globex").User
	alice.Choose(alice.Begin(publicURL+"/login?organization=acme&user="+user.ID), "a.martin")
	acme.People = map[string]map[string]any{"a.martin": {"name": "Mallory", "email": "mallory@example.com"}}

	b := w.begin("acme", "a.martin")
	if minted := w.mint(b, "acme"); minted.User != user {
		t.Errorf("the person is %+v, want %+v", minted.User, user)
	}
	shown := w.shown(b)
	if len(shown.Organizations) != 1 || shown.Organizations[0].Slug != "acme" {
		t.Errorf("it is shown %+v", shown.Organizations)
	}
	if got := w.mint(b, "").Organization.Slug; got != "acme" {
		t.Errorf("the only organization is %s", got)
	}
	unknown := b.Post("/token", `{"organization":"nowhere","enter":true}`)
	for _, ref := range []string{"globex", "org_globex", "initech"} {
		got := b.Post("/token", `{"organization":"`+ref+`","enter":true}`)
		if w.wants(got, http.StatusForbidden, api.OrganizationAccessDenied); got.Body != unknown.Body {
			t.Errorf("%s is told apart from what does not exist: %s", ref, got.Body)
		}
	}
	landed := b.Choose(b.Begin(publicURL+"/login?organization=globex&user="+user.ID), "alice") // a step-up does not widen it
	if refusedWith(landed) != api.OrganizationAccessDenied {
		t.Errorf("landed on %s", landed.URL)
	}
	if len(w.devices(b)) != 1 || len(w.devices(alice)) != 2 {
		t.Errorf("it sees %+v", w.devices(b))
	}
	for _, d := range w.devices(alice) {
		if own := d.ID == shown.Session; !own {
			w.wants(b.Fetch(http.MethodDelete, "/sessions/"+d.ID, ""), http.StatusNotFound, api.NotFound)
		}
	}
	b.Post("/logout", `{"scope":"everywhere"}`)
	w.mint(alice, "globex")
	w.begin("acme", "a.martin")
	alice.Post("/logout", `{"scope":"everywhere"}`)
	w.wants(b.Post("/token", enters), http.StatusUnauthorized, api.LoginRequired)
}

// TestConnection_LinksOwnOrganizationOnly checks that the owner of one organization's
// provider cannot link a user for another organization.
func TestConnection_LinksOwnOrganizationOnly(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{})
	w.connect("globex", justInTime)
	alice := w.keyed("alice")
	user := w.mint(alice, "globex").User.ID
	alice.Choose(alice.Begin(publicURL+"/login?organization=acme&user="+user), "a.martin")
	b := w.browser().On(httpbrowser.NewDevice(t))
	b.Choose(b.Begin(publicURL+"/login?organization=acme&return_to=/"), "a.martin")
	landed := b.Choose(b.Begin(publicURL+"/login?organization=globex&user="+user), "mallory")
	if refusedWith(landed) != api.OrganizationAccessDenied {
		t.Errorf("landed on %s", landed.URL)
	}
	if got := w.mint(w.begin("globex", "mallory"), "globex"); got.User.ID == user || !slices.Equal(got.Roles, []string{"viewer"}) {
		t.Errorf("mallory is %+v", got.User)
	}
}

// TestConnection_TheftEndsConfinedSessionsOnly checks the case of a provider's owner
// who acts as thief and victim.
func TestConnection_TheftEndsConfinedSessionsOnly(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{})
	d := desired()
	d.Workspace.OnReuse = directory.EndUser
	w.Apply(d)
	alice := w.keyed("alice")
	alice.Choose(alice.Begin(publicURL+"/login?organization=acme&user="+w.mint(alice, "globex").User.ID), "a.martin")
	b, other := w.begin("acme", "a.martin"), w.begin("acme", "a.martin")
	w.wants(theft(w, b, b.Copy()), http.StatusUnauthorized, api.RefreshTokenReused)
	w.wants(other.Post("/token", enters), http.StatusUnauthorized, api.SessionRevoked)
	w.mint(alice, "globex")
}

// signedBy signs identity tokens with another provider's key.
func signedBy(other *logintest.Provider) func(*logintest.Provider, jwt.MapClaims) string {
	return func(_ *logintest.Provider, claims jwt.MapClaims) string { return other.LogoutToken("JWT", claims) }
}

func TestConnection_LyingProvider(t *testing.T) {
	claim := func(name string, value any) func(*logintest.Provider) {
		return func(p *logintest.Provider) { p.Claims = func(claims map[string]any) { claims[name] = value } }
	}
	for name, lie := range map[string]func(*logintest.Provider){
		"the workspace's iss":  claim("iss", issuer),
		"another connection's": claim("iss", "https://login.globex.example"),
		"another client":       claim("aud", "other"),
		"another nonce":        claim("nonce", "other"),
		"expired":              claim("exp", 1),
		"no subject":           claim("sub", ""),
		"another key":          func(p *logintest.Provider) { p.Sign = signedBy(logintest.New(t, p.Issuer)) },
		"callback of another":  func(p *logintest.Provider) { p.Answer = func(v url.Values) { v.Set("iss", issuer) } },
		"metadata of another":  func(p *logintest.Provider) { p.Metadata = func(m map[string]any) { m["issuer"] = issuer } },
		"keys in the network": func(p *logintest.Provider) {
			p.Metadata = func(m map[string]any) { m["jwks_uri"] = "https://10.0.0.1/keys" }
		},
		"keys over http": func(p *logintest.Provider) {
			p.Metadata = func(m map[string]any) { m["jwks_uri"] = "http://login.acme.example/jwks.json" }
		},
		"tokens in the network": func(p *logintest.Provider) {
			p.Metadata = func(m map[string]any) { m["token_endpoint"] = "https://169.254.169.254/" }
		},
		"a script as its page": func(p *logintest.Provider) {
			p.Metadata = func(m map[string]any) { m["authorization_endpoint"] = "javascript:alert(1)" }
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			p := w.connect("acme", justInTime)
			w.connect("globex", justInTime)
			for _, host := range []string{"10.0.0.1", "169.254.169.254"} {
				w.Hosts[host] = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error(host + " was asked") })
			}
			lie(p)
			b := w.browser()
			page := b.Login("organization=acme")
			b.Choose(page, "alice")
			if len(sessionCookies(b)) != 0 {
				t.Error("somebody is signed in")
			}
		})
	}
}

func TestConnection_Logout(t *testing.T) {
	w := newBackend(t, nil)
	acme := w.connect("acme", justInTime)
	w.connect("globex", justInTime)
	alice, begun, elsewhere := w.keyed("alice"), w.begin("acme", "alice"), w.begin("globex", "alice")
	logout := func(path, audience string) int {
		token := acme.LogoutToken("logout+jwt", jwt.MapClaims{
			"iss": acme.Issuer, "aud": audience, "sub": "alice", "sid": "upstream-alice", "iat": w.Now().Unix(), "jti": path,
			"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
		})
		return backchannelAt(w, path, token).Code
	}
	for _, path := range []string{"/backchannel-logout", "/backchannel-logout/con_globex", "/backchannel-logout/con_nowhere"} {
		if got := logout(path, logintest.ClientID); got != http.StatusBadRequest {
			t.Errorf("%s answers %d", path, got)
		}
	}
	w.mint(begun, "acme")
	w.Pass(time.Second)
	if got := logout("/backchannel-logout/con_acme", logintest.ClientID); got != http.StatusOK {
		t.Errorf("%d", got)
	}
	if ended := w.events(audit.SignOut); len(ended) != 1 || ended[0].OrganizationID != "org_acme" || ended[0].Target != "con_acme" {
		t.Errorf("the trail says %+v", ended)
	}
	w.wants(begun.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
	w.mint(alice, "globex")
	w.mint(elsewhere, "globex")
}

func TestConnection_EndSessionURL(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", justInTime)
	var out api.LogoutResponse
	w.begin("acme", "alice").Post("/logout", `{"scope":"session"}`).JSON(t, &out)
	if !strings.HasPrefix(out.EndSessionURL, "https://login.acme.example/end-session?") || !strings.Contains(out.EndSessionURL, "id_token_hint=") {
		t.Errorf("%q", out.EndSessionURL)
	}
	b := w.begin("acme", "alice")
	w.disconnect("acme")
	out = api.LogoutResponse{}
	if b.Post("/logout", `{"scope":"session"}`).JSON(t, &out); out.EndSessionURL != "" {
		t.Errorf("of a disabled connection: %q", out.EndSessionURL)
	}
}
