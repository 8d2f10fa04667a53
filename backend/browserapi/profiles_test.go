package browserapi_test

import (
	"crypto/elliptic"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/browser_test/kit/backendtest"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// TestProfile runs the server with each provider: sign-in, groups, step-up, sign-out,
// logout by the back and the front channel, and revocation.
func TestProfile(t *testing.T) {
	key := backendtest.NewClientKey(t, elliptic.P256())
	for name, f := range profiles {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			w.Relying = func(c *login.Config) { c.ClientKey = key }
			w.Provider.ClientAuth, w.Provider.ClientKeys = []string{"private_key_jwt"}, func() []byte { return key.Set() }
			w.Restart()
			p := w.profiled(f, key)
			b := w.browser()
			w.answers(b, b.Login("organization=acme"))
			minted := w.mint(b, "acme")
			if !slices.Equal(minted.Roles, f.roles) {
				t.Errorf("nina's roles are %v, want %v", minted.Roles, f.roles)
			}
			w.stepsUp(b, f)
			w.stepsUpTo(b, f)
			w.signsOutOf(b, p, f)
			if !f.silent {
				w.backchannelLogout(p, f)
			}
			if f.framed != "" {
				w.isFramed(p, f)
			}
			if f.revokes {
				w.isRevoked(p)
			}
		})
	}
}

// profiled returns the provider of acme's connection with the behavior of a profile.
func (w *backend) profiled(f profile, key *login.ClientKey) *logintest.Provider {
	w.Helper()
	provisioning := directory.Provisioning{JustInTime: true, Roles: []string{"viewer"}}
	if f.claim != "" {
		provisioning.ClaimSeparator = f.separator
		provisioning.Claim, provisioning.ClaimSource, provisioning.Groups = f.claim, f.source, map[string][]string{"staff": {"admin"}}
	}
	p := w.connect("acme", provisioning)
	p.ClientKeys = func() []byte { return key.Set() }
	p.People = map[string]map[string]any{"nina": f.nina}
	for _, name := range f.userInfo {
		p.Only[name] = idp.UserInfo
	}
	f.quirks(p)
	p.Claims = func(c map[string]any) {
		for _, name := range f.lacks {
			delete(c, name)
		}
	}
	if f.relies != nil {
		c, err := w.Store.Connection(w.Context(), "con_acme")
		if err == nil {
			f.relies(&c)
			err = w.Store.UpdateConnection(w.Context(), c)
		}
		if err != nil {
			w.Fatal(err)
		}
	}
	return p
}

// answers signs nina in at the page, and runs the pages that follow.
func (w *backend) answers(b *httpbrowser.Browser, page httpbrowser.Response) httpbrowser.Response {
	w.Helper()
	landed := b.Confirm(page, "nina", "otp")
	for range 2 { // the provider's form and the repost
		if action, fields := logintest.PostedForm(landed.Body); fields.Has("state") && (action != "" || landed.URL.Path == "/auth/callback/con_acme") {
			landed = posts(b, landed)
		}
	}
	if _, to, moved := strings.Cut(landed.Body, `content="0; url=`); moved {
		address, _, _ := strings.Cut(to, `"`)
		return b.Follow(strings.ReplaceAll(address, "&amp;", "&"))
	}
	return landed
}

// stepsUp requests an authentication of this minute. A provider without auth_time cannot
// prove one.
func (w *backend) stepsUp(b *httpbrowser.Browser, f profile) {
	w.Helper()
	w.Pass(10 * time.Minute)
	landed := w.answers(b, b.Login("organization=acme&max_age=60"))
	if slices.Contains(f.lacks, "auth_time") {
		if got := refusedWith(landed); got != api.AuthTimeMissing {
			w.Errorf("a step-up without auth_time came back with %q to %s", got, landed.URL)
		}
		return
	}
	if claims := w.claims(w.mint(b, "acme")); claims.AuthTime != w.Now().Unix() {
		w.Errorf("the authentication is of %d, %d s ago", claims.AuthTime, w.Now().Unix()-claims.AuthTime)
	}
}

