package signin

import (
	"errors"
	"net/url"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// prepareStepUp makes an attempt a step-up of the user's live session, if there is one.
// The session's cookie comes with this request but not with the callback, so that the
// sealed attempt names the session. A session with a device key requires the key's
// proof here. Otherwise the holder of a copied cookie could step it up and link their
// identity with its user.
func prepareStepUp(c *authn.Request, attempt *login.Attempt, user string) error {
	if user == "" {
		return nil
	}
	tokens, err := c.RefreshTokens()
	if err != nil {
		return err
	}
	several := c.App.Accounts == directory.SeveralAccounts
	var newest session.Session
	for _, t := range tokens {
		s, err := c.Authentic(t)
		if err != nil && !refusal.Is(err) {
			return err
		}
		if several && s.UserID != user {
			continue
		}
		if err == nil && (s.ConfinedTo == attempt.Organization || newest.ConfinedTo != attempt.Organization && s.CreatedAt >= newest.CreatedAt) {
			newest = s
		}
	}
	switch newest.UserID {
	case user:
	case "": // no longer signed in
		if several {
			return setAccount(c, attempt, user)
		}
		return nil
	default:
		return refusedWith(api.IdentityChanged)
	}
	boundAtSignIn := newest.JKT != "" && newest.BoundAt == 0 // bound at the sign-in, not by a later request
	if newest, err = c.CheckDevice(newest); err != nil {
		return proofError(c, err)
	}
	attempt.Session, attempt.Proven = newest.ID.String(), boundAtSignIn
	return nil
}

// proofError returns the error of a missing proof. For a navigation by a client of the
// previous release, which cannot send a proof, the browser returns to the app, which
// then loads the current client.
func proofError(c *authn.Request, err error) error {
	if c.ReadOnly() && refusal.Is(err) {
		return &login.Refused{Code: string(api.InvalidDPoPProof), Err: err}
	}
	return err
}

// finish redeems the provider's answer. It creates a session, or completes the step-up
// that the attempt names.
func (f *Flow) finish(c *authn.Request, attempt login.Attempt, query url.Values) error {
	provider, own, err := f.ProviderFor(c, attempt)
	if err != nil {
		return err
	}
	identity, err := provider.Identify(c.Ctx, attempt, query, c.Now)
	if err == nil {
		err = f.memberships(c).AddUserInfo(c.Ctx, provider, own, &identity)
	}
	if err != nil {
		return err
	}
	if attempt.Session != "" {
		return f.finishStepUp(c, attempt, identity, own)
	}
	if err := checkAccount(c, attempt, identity, own); err != nil {
		return err
	}
	id, err := f.signIn(c, attempt, identity, own)
	if err != nil || attempt.Organization == "" {
		return err
	}
	subject, err := c.Store.Subject(c.Ctx, id, attempt.Organization, c.Now)
	if err == nil && subject.Membership == nil && attempt.Chosen {
		subject.Membership, err = c.Grant().Accept(c.Ctx, &subject, attempt.Organization)
	}
	if err != nil || subject.Membership == nil {
		return err
	}
	return recordAuthentication(c, attempt, identity, subject)
}

// finishStepUp completes a step-up. A session with a device key keeps its cookie and is
// not rotated. A session without one is replaced by a new session.
func (f *Flow) finishStepUp(c *authn.Request, attempt login.Attempt, i login.Identity, own *directory.Connection) error {
	id, err := session.ParseID(attempt.Session)
	if err != nil {
		return err
	}
	subject, err := c.Store.Subject(c.Ctx, id, attempt.Organization, c.Now)
	if errors.Is(err, session.ErrNotFound) {
		return refusedWith(api.SessionExpired)
	}
	if err != nil {
		return err
	}
	s, user := subject.Session, subject.User
	c.Record.Session, c.Record.User = s.ID.String(), user.ID
	old, err := c.Store.Session(c.Ctx, s.ID)
	if err != nil {
		return err
	}
	current, err := c.Replacement(old)
	if err != nil {
		return err
	}
	switch {
	case own == nil && (i.Issuer != user.Issuer || i.Subject != user.Subject):
		return refusedWith(api.IdentityChanged)
	case c.CheckLive(current) != nil:
		return endedStepUp(c, attempt, user.ID, authn.RefusalOf(c.CheckLive(current)).Code)
	case current.ID != s.ID && own != nil: // the new session would only open that organization
		return nil
	case user.Disabled:
		return refusedWith(api.SessionRevoked)
	case own == nil && subject.Membership == nil && attempt.Organization != "" || own != nil && !admits(own, i, subject):
		return refusedWith(api.OrganizationAccessDenied)
	}
	if err := attempt.Meets(i); err != nil {
		return err
	}
	if own != nil {
		if subject, err = f.joinOrganization(c, attempt, subject, i, own); err != nil {
			return err
		}
	}
	if s.JKT == "" {
		subject, err = f.replaceSession(c, attempt, i, subject, old, own)
	} else if err = f.updateUpstream(c, attempt, i, old); err == nil {
		err = f.addProviderToken(c, old, attempt.Connection, own, i)
	}
	if err != nil {
		return err
	}
	c.Audit(audit.Event{
		Action: audit.StepUp, UserID: user.ID, OrganizationID: organizationID(subject), SessionID: subject.Session.ID.String(),
	})
	return recordAuthentication(c, attempt, i, subject)
}

// organizationID returns the id of the step-up's organization, or "" if it is for the
// whole session.
func organizationID(s directory.Subject) string {
	if s.Membership == nil {
		return ""
	}
	return s.Membership.Organization.ID
}

// joinOrganization links the identity at an organization's own provider with the
// session's user, updates the membership and returns the result.
func (f *Flow) joinOrganization(c *authn.Request, attempt login.Attempt, s directory.Subject, i login.Identity, own *directory.Connection) (directory.Subject, error) {
	if err := link(c, own, i, s.User, attempt); err != nil {
		return s, err
	}
	if err := f.memberships(c).Apply(c.Ctx, own, i, s.User); err != nil {
		return s, err
	}
	s, err := c.Store.Subject(c.Ctx, s.Session.ID, own.OrganizationID, c.Now)
	if err == nil && s.Membership == nil {
		err = refusedWith(api.OrganizationAccessDenied)
	}
	return s, err
}

// recordAuthentication adds the authentication to the session and to the organization
// session that it was made for, if any.
func recordAuthentication(c *authn.Request, attempt login.Attempt, i login.Identity, s directory.Subject) error {
	organization := organizationID(s)
	made := policy.Authentication{
		Time: i.AuthTime, ACR: i.ACR, AMR: i.AMR, Connection: attempt.Connection, Until: i.SessionExpiry, ConfirmedAt: attempt.ConfirmedAt(i, c.Now),
	}
	if attempt.Caused(i) {
		made.Organization = organization
	}
	return c.OrganizationSessions().StepUp(c.Ctx, s.Session.SignInID(), organization, attempt.ID, made)
}

// refusedWith returns the error that redirects the browser to the app with a code.
func refusedWith(code api.Code) error {
	return &login.Refused{Code: string(code), Err: errors.New("the sign-in was refused")}
}
