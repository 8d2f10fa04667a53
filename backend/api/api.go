// Package api is the browser's contract as Go types: paths, headers, bodies and error
// codes. The server and the browser module share it. It imports nothing.
//
// Times that a client counts down are relative to the answer (…_in, in seconds), so
// that no client clock is trusted. Absolute times are Unix seconds of the server's
// clock.
package api

// Paths below the backend's base URL, which is also the issuer.
const (
	PathLogin               = "/login"
	PathCallback            = "/callback"
	PathToken               = "/token"
	PathLend                = "/lend"
	PathSession             = "/session"
	PathSessions            = "/sessions"
	PathLogout              = "/logout"
	PathHandover            = "/handover"
	PathHandoverCode        = "/handover/code"
	PathHandoverOrigin      = "/handover/origin"
	PathHandoverJoin        = "/handover/join"
	PathBackchannelLogout   = "/backchannel-logout"
	PathRevocation          = "/global-token-revocation"
	PathFrontchannelLogout  = "/frontchannel-logout"
	PathOpenIDConfiguration = "/.well-known/openid-configuration"
	PathAuthorizationServer = "/.well-known/oauth-authorization-server"
	PathKeySet              = "/.well-known/jwks.json"
	// PathClientKeySet has the key by which the backend is a client of OpenID providers.
	PathClientKeySet = "/.well-known/client-jwks.json"
	// PathIssuers precedes the id of an organization that is an issuer of its own, with
	// metadata and keys below it.
	PathIssuers = "/o/"
	PathClient  = "/client/"
)

// Headers of the contract.
const (
	// HeaderClient is the custom header that every state-changing request
	// carries; its value is the client's release. A form cannot send it, and a
	// foreign origin cannot without a CORS preflight.
	HeaderClient = "Tabard-Client"
	// HeaderTime carries the server's time (Unix seconds), as the client knows it when
	// it sends. The server refuses requests that are too old (request_too_old). The
	// header is absent until the client has learned the time.
	HeaderTime = "Tabard-Time"
	// HeaderProof carries the device key's proof (RFC 9449 section 4).
	HeaderProof = "DPoP"
	// HeaderAccount says whom a request is for, where several people can be signed in in
	// one browser: the person's id and, after a space, the mark of the session that the
	// tab knows (see [Mark]), or the id alone.
	HeaderAccount = "Tabard-Account"
	// HeaderNonce carries the nonce for the next proof (RFC 9449 section 8).
	HeaderNonce = "DPoP-Nonce"
)

// Query parameters of PathLogin. PathCallback adds ParamError to return_to when a
// sign-in ends without a session.
const (
	ParamApp          = "app"
	ParamOrganization = "organization"
	ParamReturnTo     = "return_to"
	ParamMaxAge       = "max_age"
	ParamACRValues    = "acr_values"
	ParamLoginHint    = "login_hint"
	ParamPrompt       = "prompt"
	// ParamEmail is the person's e-mail address, whose domain may lead to an
	// organization's own provider. Pages send it in the body of POST (LoginRequest).
	ParamEmail = "email"
	// ParamJKT names the device key of a page whose backend, of the release before, does
	// not answer POST.
	ParamJKT  = "dpop_jkt"
	ParamUser = "user"
	// ParamConfirm marks a step-up in which the person confirms who they are, also at a
	// provider that does not say when they authenticated.
	ParamConfirm = "confirm"
	// ParamSessionCookie is "true" if the session shall end with the browser, and "false"
	// if it shall outlive it where the workspace lets the person choose.
	ParamSessionCookie = "session_cookie"
	// ParamFollowed marks a sign-in that somebody else's link began, and a person went on
	// with. It chooses no organization.
	ParamFollowed = "followed"
	// ParamAsk marks a link of the backend's own page that repeats a foreign link, so that
	// the person is asked first.
	ParamAsk = "ask"
	// ParamAgain marks a sign-in that the backend's page started again, because the
	// callback came without the browser's cookie.
	ParamAgain = "again"
	// ParamJoin marks a sign-in, at the workspace's provider, by which a page's origin
	// joins the browser's first session.
	ParamJoin = "join"
	// ParamAccount is AnotherAccount, or the id of the person who shall sign in again, where
	// several people can be signed in. Only a page's script sends it (POST).
	ParamAccount = "account"
	ParamError   = "tabard_error"
	// ParamEnter names, in the address of a page, the organization that its tab acts for.
	ParamEnter = "tabard_organization"
	// ParamSignedIn names, in return_to, the person whom a sign-in with ParamAccount
	// signed in.
	ParamSignedIn = "tabard_account"
	// ParamIssuer and ParamTarget are the parameters of a sign-in that a third party
	// initiates (OpenID Connect Core section 4), besides login_hint.
	ParamIssuer = "iss"
	ParamTarget = "target_link_uri"
)

