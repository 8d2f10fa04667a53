package tab

import "github.com/tabard-auth/tabard/backend/api"

// The decoders of the contract's responses. A member that is absent or of another type
// is read as zero; the caller checks the members that it needs.

func text(v Value, name string) string {
	if m := member(v, name); m != nil {
		return m.Text()
	}
	return ""
}

// The largest numbers of the contract, in seconds, and of the record, in milliseconds:
// more than a century, and within a [time.Duration].
const maxSeconds, maxMillis = 1 << 32, 1 << 42

// number reads a whole number of the contract.
func number(v Value, name string) int64 { return boundedNumber(v, name, maxSeconds) }

// boundedNumber reads a whole number; one beyond the limit is zero.
func boundedNumber(v Value, name string, limit float64) int64 {
	m := member(v, name)
	if m == nil {
		return 0
	}
	n := m.Number()
	if !(n >= -limit && n <= limit) { // NaN too
		return 0
	}
	return int64(n)
}

func flag(v Value, name string) bool {
	m := member(v, name)
	return m != nil && m.Bool()
}

// list reads an array; nil if there is none.
func list[T any](v Value, name string, element func(Value) T) []T {
	m := member(v, name)
	if m == nil {
		return nil
	}
	elements := m.Elements()
	values := make([]T, 0, len(elements))
	for _, e := range elements {
		if e != nil {
			values = append(values, element(e))
		}
	}
	return values
}

func texts(v Value, name string) []string { return list(v, name, Value.Text) }

// member is Member for a value that may be nil.
func member(v Value, name string) Value {
	if v == nil {
		return nil
	}
	return v.Member(name)
}

// DecodeTokenResponse reads the answer to POST /token.
func DecodeTokenResponse(v Value) api.TokenResponse {
	return api.TokenResponse{
		AccessToken:         text(v, "access_token"),
		TokenType:           text(v, "token_type"),
		ExpiresIn:           number(v, "expires_in"),
		ServerTime:          number(v, "server_time"),
		Organization:        decodeOrganization(member(v, "organization")),
		Roles:               texts(v, "roles"),
		Permissions:         texts(v, "permissions"),
		User:                decodeUser(member(v, "user")),
		Session:             text(v, "session"),
		SessionExpiresIn:    number(v, "session_expires_in"),
		OrganizationSession: decodeOrganizationSession(member(v, "organization_session")),
		DeviceBound:         flag(v, "device_bound"),
		Accounts:            texts(v, "accounts"),
		Origins:             decodeOrigins(member(v, "origins")),
	}
}

func decodeOrigins(v Value) *api.Origins {
	if v == nil {
		return nil
	}
	return &api.Origins{Home: text(v, "home"), Pattern: text(v, "pattern")}
}

// DecodeOriginResponse reads the answer to POST /handover/origin.
func DecodeOriginResponse(v Value) api.OriginResponse {
	return api.OriginResponse{
		Origin: text(v, "origin"), URL: text(v, "url"), Code: text(v, "code"),
		ExpiresIn: number(v, "expires_in"), ServerTime: number(v, "server_time"),
	}
}

// DecodeLoginResponse reads the answer to POST /login.
func DecodeLoginResponse(v Value) api.LoginResponse {
	return api.LoginResponse{Location: text(v, "location"), ServerTime: number(v, "server_time")}
}

// DecodeSessionResponse reads the answer to GET /session.
func DecodeSessionResponse(v Value) api.SessionResponse {
	return api.SessionResponse{
		Session:       text(v, "session"),
		App:           text(v, "app"),
		User:          decodeUser(member(v, "user")),
		Organizations: list(v, "organizations", decodeOrganizationState),
		ExpiresIn:     number(v, "expires_in"),
		ServerTime:    number(v, "server_time"),
		DeviceBound:   flag(v, "device_bound"),
		Next:          text(v, "next"),
		Accounts:      list(v, "accounts", decodeAccount),
		Origins:       decodeOrigins(member(v, "origins")),
	}
}

// DecodeLogoutResponse reads the answer to POST /logout.
func DecodeLogoutResponse(v Value) api.LogoutResponse {
	return api.LogoutResponse{
		EndSessionURL: text(v, "end_session_url"),
		Users:         texts(v, "users"),
		ServerTime:    number(v, "server_time"),
	}
}

// DecodeSessionsResponse reads the answer to GET /sessions.
func DecodeSessionsResponse(v Value) api.SessionsResponse {
	return api.SessionsResponse{
		Sessions:   list(v, "sessions", decodeDeviceSession),
		ServerTime: number(v, "server_time"),
	}
}

func decodeDeviceSession(v Value) api.DeviceSession {
	return api.DeviceSession{
		ID:          text(v, "id"),
		Current:     flag(v, "current"),
		App:         text(v, "app"),
		UserAgent:   text(v, "user_agent"),
		Address:     text(v, "address"),
		CreatedAt:   number(v, "created_at"),
		LastUsedAt:  number(v, "last_used_at"),
		ExpiresAt:   number(v, "expires_at"),
		DeviceBound: flag(v, "device_bound"),
	}
}

// DecodeError reads the body of a refused request.
func DecodeError(v Value) api.Error {
	e := api.Error{
		Code:        api.Code(text(v, "error")),
		Description: text(v, "error_description"),
		ServerTime:  number(v, "server_time"),
		RetryAfter:  number(v, "retry_after"),
		LoginURL:    text(v, "login_url"),
		Reason:      text(v, "reason"),
		ACRValues:   text(v, "acr_values"),
		Accounts:    list(v, "accounts", decodeAccount),
	}
	if member(v, "max_age") != nil {
		age := number(v, "max_age")
		e.MaxAge = &age
	}
	if member(v, "signed_in") != nil {
		signedIn := flag(v, "signed_in")
		e.SignedIn = &signedIn
	}
	if s := member(v, "session"); s != nil {
		session := DecodeSessionResponse(s)
		e.Session = &session
	}
	return e
}

func decodeOrganization(v Value) api.Organization {
	return api.Organization{ID: text(v, "id"), Slug: text(v, "slug"), Name: text(v, "name")}
}

func decodeAccount(v Value) api.Account {
	return api.Account{ID: text(v, "id"), Name: text(v, "name")}
}

func decodeUser(v Value) api.User {
	return api.User{
		ID:      text(v, "id"),
		Name:    text(v, "name"),
		Email:   text(v, "email"),
		Issuer:  text(v, "iss"),
		Subject: text(v, "sub"),
	}
}

func decodeOrganizationSession(v Value) api.OrganizationSession {
	return api.OrganizationSession{
		AuthTime:      number(v, "auth_time"),
		ExpiresIn:     number(v, "expires_in"),
		IdleExpiresIn: number(v, "idle_expires_in"),
		IdleTimeout:   number(v, "idle_timeout"),
		FreshOnSwitch: flag(v, "fresh_on_switch"),
	}
}

func decodeOrganizationState(v Value) api.OrganizationState {
	return api.OrganizationState{
		ID:    text(v, "id"),
		Slug:  text(v, "slug"),
		Name:  text(v, "name"),
		Roles: texts(v, "roles"),
		State: text(v, "state"),
	}
}
