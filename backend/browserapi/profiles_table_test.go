package browserapi_test

import (
	"maps"

	"github.com/tabard-auth/tabard/backend/directory"
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
	// revokes reports whether it tells of leavers by Global Token Revocation.
	revokes bool
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
		claim: "groups", source: directory.FromUserInfo, roles: []string{"admin"}, silent: true, revokes: true, stronger: "urn:okta:loa:2fa:any",
	},
	"Okta, a server of its own with front-channel logout": {
		quirks: func(p *logintest.Provider) {
			rs256(p)
			p.ACR = map[string]string{idp.ACRSecondFactor: "urn:okta:loa:2fa:any", idp.ACRPassword: "urn:okta:loa:1fa:any"}
		},
		nina: staff("groups"), claim: "groups", roles: []string{"admin"}, silent: true, framed: framedByBoth, revokes: true, stronger: "urn:okta:loa:2fa:any",
	},
	"Auth0": {
		quirks: func(p *logintest.Provider) {
			rs256(p)
			p.ACR = map[string]string{idp.ACRSecondFactor: auth0SecondFactor, idp.ACRPassword: ""}
		},
		nina:  staff("https://contoso.example/roles"),
		claim: "https://contoso.example/roles", roles: []string{"admin"}, logoutTyp: "logout+jwt", stronger: auth0SecondFactor,
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

// auth0SecondFactor is in identity tokens after a second factor alone.
const auth0SecondFactor = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"

func rs256(p *logintest.Provider) { p.ReplaceKeyWith("1", "RS256") }
