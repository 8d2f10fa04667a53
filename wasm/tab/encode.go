package tab

import (
	"strconv"

	"github.com/tabard-auth/tabard/backend/api"
)

// object writes a JSON object, member by member.
type object struct{ b []byte }

func newObject() *object { return &object{b: []byte{'{'}} }

func (o *object) end() string { return string(append(o.b, '}')) }

func (o *object) name(name string) {
	if len(o.b) > 1 {
		o.b = append(o.b, ',')
	}
	o.b = append(appendQuoted(o.b, name), ':')
}

func (o *object) text(name, value string) {
	o.name(name)
	o.b = appendQuoted(o.b, value)
}

func (o *object) number(name string, value int64) {
	o.name(name)
	o.b = strconv.AppendInt(o.b, value, 10)
}

func (o *object) flag(name string, value bool) {
	o.name(name)
	o.b = strconv.AppendBool(o.b, value)
}

// raw writes a member that is JSON already.
func (o *object) raw(name, json string) {
	o.name(name)
	o.b = append(o.b, json...)
}

func (o *object) texts(name string, values []string) {
	o.raw(name, array(len(values), func(i int) string { return string(appendQuoted(nil, values[i])) }))
}

// array writes a JSON array of n elements. It is not generic, because the module would
// contain it once for each type.
func array(n int, element func(i int) string) string {
	b := []byte{'['}
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, element(i)...)
	}
	return string(append(b, ']'))
}

// appendQuoted appends s as a JSON string (RFC 8259 section 7).
func appendQuoted(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// EncodeTokenRequest writes the body of POST /token.
func EncodeTokenRequest(r api.TokenRequest) string {
	o := newObject()
	if r.Organization != "" {
		o.text("organization", r.Organization)
	}
	if r.Enter {
		o.flag("enter", true)
	}
	if r.User != "" {
		o.text("user", r.User)
	}
	if r.IdleSeconds != nil {
		o.number("idle_seconds", *r.IdleSeconds)
	}
	return o.end()
}

// EncodeLoginRequest returns the body of POST /login. The previous release refuses the
// field.
func EncodeLoginRequest(r api.LoginRequest) string {
	o := newObject()
	if r.Email != "" {
		o.text("email", r.Email)
	}
	return o.end()
}

// EncodeOriginRequest writes the body of POST /handover/origin.
func EncodeOriginRequest(r api.OriginRequest) string {
	o := newObject()
	if r.Organization != "" {
		o.text("organization", r.Organization)
	}
	if r.User != "" {
		o.text("user", r.User)
	}
	return o.end()
}

// EncodeJoinRequest writes the body of POST /handover/join.
func EncodeJoinRequest(r api.JoinRequest) string {
	o := newObject()
	o.text("code", r.Code)
	return o.end()
}

// EncodeLogoutRequest writes the body of POST /logout.
func EncodeLogoutRequest(r api.LogoutRequest) string {
	o := newObject()
	o.text("scope", r.Scope)
	if r.Organization != "" {
		o.text("organization", r.Organization)
	}
	if r.User != "" {
		o.text("user", r.User)
	}
	if r.ReturnTo != "" { // the previous release refuses the field
		o.text("return_to", r.ReturnTo)
	}
	if r.Proofs != "" { // and this one
		o.text("proofs", r.Proofs)
	}
	return o.end()
}

// EncodeTokenResponse writes a token for the record, as the backend sent it.
func EncodeTokenResponse(r api.TokenResponse) string {
	o := newObject()
	o.text("access_token", r.AccessToken)
	o.text("token_type", r.TokenType)
	o.number("expires_in", r.ExpiresIn)
	o.number("server_time", r.ServerTime)
	o.raw("organization", encodeOrganization(r.Organization))
	o.texts("roles", r.Roles)
	o.texts("permissions", r.Permissions)
	o.raw("user", encodeUser(r.User))
	o.text("session", r.Session)
	o.number("session_expires_in", r.SessionExpiresIn)
	o.raw("organization_session", encodeOrganizationSession(r.OrganizationSession))
	o.flag("device_bound", r.DeviceBound)
	if r.Accounts != nil {
		o.texts("accounts", r.Accounts)
	}
	if r.Origins != nil {
		o.raw("origins", encodeOrigins(r.Origins))
	}
	return o.end()
}

func encodeOrigins(v *api.Origins) string {
	o := newObject()
	o.text("home", v.Home)
	o.text("pattern", v.Pattern)
	return o.end()
}

func encodeOrganization(v api.Organization) string {
	o := newObject()
	o.text("id", v.ID)
	o.text("slug", v.Slug)
	o.text("name", v.Name)
	return o.end()
}

func encodeUser(u api.User) string {
	o := newObject()
	o.text("id", u.ID)
	o.text("name", u.Name)
	o.text("email", u.Email)
	o.text("iss", u.Issuer)
	o.text("sub", u.Subject)
	return o.end()
}

func encodeOrganizationSession(s api.OrganizationSession) string {
	o := newObject()
	o.number("auth_time", s.AuthTime)
	o.number("expires_in", s.ExpiresIn)
	o.number("idle_expires_in", s.IdleExpiresIn)
	o.number("idle_timeout", s.IdleTimeout)
	o.flag("fresh_on_switch", s.FreshOnSwitch)
	return o.end()
}

// EncodeOrganizations writes the organizations of a session.
func EncodeOrganizations(organizations []api.OrganizationState) string {
	return array(len(organizations), func(i int) string { return encodeOrganizationState(organizations[i]) })
}

func encodeOrganizationState(s api.OrganizationState) string {
	o := newObject()
	o.text("id", s.ID)
	o.text("slug", s.Slug)
	o.text("name", s.Name)
	o.texts("roles", s.Roles)
	o.text("state", s.State)
	return o.end()
}

// EncodeAccounts writes the people who are signed in in the browser.
func EncodeAccounts(accounts []api.Account) string {
	return array(len(accounts), func(i int) string {
		o := newObject()
		o.text("id", accounts[i].ID)
		o.text("name", accounts[i].Name)
		return o.end()
	})
}

// EncodeSessions writes a person's sessions as the client shows them.
func EncodeSessions(sessions []api.DeviceSession) string {
	return array(len(sessions), func(i int) string { return encodeDeviceSession(sessions[i]) })
}

func encodeDeviceSession(s api.DeviceSession) string {
	o := newObject()
	o.text("id", s.ID)
	o.flag("current", s.Current)
	o.text("app", s.App)
	o.text("userAgent", s.UserAgent)
	o.text("address", s.Address)
	o.number("createdAt", s.CreatedAt)
	o.number("lastUsedAt", s.LastUsedAt)
	o.number("expiresAt", s.ExpiresAt)
	o.flag("deviceBound", s.DeviceBound)
	return o.end()
}

// base64url returns the unpadded encoding of RFC 4648 section 5.
func base64url(raw []byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	b := make([]byte, 0, (len(raw)*4+2)/3)
	bits, n := uint(0), 0
	for _, c := range raw {
		bits, n = bits<<8|uint(c), n+8
		for ; n >= 6; n -= 6 {
			b = append(b, alphabet[bits>>(n-6)&63])
		}
	}
	if n > 0 {
		b = append(b, alphabet[bits<<(6-n)&63])
	}
	return string(b)
}