// AnotherAccount is the ParamAccount of a sign-in that adds a person.
const AnotherAccount = "another"

// QuietRefusals is the query of a request whose answer has the status 200 also if it is
// a refusal that says where the person stands ([Code.IsFinding]), because browsers report
// every other status as an error on the console. The body tells: it is an [Error].
const QuietRefusals = "quiet=1"

// LoginRequest is the body of POST /login. The other parameters are those of GET /login.
type LoginRequest struct {
	// Email is the person's e-mail address, see ParamEmail.
	Email string `json:"email,omitempty"`
}

// LoginResponse is the answer to POST /login.
type LoginResponse struct {
	// Location is the address that the page navigates to: at the OpenID provider, or
	// back in the app.
	Location   string `json:"location"`
	ServerTime int64  `json:"server_time"`
}

// TokenRequest is the body of POST /token.
type TokenRequest struct {
	// Organization is the id (org_…) or slug to mint for. It may be empty only if the
	// person has exactly one.
	Organization string `json:"organization,omitempty"`
	// Enter is true when a person chose the organization: first entry or switch. A
	// renewal leaves it false and does not revive an organization session that ended.
	Enter bool `json:"enter,omitempty"`
	// User is the id of the person that the tab expects. If another one is signed in,
	// the answer is identity_changed.
	User string `json:"user,omitempty"`
	// IdleSeconds is the time since the person's last input in the organization. Nil
	// reports no activity.
	IdleSeconds *int64 `json:"idle_seconds,omitempty"`
}

// TokenResponse is the answer to POST /token.
type TokenResponse struct {
	AccessToken  string       `json:"access_token"`
	TokenType    string       `json:"token_type"`
	ExpiresIn    int64        `json:"expires_in"`
	ServerTime   int64        `json:"server_time"`
	Organization Organization `json:"organization"`
	Roles        []string     `json:"roles"`
	Permissions  []string     `json:"permissions"`
	User         User         `json:"user"`
	// Session is the session's public id (sid). It is not a credential.
	Session string `json:"session"`
	// SessionExpiresIn is the time to the session's absolute end.
	SessionExpiresIn    int64               `json:"session_expires_in"`
	OrganizationSession OrganizationSession `json:"organization_session"`
	// DeviceBound reports whether the session is bound to the device key.
	DeviceBound bool `json:"device_bound"`
	// Accounts are the ids of the people who are signed in in this browser, if several can
	// be and the request did not name its session by a mark.
	Accounts []string `json:"accounts,omitempty"`
	// Origins is nil if the app's pages act for all organizations at each of its origins.
	Origins *Origins `json:"origins,omitempty"`
}

// Origins says where the pages are of an app that has an origin for each organization.
type Origins struct {
	// Home is the origin of the app's own page, which acts for all organizations.
	Home string `json:"home"`
	// Pattern is the origin of each organization, with ":organization" in the place of its
	// slug.
	Pattern string `json:"pattern"`
}