// stepsUpTo asks for a stronger authentication, by the name that the provider has for it, and
// for one that it does not know, which satisfies nothing.
func (w *backend) stepsUpTo(b *httpbrowser.Browser, f profile) {
	w.Helper()
	user := w.mint(b, "acme").User.ID
	if f.stronger != "" {
		w.answers(b, b.Login("organization=acme&user="+user+"&acr_values="+url.QueryEscape(f.stronger)))
		if claims := w.claims(w.mint(b, "acme")); claims.ACR != f.stronger {
			w.Errorf("acr is %q, want %q", claims.ACR, f.stronger)
		}
	}
	landed := w.answers(b, b.Login("organization=acme&user="+user+"&acr_values=urn:nobody:knows"))
	if got := refusedWith(landed); got != "unmet_authentication_requirements" {
		w.Errorf("an unknown acr came back with %q to %s: %s", got, landed.URL, landed.Body)
	}
	w.mint(b, "acme")
}

// signsOutOf ends the session here, and the provider's where that offers it.
func (w *backend) signsOutOf(b *httpbrowser.Browser, p *logintest.Provider, f profile) {
	w.Helper()
	var out api.LogoutResponse
	b.Post("/logout", `{"scope":"session"}`).JSON(w, &out)
	w.wants(b.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.LoginRequired)
	if f.stays {
		if out.EndSessionURL != "" {
			w.Errorf("it ends its session at %s", out.EndSessionURL)
		}
		return
	}
	end, err := url.Parse(out.EndSessionURL)
	if err != nil || !strings.HasPrefix(out.EndSessionURL, p.Issuer) || end.Query().Get("client_id") == "" || end.Query().Get("id_token_hint") == "" {
		w.Errorf("it ends its session at %q", out.EndSessionURL)
	}
	if landed := b.Follow(out.EndSessionURL); landed.URL.String() != origin+"/" {
		w.Errorf("the sign-out led to %s: %s", landed.URL, landed.Body)
	}
}

// backchannelLogout ends a session by back-channel logout.
func (w *backend) backchannelLogout(p *logintest.Provider, f profile) {
	w.Helper()
	b := w.browser()
	w.answers(b, b.Login("organization=acme"))
	w.mint(b, "acme")
	claims := jwt.MapClaims{
		"iss": p.Issuer, "aud": logintest.ClientID, "sub": "nina", "iat": w.Now().Unix(), "exp": w.Now().Unix() + 120, "jti": "1", "sid": "upstream-nina",
		"events": map[string]any{logoutEvent: map[string]any{}},
	}
	if got := backchannelAt(w, "/backchannel-logout/con_acme", p.LogoutToken(f.logoutTyp, claims)); got.Code != http.StatusOK {
		w.Fatalf("%d %s", got.Code, got.Body)
	}
	w.wants(b.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.SessionRevoked)
}

// isFramed ends a session by the provider's front-channel logout.
func (w *backend) isFramed(p *logintest.Provider, f profile) {
	w.Helper()
	w.Change(`UPDATE connections SET provisioning = json_set(provisioning, '$.frontchannel_logout', json('true')), revision = revision + 1`)
	b := w.browser()
	w.answers(b, b.Login("organization=acme"))
	w.mint(b, "acme")
	told := url.Values{"sid": {"upstream-nina"}}
	if f.framed == framedByBoth {
		told.Set("iss", p.Issuer)
	}
	frame := w.browser().With("Sec-Fetch-Site", "cross-site").With("Sec-Fetch-Dest", "iframe")
	if got := frame.Step(publicURL + "/frontchannel-logout/con_acme?" + told.Encode()); got.Status != http.StatusOK {
		w.Fatalf("%d %s", got.Status, got.Body)
	}
	w.wants(b.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.SessionRevoked)
}

// isRevoked ends the person's sessions by Global Token Revocation.
func (w *backend) isRevoked(p *logintest.Provider) {
	w.Helper()
	b := w.browser()
	w.answers(b, b.Login("organization=acme"))
	w.mint(b, "acme")
	if got := w.revoke(revocationOf(p, "/global-token-revocation/con_acme", "nina")); got.Code != http.StatusNoContent {
		w.Fatalf("%d %s", got.Code, got.Body)
	}
	w.wants(b.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.SessionRevoked)
}

