package signin

import (
	"cmp"
	"errors"

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
// have. Step-ups of one session that come back together share the new one.
func (f *Flow) replaceSession(c *authn.Request, attempt login.Attempt, i login.Identity, subject directory.Subject, old session.Session, own *directory.Connection) (directory.Subject, error) {
	s := old
	s.Secret, s.CreatedAt = session.NewSecret(), c.Now
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
	for {
		begun, err := f.beginReplacement(c, attempt, i, s, made, old, own, token)
		if subject.Session = begun; !errors.Is(err, session.ErrIDTaken) {
			return subject, err
		}
	}
}

// beginReplacement stores the session s in place of an old one, unless the callback lands
// on one. It returns session.ErrIDTaken if another callback was faster.
func (f *Flow) beginReplacement(c *authn.Request, attempt login.Attempt, i login.Identity, s session.Session, made policy.Authentication, old session.Session, own *directory.Connection, token string) (session.Session, error) {
	on, lands, err := f.place(c, attempt, &s, made, true)
	if err != nil {
		return s, err
	}
	if lands {
		return on, f.landOn(c, attempt, i, own, on)
	}
	var first session.Token
	first, s.Row = session.First(s.ID, session.NewTokenID(), c.Now)
	s.UpstreamToken = f.Upstream.Seal([]byte(token), s.ID.String())
	due, err := f.keepProviderToken(c, s, attempt.Connection, own, i)
	if err != nil {
		return s, err
	}
	if s.Parent == (session.ID{}) { // the old session's tokens come with its end
		s.RevalidateAt = due
	}
	if err := c.Store.Create(c.Ctx, s); err != nil {
		return s, err
	}
	c.Record.Session = s.ID.String()
	if old.RevokedAt == 0 {
		if err := c.Store.Follow(c.Ctx, s.ID); err != nil {
			return s, err
		}
	}
	return s, c.SetFirstToken(s, first)
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