// LendRequest is the body of POST /lend, which mints a token that is narrower than the
// tab's own.
type LendRequest struct {
	// Organization is the id (org_…) or slug of an organization that the session acts for.
	Organization string `json:"organization"`
	// User is the id of the person that the tab expects.
	User string `json:"user,omitempty"`
	// Audience is one of the app's further audiences, or empty for its own.
	Audience string `json:"audience,omitempty"`
	// Permissions are separated by spaces. Nil are all that the person has.
	Permissions *string `json:"permissions,omitempty"`
	// Seconds is the longest life of the token. 0 is that of the tab's own.
	Seconds int64 `json:"seconds,omitempty"`
	// JKT is the thumbprint of the borrower's key, to which the token is bound.
	JKT string `json:"jkt,omitempty"`
}

// LendResponse is the answer to POST /lend.
type LendResponse struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
	ServerTime  int64  `json:"server_time"`
	// Organization is the organization's id.
	Organization string   `json:"organization"`
	Audience     string   `json:"audience"`
	Permissions  []string `json:"permissions"`
}

// Token types of TokenResponse (RFC 6750, RFC 9449 section 5).
const (
	TokenTypeBearer = "Bearer"
	TokenTypeDPoP   = "DPoP"
)

// Organization is a tenant's id and names. Tabs and rows bind by ID.
type Organization struct {
	ID   string `json:"id"`
	Slug string `json:"slug"`
	Name string `json:"name"`
}

// User is the person that signed in. Issuer and Subject identify the person at the
// OpenID provider. The pair is the person's key; the e-mail address never is. For a
// person that came by an organization's own provider, Issuer is the connection's id.
type User struct {
	ID      string `json:"id"`
	Name    string `json:"name,omitempty"`
	Email   string `json:"email,omitempty"`
	Issuer  string `json:"iss"`
	Subject string `json:"sub"`
}

// OrganizationSession is the state of the session in one organization. A deadline of 0
// means that only the session's own applies.
type OrganizationSession struct {
	// AuthTime is 0 if the provider does not say when the person authenticated.
	AuthTime  int64 `json:"auth_time"`
	ExpiresIn int64 `json:"expires_in,omitempty"`
	// IdleExpiresIn is the time until the organization session ends for inactivity.
	// IdleTimeout is the whole limit.
	IdleExpiresIn int64 `json:"idle_expires_in,omitempty"`
	IdleTimeout   int64 `json:"idle_timeout,omitempty"`
	// FreshOnSwitch forbids switching back on a token kept from an earlier visit.
	FreshOnSwitch bool `json:"fresh_on_switch,omitempty"`
}

// SessionResponse is the answer to GET /session.
type SessionResponse struct {
	Session       string              `json:"session"`
	App           string              `json:"app"`
	User          User                `json:"user"`
	Organizations []OrganizationState `json:"organizations"`
	ExpiresIn     int64               `json:"expires_in"`
	ServerTime    int64               `json:"server_time"`
	DeviceBound   bool                `json:"device_bound"`
	// Next is the value of ParamAfter for the organizations that follow; empty if there
	// are no more.
	Next string `json:"next,omitempty"`
	// Origins is that of TokenResponse.
	Origins *Origins `json:"origins,omitempty"`
	// Accounts are the people who are signed in in this browser, if several can be.
	Accounts []Account `json:"accounts,omitempty"`
}

// ParamAfter is the query parameter of PathSession for further organizations: the id of
// the one that they follow.
const ParamAfter = "after"

// OrganizationState is one of a person's organizations and the state that the person
// would find on entering it.
type OrganizationState struct {
	ID    string   `json:"id"`
	Slug  string   `json:"slug"`
	Name  string   `json:"name"`
	Roles []string `json:"roles"`
	State string   `json:"state"`
}

// States of OrganizationState.
const (
	StateActive         = "active"
	StateAvailable      = "available"
	StateStepUpRequired = "step_up_required"
	StateExpired        = "expired"
)

// HandoverRequest is the body of POST /handover, which starts to bring the person into
// another app.
type HandoverRequest struct{}

// HandoverResponse is the answer to POST /handover.
type HandoverResponse struct {
	// CodeChallenge is for the page's own server, which has a code made for this
	// browser. It must not be passed on.
	CodeChallenge string `json:"code_challenge"`
	ExpiresIn     int64  `json:"expires_in"`
	ServerTime    int64  `json:"server_time"`
}

