package signin

import (
	"errors"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/session"
)

// join makes a new session one that joins the browser's first session of the same person,
// if that is alive at another origin of the app. Only a sign-in at the workspace's
// provider joins, so that no tenant's provider can, and only sessions with device keys.
// Joining links and provisions nobody else, and does not extend the first session.
func (f *Flow) join(c *authn.Request, s *session.Session, own *directory.Connection) error {
	if own != nil || s.JKT == "" || s.Browser == "" || c.App.OriginPattern() == "" {
		return nil
	}
	all, err := c.Store.OfBrowser(c.Ctx, s.Browser, c.Now, maxBrowserSessions)
	if err != nil {
		return err
	}
	for _, first := range all {
		if joinable(c, first, s) {
			s.Holder, s.Parent, s.ConfinedTo = session.Joined, first.ID, c.Only
			s.ExpiresAt = min(s.ExpiresAt, first.ExpiresAt)
			return f.moveUpstream(c, s, first)
		}
	}
	return nil
}

// joinable reports whether a session of the browser is one that s joins.
func joinable(c *authn.Request, first session.Session, s *session.Session) bool {
	return first.App == s.App && first.UserID == s.UserID && first.Holder == session.Browser && first.Parent == session.ID{} &&
		first.ConfinedTo == "" && first.JKT != "" && first.Origin != s.Origin && c.CheckLive(first) == nil && c.CheckIdle(first) == nil
}

// checkSilent refuses a sign-in that asked nobody, if it would replace another person whom
// the browser knows at another origin of the app. The cookies of that session need not have
// come when the attempt began.
func checkSilent(c *authn.Request, attempt login.Attempt, i login.Identity, own *directory.Connection) error {
	browser, known := c.Browser()
	if own != nil || attempt.Prompt != "none" || c.App.OriginPattern() == "" || !known {
		return nil
	}
	user, err := knownUser(c, i, own)
	if err != nil && !errors.Is(err, directory.ErrNoUser) {
		return err
	}
	all, err := c.Store.OfBrowser(c.Ctx, browser.Fingerprint(), c.Now, maxBrowserSessions)
	if err != nil {
		return err
	}
	s := session.Session{App: c.App.ID, Origin: c.TenantOrigin}
	for _, first := range all {
		if s.UserID = first.UserID; first.UserID != user.ID && joinable(c, first, &s) {
			return refusedWith(api.AccountMismatch)
		}
	}
	return nil
}

// moveUpstream stores the provider's session of s with the first session, so that the
// provider's logout ends all that joined it.
func (f *Flow) moveUpstream(c *authn.Request, s *session.Session, first session.Session) error {
	token, err := f.Upstream.Open(s.UpstreamToken, s.ID.String())
	if err != nil {
		return err
	}
	i := login.Identity{SessionID: s.UpstreamSID, Token: string(token)}
	s.UpstreamSID, s.UpstreamToken = "", ""
	return f.updateUpstream(c, login.Attempt{Connection: first.SignIn.Connection}, i, first)
}
