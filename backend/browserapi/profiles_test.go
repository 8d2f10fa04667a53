package browserapi_test

import (
	"maps"
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
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// profile is the behavior of a provider according to its documentation, with the
// settings of PROVIDERS.md. It was not tested with the real provider.
type profile struct {
	quirks func(*logintest.Provider)
	// relies configures the connection.
	relies func(*directory.Connection)
	// lacks are claims that are missing in identity tokens. nina are the additional
	// claims of the user.
	lacks []string
	nina  map[string]any
	// userInfo are claims that only userinfo has.
	userInfo []string
	// roles are nina's roles according to claim and groups.
	claim     string
	source    directory.ClaimSource
	separator string
	roles     []string
	stays     bool // no RP-initiated logout
	logoutTyp string
	silent    bool // it tells of no logout by the back channel
	// framed is how it tells of one by a frame: with iss and sid, or with sid alone; empty,
	// it does not.
	framed string
	// stronger is what it takes in acr_values, and says in acr.
	stronger string
}

const (
	framedByBoth = "iss and sid"
	framedBySID  = "sid"
)

// staff has a group in a claim of the identity token.
func staff(claim string) map[string]any { return map[string]any{claim: []string{"staff"}} }

var profiles = map[string]profile{
	"Entra, one tenant": {
		quirks: func(p *logintest.Provider) {
			rs256(p)
			p.FormPost, p.ClientAuth = true, []string{"client_secret_post", "private_key_jwt", "client_secret_basic"}
		},
		lacks: []string{"acr", "amr", "email_verified"},
		nina: map[string]any{
			"tid": "72f988bf-86f1-41af-91ab-2d7cd011db47", "oid": "00000000-0000-0000-66f3-3332eca7ea81", "ver": "2.0",
			"preferred_username": "nina@contoso.example", "groups": []string{"staff"},
		},
		claim: "groups", roles: []string{"admin"}, silent: true, framed: framedBySID,
	},
	"Google": {
		quirks: func(p *logintest.Provider) { rs256(p); p.EndSession = idp.EndSessionMissing },
		lacks:  []string{"acr", "amr", "sid", "auth_time"},
		nina:   map[string]any{"azp": logintest.ClientID, "hd": "contoso.example"},
		stays:  true, silent: true, roles: []string{"viewer"},
	},
	"Okta": {
		quirks: func(p *logintest.Provider) {
			rs256(p)
			p.ACR = map[string]string{idp.ACRSecondFactor: "urn:okta:loa:2fa:any", idp.ACRPassword: "urn:okta:loa:1fa:any"}
			p.PushedRequests, p.FormPost = idp.PushAllowed, true
		},
		relies: func(c *directory.Connection) { c.PushRequests, c.Scopes = true, []string{"profile", "email", "groups"} },
		lacks:  []string{"sid"}, nina: staff("groups"), userInfo: []string{"groups", "name"},
		claim: "groups", source: directory.FromUserInfo, roles: []string{"admin"}, silent: true, stronger: "urn:okta:loa:2fa:any",
	},
	"Auth0": {
		quirks: func(p *logintest.Provider) { rs256(p) },
		lacks:  []string{"acr"}, nina: staff("https://contoso.example/roles"),
		claim: "https://contoso.example/roles", roles: []string{"admin"}, logoutTyp: "logout+jwt",
	},
	"Keycloak": {
		quirks: func(p *logintest.Provider) {
			rs256(p)
			p.ACR = map[string]string{idp.ACRSecondFactor: "gold", idp.ACRPassword: "silver"}
			p.PushedRequests, p.FormPost, p.ClientAuth = idp.PushAllowed, true, []string{"private_key_jwt", "client_secret_basic", "client_secret_post"}
		},
		relies: func(c *directory.Connection) {
			c.ClientAuth, c.ResponseMode, c.UntypedLogoutTokens = directory.PrivateKeyJWT, "form_post", true
		},
		lacks: []string{"amr"}, nina: map[string]any{"realm_access": map[string]any{"roles": []string{"offline_access", "staff"}}},
		claim: "realm_access.roles", roles: []string{"admin"}, logoutTyp: "JWT", framed: framedByBoth, stronger: "gold",
	},
	"Cognito": {
		quirks: func(p *logintest.Provider) { rs256(p); p.EndSession = idp.EndSessionMissing },
		lacks:  []string{"acr", "amr", "sid"}, nina: staff("cognito:groups"),
		claim: "cognito:groups", roles: []string{"admin"}, stays: true, silent: true,
	},
	"ADFS": {
		quirks: func(p *logintest.Provider) {
			rs256(p)
			p.FormPost = true
			p.UserInfo = func(c map[string]any) { maps.DeleteFunc(c, func(name string, _ any) bool { return name != "sub" }) }
		},
		relies: func(c *directory.Connection) { c.ResponseMode = "form_post" },
		lacks:  []string{"amr"}, nina: map[string]any{"group": "staff"},
		claim: "group", roles: []string{"admin"}, silent: true, framed: framedBySID,
	},
	"Apple": {
		quirks: func(p *logintest.Provider) {
			rs256(p)
			p.FormPost, p.EndSession, p.ClientAuth = true, idp.EndSessionMissing, []string{"client_secret_post"}
			p.Metadata = func(m map[string]any) {
				delete(m, "userinfo_endpoint")
				m["response_modes_supported"] = []string{"query", "fragment", "form_post"}
			}
		},
		relies: func(c *directory.Connection) { c.ResponseMode, c.Scopes = "form_post", []string{"email"} },
		lacks:  []string{"acr", "amr", "sid", "name"}, nina: map[string]any{"email_verified": "true", "nonce_supported": true},
		stays: true, silent: true, roles: []string{"viewer"},
	},
	"Zitadel": {
		quirks: func(p *logintest.Provider) {
			rs256(p)
			p.ClientAuth = []string{"client_secret_basic", "client_secret_post", "private_key_jwt"}
		},
		lacks: []string{"acr"}, userInfo: []string{"name", "urn:zitadel:iam:org:project:roles"}, source: directory.FromUserInfo,
		nina:  map[string]any{"urn:zitadel:iam:org:project:roles": map[string]any{"staff": map[string]any{"2841": "contoso.example"}}},
		claim: "urn:zitadel:iam:org:project:roles", roles: []string{"admin"}, logoutTyp: "logout+jwt",
	},
	"Ping": {
		quirks: func(p *logintest.Provider) {
			rs256(p)
			p.ACR = map[string]string{idp.ACRSecondFactor: "Multi_Factor", idp.ACRPassword: "Single_Factor"}
			p.PushedRequests, p.ClientAuth = idp.PushRequired, []string{"private_key_jwt"}
		},
		relies: func(c *directory.Connection) { c.ClientAuth, c.UntypedLogoutTokens = directory.PrivateKeyJWT, true },
		nina:   staff("groups"), claim: "groups", roles: []string{"admin"}, logoutTyp: "JWT", stronger: "Multi_Factor",
	},
	"GitLab": {
		quirks: func(p *logintest.Provider) { rs256(p); p.EndSession = idp.EndSessionMissing },
		lacks:  []string{"acr", "amr", "sid"}, nina: map[string]any{"groups": []string{"staff"}, "groups_direct": []string{"staff"}},
		userInfo: []string{"groups"}, claim: "groups_direct", roles: []string{"admin"}, stays: true, silent: true,
	},
	"Dex": {
		quirks: func(p *logintest.Provider) { rs256(p); p.EndSession = idp.EndSessionMissing },
		relies: func(c *directory.Connection) { c.Scopes = []string{"profile", "email", "groups"} },
		lacks:  []string{"acr", "amr", "sid", "auth_time"}, nina: staff("groups"),
		claim: "groups", roles: []string{"admin"}, stays: true, silent: true,
	},
	"Dex, with sessions": {
		quirks: rs256,
		relies: func(c *directory.Connection) { c.Scopes = []string{"profile", "email", "groups"} },
		lacks:  []string{"acr", "amr"}, nina: staff("groups"), claim: "groups", roles: []string{"admin"}, logoutTyp: "logout+jwt",
	},
	"FortiAuthenticator": {
		quirks: func(p *logintest.Provider) { rs256(p); p.EndSession = idp.EndSessionMissing },
		lacks:  []string{"acr", "amr", "sid", "auth_time"}, nina: map[string]any{"groups": "guests,staff"}, userInfo: []string{"groups"},
		claim: "groups", source: directory.FromUserInfo, separator: ",", roles: []string{"admin"}, stays: true, silent: true,
	},
	"WorkOS": {
		quirks: func(p *logintest.Provider) {
			rs256(p)
			p.EndSession, p.ClientAuth = idp.EndSessionMissing, []string{"client_secret_post"}
		},
		lacks: []string{"acr", "amr", "auth_time"}, nina: map[string]any{"org_id": "org_01", "role": "staff"},
		claim: "role", roles: []string{"admin"}, stays: true, silent: true,
	},
}

func rs256(p *logintest.Provider) { p.ReplaceKeyWith("1", "RS256") }

// TestProfile runs the server with each provider: sign-in, groups, step-up, sign-out
// and back-channel logout.
func TestProfile(t *testing.T) {
	key := newClientKey(t)
	for name, f := range profiles {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.relies = func(c *login.Config) { c.ClientKey = key }
			w.provider.ClientAuth, w.provider.ClientKeys = []string{"private_key_jwt"}, func() []byte { return key.Set() }
			w.restart()
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
		})
	}
}

