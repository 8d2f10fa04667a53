package api

// Error is the body of every refused request. Code is stable. Description is for people
// and may change.
type Error struct {
	Code        Code   `json:"error"`
	Description string `json:"error_description"`
	ServerTime  int64  `json:"server_time,omitempty"`
	// RetryAfter is the least time to wait before the next attempt, in seconds.
	RetryAfter int64 `json:"retry_after,omitempty"`
	// LoginURL satisfies the refusal when navigated to: a sign-in, or the step-up that
	// the organization requires.
	LoginURL string `json:"login_url,omitempty"`
	// ACRValues and MaxAge are the step-up challenge (RFC 9470 section 3).
	ACRValues string `json:"acr_values,omitempty"`
	MaxAge    *int64 `json:"max_age,omitempty"`
	// Reason is why the organization session ended, if one did: idle, expired,
	// signed_out, superseded, revoked, provider_refused or removed. With device_key_required it is
	// ReasonPolicy if the organization requires a session with a key; if it is empty,
	// the session has a key and the request does not prove it. With
	// workspace_access_denied it is the code of the missing condition. With
	// session_revoked it is ReasonSessionLimit if a sign-in elsewhere ended the session, and
	// provider_refused if the identity provider no longer knows the person.
	Reason string `json:"reason,omitempty"`
	// SignedIn is false if no person is signed in. It is nil in answers to requests
	// without [QuietRefusals], and if it is unknown.
	SignedIn *bool `json:"signed_in,omitempty"`
	// Session says who is signed in and which organizations there are to choose from. It
	// is set with organization_required, and with a denial that is no answer to a switch,
	// in answers to requests with [QuietRefusals], so that a page that offers the choice
	// need not ask again.
	Session *SessionResponse `json:"session,omitempty"`
	// Accounts are the people who are signed in in this browser, with account_required and
	// account_limit_reached.
	Accounts []Account `json:"accounts,omitempty"`
}

const (
	// ReasonPolicy is the Error.Reason of a refusal that an organization's rules cause.
	ReasonPolicy = "policy"
	// ReasonSessionLimit is the Error.Reason of session_revoked if the person signed in
	// in another browser, beyond the workspace's limit.
	ReasonSessionLimit = "session_limit"
	// ReasonPublicURL is the Error.Reason of invalid_dpop_proof if the proof is for the
	// request at another scheme, host or port: a proxy changes them, or the backend's
	// public URL is wrong.
	ReasonPublicURL = "public_url"
)

// Code is a stable error code.
type Code string

// The codes of the contract.
const (
	InvalidRequest           Code = "invalid_request"
	OrganizationRequired     Code = "organization_required"
	OrganizationAccessDenied Code = "organization_access_denied"
	LoginRequired            Code = "login_required"
	// AccountRequired asks whom the request is for: several people are signed in.
	AccountRequired Code = "account_required"
	// AccountMismatch is the result of a sign-in (ParamError) from which somebody else came
	// back than the person it was for. It has changed nothing.
	AccountMismatch Code = "account_mismatch"
	// AccountLimitReached refuses to add a person to as many as can be signed in.
	AccountLimitReached            Code = "account_limit_reached"
	SessionExpired                 Code = "session_expired"
	SessionRevoked                 Code = "session_revoked"
	RefreshTokenReused             Code = "refresh_token_reused"
	OrganizationSessionExpired     Code = "organization_session_expired"
	InsufficientUserAuthentication Code = "insufficient_user_authentication"
	OriginNotAllowed               Code = "origin_not_allowed"
	// OriginNotJoined refuses a page whose origin has no session of its own yet, in a
	// browser that is signed in at another origin of the app.
	OriginNotJoined   Code = "origin_not_joined"
	IdentityChanged   Code = "identity_changed"
	DeviceKeyRequired Code = "device_key_required"
	DeviceKeyMismatch Code = "device_key_mismatch" // a valid proof, by another key
	InvalidDPoPProof  Code = "invalid_dpop_proof"  // RFC 9449 section 5
	UseDPoPNonce      Code = "use_dpop_nonce"      // RFC 9449 section 8
	RequestTooOld     Code = "request_too_old"
	NotFound          Code = "not_found"
	AdminKeyRequired  Code = "admin_key_required"
	AdminAccessDenied Code = "admin_access_denied" // the key's scope is too narrow
	EventsKeyRequired Code = "events_key_required"
	// InvalidToken refuses a request for Global Token Revocation that the provider did not
	// sign for its address (RFC 6750 section 3.1).
	InvalidToken Code = "invalid_token"
	// Of the workspace's sessions across apps. The reason of WorkspaceAccessDenied is
	// one of these codes, or why the token was refused.
	WorkspaceAPIKeyRequired Code = "workspace_api_key_required"
	WorkspaceAccessDenied   Code = "workspace_access_denied"
	AppNotInWorkspace       Code = "app_not_in_workspace"
	AlreadyExists           Code = "already_exists"
	ManagedByFile           Code = "managed_by_file" // the workspace file would undo the change
	Conflict                Code = "conflict"        // changed by another request meanwhile
	// AuthTimeMissing is the result of a step-up (ParamError) if a rule needs the time
	// of authentication and the provider does not send it, or not in seconds. Another attempt is of no use
	// until the provider does.
	AuthTimeMissing Code = "auth_time_missing"
	// AuthenticationNotRenewed is the result of a step-up (ParamError) if the provider
	// answered with an authentication that is older than what was asked for: it did not
	// ask the person again.
	AuthenticationNotRenewed Code = "authentication_not_renewed"
	// AccessDenied is the result of a sign-in (ParamError) that the person or the provider
	// broke off (RFC 6749 section 4.1.2.1).
	AccessDenied Code = "access_denied"
	// SessionLimitReached refuses a sign-in in one browser more than the workspace allows.
	SessionLimitReached Code = "session_limit_reached"
	// InsufficientPermissions refuses a lent token with more than the person may do.
	InsufficientPermissions Code = "insufficient_permissions"
	StaffForbidden          Code = "staff_access_forbidden" // by the organization or the workspace
	RateLimited             Code = "rate_limited"
	TemporarilyUnavailable  Code = "temporarily_unavailable"
	ServerError             Code = "server_error"
)

// IsFinding reports whether a code says where the person stands, rather than that a
// request was wrong or has failed.
func (c Code) IsFinding() bool {
	switch c {
	case DeviceKeyRequired, DeviceKeyMismatch:
		return false
	case OrganizationRequired, OrganizationAccessDenied, IdentityChanged, AccountRequired:
		return true
	}
	return c.Action() == SignIn || c.Action() == StepUp
}

// Action is how a client responds to a code.
type Action string

// The actions. A client stops on a code that it does not know: it reports the error and
// ends no session.
const (
	Retry  Action = "retry"
	SignIn Action = "sign_in"
	StepUp Action = "step_up"
	Choose Action = "choose" // an account
	Stop   Action = "stop"
)

// Action returns the client's response to the code.
func (c Code) Action() Action {
	switch c {
	case LoginRequired, SessionExpired, SessionRevoked, RefreshTokenReused, DeviceKeyRequired, DeviceKeyMismatch:
		return SignIn
	case InsufficientUserAuthentication, OrganizationSessionExpired, OriginNotJoined:
		return StepUp
	case AccountRequired:
		return Choose
	case RequestTooOld, UseDPoPNonce, InvalidDPoPProof, RateLimited, TemporarilyUnavailable, ServerError, AccessDenied:
		return Retry
	}
	return Stop
}
