package login

import (
	"errors"
	"net/url"
	"slices"

	"github.com/tabard-auth/tabard/backend/session"
)

// ErrNoFrontchannelLogout is the error for a provider that is not allowed to use
// front-channel logout.
var ErrNoFrontchannelLogout = errors.New("login: front-channel logout is switched off")

// maxSID is the maximum length of a sid, in bytes.
const maxSID = 255

// ReadFrontchannelLogout returns the session that a front-channel logout ends (OpenID
// Connect Front-Channel Logout 1.0 section 2), and the origin that may frame the
// answer. The request is not signed, so that it must name exactly one session; it
// cannot end all sessions of a person. Some providers, such as Entra, send no iss. With
// several tenants, the session then belongs to one of them. The error is *Refused or
// ErrNoFrontchannelLogout.
func (p *Provider) ReadFrontchannelLogout(query url.Values, now int64) (logouts []session.UpstreamLogout, framer string, err error) {
	issuers, sid := query["iss"], slices.Compact(query["sid"])
	switch {
	case !p.config.FrontchannelLogout:
		return nil, "", ErrNoFrontchannelLogout
	case len(issuers) > 1 || len(issuers) == 1 && !p.IsIssuer(issuers[0]):
		return nil, "", refused("front-channel logout: iss is not the provider's issuer")
	case len(sid) != 1 || sid[0] == "" || len(sid[0]) > maxSID || !Unambiguous(sid[0]):
		return nil, "", refused("front-channel logout: no sid; register frontchannel_logout_session_required")
	}
	if len(issuers) == 0 {
		issuers = p.issuers()
	}
	for _, issuer := range issuers {
		logouts = append(logouts, session.UpstreamLogout{Issuer: issuer, SessionID: sid[0], Until: now})
	}
	u, err := url.Parse(p.config.Issuer)
	if err != nil {
		return nil, "", refused("front-channel logout: %w", err)
	}
	return logouts, u.Scheme + "://" + u.Host, nil
}