// profiled returns the provider of acme's connection with the behavior of a profile.
func (w *world) profiled(f profile, key *login.ClientKey) *logintest.Provider {
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
		c, err := w.store.Connection(w.Context(), "con_acme")
		if err == nil {
			f.relies(&c)
			err = w.store.UpdateConnection(w.Context(), c)
		}
		if err != nil {
			w.Fatal(err)
		}
	}
	return p
}

// answers signs nina in at the page, and runs the pages that follow.
func (w *world) answers(b *httpbrowser.Browser, page httpbrowser.Response) httpbrowser.Response {
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
func (w *world) stepsUp(b *httpbrowser.Browser, f profile) {
	w.Helper()
	w.pass(10 * time.Minute)
	landed := w.answers(b, b.Login("organization=acme&max_age=60"))
	if slices.Contains(f.lacks, "auth_time") {
		if got := refusedWith(landed); got != api.AuthTimeMissing {
			w.Errorf("a step-up without auth_time came back with %q to %s", got, landed.URL)
		}
		return
	}
	if claims := w.claims(w.mint(b, "acme")); claims.AuthTime != w.now().Unix() {
		w.Errorf("the authentication is of %d, %d s ago", claims.AuthTime, w.now().Unix()-claims.AuthTime)
	}
}

// raisesTo asks for a stronger authentication, by the name that the provider has for it, and
// for one that it does not know, which satisfies nothing.
func (w *world) stepsUpTo(b *httpbrowser.Browser, f profile) {
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

// leaves ends the session here, and the provider's where that offers it.
func (w *world) signsOutOf(b *httpbrowser.Browser, p *logintest.Provider, f profile) {
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
func (w *world) backchannelLogout(p *logintest.Provider, f profile) {
	w.Helper()
	b := w.browser()
	w.answers(b, b.Login("organization=acme"))
	w.mint(b, "acme")
	claims := jwt.MapClaims{
		"iss": p.Issuer, "aud": logintest.ClientID, "sub": "nina", "iat": w.now().Unix(), "exp": w.now().Unix() + 120, "jti": "1", "sid": "upstream-nina",
		"events": map[string]any{logoutEvent: map[string]any{}},
	}
	if got := backchannelAt(w, "/backchannel-logout/con_acme", p.LogoutToken(f.logoutTyp, claims)); got.Code != http.StatusOK {
		w.Fatalf("%d %s", got.Code, got.Body)
	}
	w.wants(b.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.SessionRevoked)
}

// isFramed ends a session by the provider's front-channel logout.
func (w *world) isFramed(p *logintest.Provider, f profile) {
	w.Helper()
	w.change(`UPDATE connections SET provisioning = json_set(provisioning, '$.frontchannel_logout', json('true')), revision = revision + 1`)
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

// TestProfile_EntraTenants: its people come by the workspace's provider, each of the
// issuer of their own tenant, and of listed tenants alone.
func TestProfile_EntraTenants(t *testing.T) {
	const contoso = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	w := newWorld(t, nil)
	p := logintest.New(t, "http://127.0.0.1:8081/organizations/v2.0")
	rs256(p)
	p.Now = w.now
	p.Tenants = map[string]string{"alice": contoso, "mallory": "9188040d-6c67-4c5b-b112-36a304b66dad"}
	p.Metadata = func(m map[string]any) { delete(m, "authorization_response_iss_parameter_supported") }
	p.Answer = func(v url.Values) { v.Del("iss") }
	p.Claims = func(c map[string]any) { delete(c, "acr"); delete(c, "amr") }
	w.provider, w.hosts["127.0.0.1:8081"] = p, p
	w.relies = func(c *login.Config) {
		c.Issuer, c.Tenants, c.FrontchannelLogout = p.Issuer, []string{"9188040d-6c67-4c5b-b112-36a304b66dae", contoso}, true
	}
	w.restart()
	d := desired()
	d.Organizations[0].Members = []directory.Member{{User: directory.User{Issuer: "http://127.0.0.1:8081/" + contoso + "/v2.0", Subject: "alice"}, Roles: []string{"viewer"}}}
	w.apply(d)
	b := w.signedIn("alice")
	w.mint(b, "acme")
	w.pass(10 * time.Minute)
	b.Choose(b.Login("max_age=60"), "alice")
	if claims := w.claims(w.mint(b, "acme")); claims.AuthTime != w.now().Unix() {
		t.Errorf("the authentication is of %d s ago", w.now().Unix()-claims.AuthTime)
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
	w := newWorld(t, nil)
	p := w.profiled(profile{quirks: rs256, nina: staff("groups"), claim: "groups"}, newClientKey(t))
	b := w.browser()
	w.answers(b, b.Login("organization=acme"))
	w.mint(b, "acme")
	p.Overage = true
	w.answers(b, b.Login("organization=acme&prompt=login"))
	if minted := w.mint(b, "acme"); !slices.Equal(minted.Roles, []string{"admin"}) {
		t.Errorf("nina's roles are %v", minted.Roles)
	}
}
