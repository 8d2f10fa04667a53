// Package api is the browser's contract as Go types: paths, headers, bodies and
// error codes. The server and the browser module share it; it imports nothing.
//
// Times that a client counts down are relative to the answer (…_in, seconds), so
// that no client clock is ever trusted; absolute times are Unix seconds of the
// server's clock.
package api

// Paths below the backend's base URL, which is also the issuer.
const (
	PathLogin               = "/login"
	PathCallback            = "/callback"
	PathToken               = "/token"
	PathSession             = "/session"
	PathSessions            = "/sessions"
	PathLogout              = "/logout"
	PathHandover            = "/handover"
	PathHandoverCode        = "/handover/code"
	PathBackchannelLogout   = "/backchannel-logout"
	PathFrontchannelLogout  = "/frontchannel-logout"
	PathOpenIDConfiguration = "/.well-known/openid-configuration"
	PathAuthorizationServer = "/.well-known/oauth-authorization-server"
	PathKeySet              = "/.well-known/jwks.json"
	// PathClientKeySet has the key by which the backend is a client of OpenID providers.
	PathClientKeySet = "/.well-known/client-jwks.json"
	// PathIssuers precedes the id of an organisation that is an issuer of its own, with
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
	// HeaderTime carries the server's time (Unix seconds) as the client knows
	// it when it sends; the server refuses requests older than it tolerates
	// (request_too_old). Absent while the client has not learnt it.
	HeaderTime = "Tabard-Time"
	// HeaderProof carries the device key's proof (RFC 9449 section 4).
	HeaderProof = "DPoP"
	// HeaderNonce carries the nonce for the next proof (RFC 9449 section 8).
	HeaderNonce = "DPoP-Nonce"
)

// Query parameters of PathLogin, and ParamError, which PathCallback adds to
// return_to when a sign-in ended without a session.
const (
	ParamApp          = "app"
	ParamOrganization = "organization"
	ParamReturnTo     = "return_to"
	ParamMaxAge       = "max_age"
	ParamACRValues    = "acr_values"
	ParamLoginHint    = "login_hint"
	ParamPrompt       = "prompt"
	// ParamJKT names the device key of a page whose backend, of the release before, does
	// not answer POST.
	ParamJKT  = "dpop_jkt"
	ParamUser = "user"
	// ParamFollowed marks a sign-in that somebody else's link began, and a person went on
	// with. It chooses no organisation.
	ParamFollowed = "followed"
	ParamError    = "tabard_error"
)

// LoginResponse is the answer to POST /login, whose parameters are those of GET /login.
type LoginResponse struct {
	// Location is where the page goes on: at the OpenID provider, or back in the app.
	Location   string `json:"location"`
	ServerTime int64  `json:"server_time"`
}

// TokenRequest is the body of POST /token.
type TokenRequest struct {
	// Organization is the id (org_…) or slug to mint for. Empty only where the
	// person has exactly one.
	Organization string `json:"organization,omitempty"`
	// Enter is true when a person chose the organisation: first entry or
	// switch. A renewal leaves it false and revives nothing that ended.
	Enter bool `json:"enter,omitempty"`
	// User is the person's id that the tab expects; another one signed in
	// meanwhile is identity_changed.
	User string `json:"user,omitempty"`
	// IdleSeconds is the time since the person's last input in the
	// organisation; nil reports nothing.
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
	// Session is the session's public id (sid). It is no credential.
	Session string `json:"session"`
	// SessionExpiresIn counts to the session's absolute end.
	SessionExpiresIn    int64               `json:"session_expires_in"`
	OrganizationSession OrganizationSession `json:"organization_session"`
	// DeviceBound tells whether the session is bound to the device key.
	DeviceBound bool `json:"device_bound"`
}

// Token types of TokenResponse (RFC 6750, RFC 9449 section 5).
const (
	TokenTypeBearer = "Bearer"
	TokenTypeDPoP   = "DPoP"
)

// Organization names a tenant. Tabs and rows bind by ID.
type Organization struct {
	ID   string `json:"id"`
	Slug string `json:"slug"`
	Name string `json:"name"`
}

// User is the person who signed in. Issuer and Subject are who they are to the
// OpenID provider; the pair is the person's key, the e-mail address never is. Of a
// person who came by an organisation's own provider, Issuer is its connection's id.
type User struct {
	ID      string `json:"id"`
	Name    string `json:"name,omitempty"`
	Email   string `json:"email,omitempty"`
	Issuer  string `json:"iss"`
	Subject string `json:"sub"`
}

// OrganizationSession tells how the session stands in one organisation.
// A deadline of 0 means that there is none but the session's own.
type OrganizationSession struct {
	// AuthTime is 0 where the provider does not say when the person authenticated.
	AuthTime  int64 `json:"auth_time"`
	ExpiresIn int64 `json:"expires_in,omitempty"`
	// IdleExpiresIn counts to the end of the organisation session unless the
	// person is seen active before; IdleTimeout is the whole limit.
	IdleExpiresIn int64 `json:"idle_expires_in,omitempty"`
	IdleTimeout   int64 `json:"idle_timeout,omitempty"`
	// FreshOnSwitch forbids switching back on a token kept from before.
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
}

// OrganizationState is one organisation of a person, with the state that they
// would meet on entering it.
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

// HandoverRequest is the body of POST /handover, with which a page begins to bring the
// person into another app.
type HandoverRequest struct{}

// HandoverResponse is the answer to POST /handover.
type HandoverResponse struct {
	// CodeChallenge is for the page's own server, to have a code made for this browser.
	// Nobody else is to know it.
	CodeChallenge string `json:"code_challenge"`
	ExpiresIn     int64  `json:"expires_in"`
	ServerTime    int64  `json:"server_time"`
}

// LogoutRequest is the body of POST /logout.
type LogoutRequest struct {
	Scope        string `json:"scope"`
	Organization string `json:"organization,omitempty"`
	User         string `json:"user,omitempty"`
	// ReturnTo is where the provider sends the browser back to after its own sign-out, an
	// address of the app that is registered there; absent, the origin of the page.
	ReturnTo string `json:"return_to,omitempty"`
}

// Scopes of LogoutRequest.
const (
	ScopeOrganization = "organization"
	ScopeSession      = "session"
	ScopeEverywhere   = "everywhere"
)

// LogoutResponse is the answer to POST /logout.
type LogoutResponse struct {
	// EndSessionURL is where the provider's own session can be ended
	// (OpenID Connect RP-Initiated Logout 1.0); empty where it offers none.
	EndSessionURL string `json:"end_session_url,omitempty"`
	ServerTime    int64  `json:"server_time"`
}

// SessionsResponse is the answer to GET /sessions: the person's live sessions in
// all browsers, the newest first.
type SessionsResponse struct {
	Sessions   []DeviceSession `json:"sessions"`
	ServerTime int64           `json:"server_time"`
}

// DeviceSession is one of a person's sessions, as they see it among their devices.
type DeviceSession struct {
	ID string `json:"id"`
	// Current tells that it is the session that asks.
	Current   bool   `json:"current"`
	App       string `json:"app"`
	UserAgent string `json:"user_agent"`
	// Address is where the sign-in came from.
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

// Asset is a file with a hashed, immutable address. Integrity is its SHA-256, as
// Subresource Integrity writes it.
type Asset struct {
	URL       string `json:"url"`
	Integrity string `json:"integrity"`
	Bytes     int64  `json:"bytes"`
}
