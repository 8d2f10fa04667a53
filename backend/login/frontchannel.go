package login

import (
	"errors"
	"net/url"

	"github.com/tabard-auth/tabard/backend/session"
)

// ErrNoFrontchannelLogout is the error of a provider that may not end sessions by a frame.
var ErrNoFrontchannelLogout = errors.New("login: front-channel logout is switched off")

// maxSID bounds the name of a provider's session, in bytes.
const maxSID = 255

// ReadFrontchannelLogout returns which session a provider ends by a frame in a browser
// (OpenID Connect Front-Channel Logout 1.0 section 2), and the origin that the frame is in.
// Nothing of the request is signed, so that it names one session, exactly: there is none
// for a whole person. The address is this provider's own, and some, such as Entra, name no
// issuer there; of several tenants it is then the session of one of them. The error is
// *Refused, or ErrNoFrontchannelLogout.
func (p *Provider) ReadFrontchannelLogout(query url.Values, now int64) (logouts []session.UpstreamLogout, framer string, err error) {
	issuers, sid := query["iss"], query["sid"]
	switch {
	case !p.config.FrontchannelLogout:
		return nil, "", ErrNoFrontchannelLogout
	case len(issuers) > 1 || len(issuers) == 1 && !p.isIssuer(issuers[0]):
		return nil, "", refused("front-channel logout: iss is not the provider's issuer")
	case len(sid) != 1 || sid[0] == "" || len(sid[0]) > maxSID:
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