// OriginRequest is the body of POST /handover/origin, which asks for a code that brings the
// browser's session to the origin of an organization.
type OriginRequest struct {
	// Organization is the id (org_…) or slug of the organization. If it is empty, the code
	// is for the app's own page.
	Organization string `json:"organization,omitempty"`
	// User is the id of the person that the tab expects.
	User string `json:"user,omitempty"`
}

// OriginResponse is the answer to POST /handover/origin.
type OriginResponse struct {
	// Origin is that of the organization's pages, and URL the app's first page there.
	Origin string `json:"origin"`
	URL    string `json:"url"`
	// Code is for the page there, which redeems it by POST /handover/join. It is empty if
	// that page has to sign in, because the session has no device key.
	Code       string `json:"code,omitempty"`
	ExpiresIn  int64  `json:"expires_in"`
	ServerTime int64  `json:"server_time"`
}

// JoinRequest is the body of POST /handover/join.
type JoinRequest struct {
	Code string `json:"code"`
}

// JoinResponse is the answer to POST /handover/join. The page's origin has a session then.
type JoinResponse struct {
	ServerTime int64 `json:"server_time"`
}

// LogoutRequest is the body of POST /logout.
type LogoutRequest struct {
	Scope        string `json:"scope"`
	Organization string `json:"organization,omitempty"`
	User         string `json:"user,omitempty"`
	// ReturnTo is where the provider sends the browser back to after its own sign-out, an
	// address of the app that is registered there; absent, the origin of the page.
	ReturnTo string `json:"return_to,omitempty"`
	// Proofs are proofs of the request by the device keys of the other people of the
	// browser, separated by spaces, for ScopeBrowser. A session whose key nothing proves only
	// loses its cookie.
	Proofs string `json:"proofs,omitempty"`
}

// Scopes of LogoutRequest.
const (
	ScopeOrganization = "organization"
	ScopeSession      = "session"    // of this person in this browser
	ScopeBrowser      = "browser"    // of everybody in this browser
	ScopeEverywhere   = "everywhere" // of this person in all browsers
)

// LogoutResponse is the answer to POST /logout.
type LogoutResponse struct {
	// EndSessionURL is where the provider's own session can be ended (OpenID Connect
	// RP-Initiated Logout 1.0). It is empty if the provider offers none.
	EndSessionURL string `json:"end_session_url,omitempty"`
	// Users are the ids of the people who were signed out, for ScopeBrowser.
	Users      []string `json:"users,omitempty"`
	ServerTime int64    `json:"server_time"`
}

// SessionsResponse is the answer to GET /sessions: the person's live sessions in all
// browsers, newest first.
type SessionsResponse struct {
	Sessions   []DeviceSession `json:"sessions"`
	ServerTime int64           `json:"server_time"`
}

// DeviceSession is one of a person's sessions, as shown in the list of devices.
type DeviceSession struct {
	ID string `json:"id"`
	// Current reports whether it is the session that sent the request.
	Current   bool   `json:"current"`
	App       string `json:"app"`
	UserAgent string `json:"user_agent"`
	// Address is the network address that the sign-in came from.
	Address     string `json:"address"`
	CreatedAt   int64  `json:"created_at"`
	LastUsedAt  int64  `json:"last_used_at"`
	ExpiresAt   int64  `json:"expires_at"`
	DeviceBound bool   `json:"device_bound"`
}

// Module is the answer to GET /client/module.json: the browser module of the
// same release as the backend. URLs are relative to module.json.
type Module struct {
	Version string `json:"version"`
	Wasm    Asset  `json:"wasm"`
	Exec    Asset  `json:"exec"`
}

// Asset is a file with a hashed, immutable address. Integrity is its SHA-256 in the
// form of Subresource Integrity.
type Asset struct {
	URL       string `json:"url"`
	Integrity string `json:"integrity"`
	Bytes     int64  `json:"bytes"`
}
