package authn

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// Where an app has an origin for each organization, the browser has a session for each
// origin whose pages it opened. All but its first one joined that, and end with it.

// Siblings returns the living sessions of the request's app that the browser has at
// other origins. Their cookies are authentic; the request does not prove their device keys.
func (c *Request) Siblings() ([]*liveSession, error) {
	all, err := cookieTokens(c)
	if err != nil || c.App.OriginPattern() == "" {
		return nil, err
	}
	var living []*liveSession
	own := cookieApp(c.App.ID, c.TenantOrigin)
	for _, t := range all {
		if app, _, _ := strings.Cut(t.app, "~"); app != c.App.ID || t.app == own {
			continue
		}
		s, err := c.Store.Session(c.Ctx, t.token.Session())
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			return nil, err
		}
		if _, forged := verify(c, t, s.Secret); err == nil && forged == nil && s.App == c.App.ID && s.Holder != session.AppServer && c.checkAlive(s) == nil {
			living = append(living, &liveSession{t, s})
		}
	}
	return living, nil
}

// notJoined replaces the refusal of a page that is not signed in, if the browser is signed
// in at another origin of the app: the page's origin can join that session.
func notJoined(c *Request, err error) error {
	if c.App.OriginPattern() == "" || !refusal.Is(err) || RefusalOf(err).Code.Action() != api.SignIn {
		return err
	}
	siblings, failed := c.Siblings()
	switch {
	case failed != nil:
		return failed
	case len(siblings) == 0:
		return err
	}
	r := refusal.New(api.OriginNotJoined, "You are signed in at another address of this app. Continue to sign in at this one as well.")
	r.LoginURL = c.Issuer + api.PathLogin + "?" + url.Values{
		api.ParamApp: {c.App.ID}, api.ParamJoin: {"1"}, api.ParamPrompt: {"none"},
	}.Encode()
	return r.WithCause(err)
}

// endOtherPersons ends the sessions that another user has in this browser at other origins
// of the app, at the first use of a new sign-in. One at an organization's own provider
// ends none: whoever runs that provider must not sign people out of other organizations.
func endOtherPersons(c *Request, s session.Session) error {
	first := s.Gen == 1 && s.CurLast == s.CreatedAt
	if !first || s.Holder == session.Joined || s.ConfinedTo != "" || c.ReadOnly() || c.App.OriginPattern() == "" {
		return nil
	}
	siblings, err := c.Siblings()
	if err != nil {
		return err
	}
	for _, other := range siblings {
		if other.UserID != s.UserID && other.CreatedAt <= s.CreatedAt {
			if err := supersede(c, other.cookieToken, other.Session); err != nil {
				return err
			}
		}
	}
	return nil
}

// EndSiblings ends the sessions of the user of s in this browser at other origins of the
// app. The caller has authenticated s with its device key.
func (c *Request) EndSiblings(s session.Session) error {
	siblings, err := c.Siblings()
	if err != nil {
		return err
	}
	for _, other := range siblings {
		if other.UserID != s.UserID {
			continue
		}
		if err := c.Store.Revoke(c.Ctx, other.SignInID(), session.ReasonSignedOut, c.Now); err != nil {
			return err
		}
		clearToken(c, other.cookieToken)
	}
	return nil
}

// Sibling returns the living session with an id that the browser has at another origin of
// the app, or session.ErrNotFound.
func (c *Request) Sibling(id session.ID) (session.Session, error) {
	siblings, err := c.Siblings()
	if err != nil {
		return session.Session{}, err
	}
	i := slices.IndexFunc(siblings, func(l *liveSession) bool { return l.ID == id })
	if i < 0 {
		return session.Session{}, session.ErrNotFound
	}
	return siblings[i].Session, nil
}

// Further returns the other sign-ins of the person of s in this browser: those at other
// origins of the app, and those that the mark in the request spared reading. The caller has
// authenticated s with its device key. A session of this origin whose key the request does
// not prove is not among them: its cookie may be copied.
func (c *Request) Further(s session.Session) (further []session.Session, err error) {
	all, err := c.Siblings()
	if err == nil && c.account.byMark {
		var here []*liveSession
		here, err = c.held()
		all = append(all, here...)
	}
	for _, other := range all {
		if other.UserID != s.UserID || other.SignInID() == s.SignInID() || other.coexists(&liveSession{Session: s}) {
			continue
		}
		own, err := provesDevice(c, other.Session)
		if err != nil {
			return nil, err
		}
		if own || other.Origin != c.TenantOrigin {
			further = append(further, other.Session)
		}
	}
	return further, err
}