// TestProfile_EntraTenants: its people come by the workspace's provider, each of the
// issuer of their own tenant, and of listed tenants alone. App roles name organizations.
func TestProfile_EntraTenants(t *testing.T) {
	const contoso = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	w := newBackend(t, nil)
	p := logintest.New(t, "http://127.0.0.1:8081/organizations/v2.0")
	rs256(p)
	p.Now = w.Now
	p.Tenants = map[string]string{"alice": contoso, "mallory": "9188040d-6c67-4c5b-b112-36a304b66dad"}
	p.Metadata = func(m map[string]any) { delete(m, "authorization_response_iss_parameter_supported") }
	p.Answer = func(v url.Values) { v.Del("iss") }
	p.Claims = func(c map[string]any) { delete(c, "acr"); delete(c, "amr") }
	p.People = map[string]map[string]any{"alice": {"roles": []string{"globex"}}, "mallory": {"roles": []string{"globex"}}} // app roles
	w.Provider, w.Hosts["127.0.0.1:8081"] = p, p
	w.Relying = func(c *login.Config) {
		c.Issuer, c.Tenants, c.FrontchannelLogout = p.Issuer, []string{"9188040d-6c67-4c5b-b112-36a304b66dae", contoso}, true
	}
	w.Restart()
	d := desired()
	d.Organizations[0].Members = []directory.Member{{User: directory.User{Issuer: "http://127.0.0.1:8081/" + contoso + "/v2.0", Subject: "alice"}, Roles: []string{"viewer"}}}
	d.Workspace.MembershipClaim = &directory.MembershipClaim{Claim: "roles", Roles: []string{"viewer"}}
	w.Apply(d)
	b := w.signedIn("alice")
	w.mint(b, "acme")
	if minted := w.mint(b, "globex"); !slices.Equal(minted.Roles, []string{"viewer"}) {
		t.Errorf("alice's roles by the claim are %v", minted.Roles)
	}
	w.Pass(10 * time.Minute)
	b.Choose(b.Login("max_age=60"), "alice")
	if claims := w.claims(w.mint(b, "acme")); claims.AuthTime != w.Now().Unix() {
		t.Errorf("the authentication is of %d s ago", w.Now().Unix()-claims.AuthTime)
	}
	var out api.LogoutResponse
	b.Post("/logout", `{"scope":"session"}`).JSON(t, &out)
	if landed := b.Follow(out.EndSessionURL); landed.URL.String() != origin+"/" {
		t.Errorf("the sign-out led to %s: %s", landed.URL, landed.Body)
	}
	b = w.signedIn("alice")
	frame := w.browser().With("Sec-Fetch-Site", "cross-site").With("Sec-Fetch-Dest", "iframe")
	for _, told := range []string{"sid=of-nobody", "sid=upstream-alice"} {
		w.mint(b, "acme")
		if got := frame.Step(publicURL + "/frontchannel-logout?" + told); got.Status != http.StatusOK {
			t.Errorf("%s: %d %s", told, got.Status, got.Body)
		}
	}
	w.wants(b.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
	stranger := w.browser()
	if landed := stranger.Choose(stranger.Login(""), "mallory"); len(sessionCookies(stranger)) != 0 || refusedWith(landed) != "access_denied" {
		t.Errorf("a stranger's tenant landed on %s with %v", landed.URL, stranger.Cookies())
	}
}

// TestProfile_GroupOverage checks that roles are unchanged if Entra sends groups only
// by reference, as it does beyond 200.
func TestProfile_GroupOverage(t *testing.T) {
	w := newBackend(t, nil)
	p := w.profiled(profile{quirks: rs256, nina: staff("groups"), claim: "groups"}, backendtest.NewClientKey(t, elliptic.P256()))
	b := w.browser()
	w.answers(b, b.Login("organization=acme"))
	w.mint(b, "acme")
	p.Overage = true
	w.answers(b, b.Login("organization=acme&prompt=login"))
	if minted := w.mint(b, "acme"); !slices.Equal(minted.Roles, []string{"admin"}) {
		t.Errorf("nina's roles are %v", minted.Roles)
	}
}
