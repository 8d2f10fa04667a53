package signin

import (
	"cmp"

	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

// replaceSession starts a new session for a step-up of a session without a device key,
// so that a copied cookie does not gain the new authentication. The old session
// continues until the new cookie is first used, and then hands over its organization
// sessions (authn.Request.Authenticate). The new session ends when the old one would
// have.
func (f *Flow) replaceSession(c *authn.Request, attempt login.Attempt, i login.Identity, subject directory.Subject, old session.Session, own *directory.Connection) (directory.Subject, error) {
	s := old
	first, row := session.First(session.NewID(), session.NewTokenID(), c.Now)
	s.ID, s.Row, s.Secret, s.CreatedAt = first.Session, row, session.NewSecret(), c.Now
	s.Attempt, s.Replaces, s.ReplacedBy, s.BoundAt = attempt.ID, old.ID, session.ID{}, 0
	s.Added = s.Added || c.App.Accounts == directory.SeveralAccounts
	s.UserAgent, s.Address = authn.Clip(c.R.UserAgent()), authn.Clip(c.R.RemoteAddr)
	if browser, ok := c.Browser(); ok {
		s.Browser = browser.Fingerprint()
	}
	made := policy.Authentication{Time: i.AuthTime, ACR: i.ACR, AMR: i.AMR, Connection: attempt.Connection}
	if old.RevokedAt != 0 { // by another step-up: its cookie alone must not inherit that authentication
		s.SignIn = made
	}
	token := i.Token
	if made.Connection == old.SignIn.Connection {
		s.JKT, s.UpstreamSID = attempt.JKT, cmp.Or(i.SessionID, old.UpstreamSID)
	} else if kept, err := f.Upstream.Open(old.UpstreamToken, old.ID.String()); err == nil {
		token = string(kept)
	} else {
		token = ""
	}
	s.UpstreamToken = f.Upstream.Seal([]byte(token), s.ID.String())
	due, err := f.keepProviderToken(c, s, attempt.Connection, own, i)
	if err != nil {
		return subject, err
	}
	if s.Parent == (session.ID{}) { // the old session's tokens come with its end
		s.RevalidateAt = due
	}
	if err := c.Store.Create(c.Ctx, s); err != nil {
		return subject, err
	}
	c.Record.Session = s.ID.String()
	if old.RevokedAt == 0 {
		if err := c.Store.Follow(c.Ctx, s.ID); err != nil {
			return subject, err
		}
	}
	subject.Session = s
	return subject, c.SetFirstToken(s, first)
}

// updateUpstream stores the provider's session of a step-up at the provider of the
// sign-in. It may be a new one, and then the provider's logout names it, not the one of
// the sign-in.
func (f *Flow) updateUpstream(c *authn.Request, attempt login.Attempt, i login.Identity, s session.Session) error {
	if attempt.Connection != s.SignIn.Connection {
		return nil
	}
	of := s.SignInID()
	return c.Store.SetUpstream(c.Ctx, of, cmp.Or(i.SessionID, s.UpstreamSID), f.Upstream.Seal([]byte(i.Token), of.String()))
}
