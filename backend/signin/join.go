package signin

import (
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
