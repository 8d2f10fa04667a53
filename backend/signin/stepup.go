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

// prepareStepUp makes a sign-in a step-up of the person's living session, if there is
// one: its cookie comes along here, from the app's own page, and not to the
// callback, so that the sealed attempt has to name it. A session with a device key is
// named where the request proves that key, and nowhere else: who copied the cookie would
// authenticate for it, and be linked with its person.
func prepareStepUp(c *authn.Request, attempt *login.Attempt, user string) error {
	if user == "" {
		return nil
	}
	tokens, err := c.RefreshTokens()
	if err != nil {
		return err
	}
	var newest session.Session
	for _, t := range tokens {
		s, err := c.Authentic(t)
		if err != nil && !refusal.Is(err) {
			return err
		}
		if err == nil && (s.ConfinedTo == attempt.Organization || newest.ConfinedTo != attempt.Organization && s.CreatedAt >= newest.CreatedAt) {
			newest = s
		}
	}
	switch newest.UserID {
	case user:
	case "": // nobody is signed in any more
		return nil
	default:
		return refusedWith(api.IdentityChanged)
	}
	sure := newest.JKT != "" && newest.BoundAt == 0 // nobody else can have bound it first
	if newest, err = c.CheckDevice(newest); err != nil {
		return proofError(c, err)
	}
	attempt.Session, attempt.Proven = newest.ID.String(), sure
	return nil
}

// proofError has a page of the release before, which navigates and proves nothing, come
// back to where its successor is loaded, which does.
func proofError(c *authn.Request, err error) error {
	if c.ReadOnly() && refusal.Is(err) {
		return &login.Refused{Code: string(api.InvalidDPoPProof), Err: err}
	}
	return err
}

// finish turns what the provider answers into a session, or into more
// authentication of the one that the attempt names.
func (f *Flow) finish(c *authn.Request, attempt login.Attempt, query url.Values) error {
	provider, own, err := f.ProviderFor(c, attempt)
	if err != nil {
		return err
	}
	identity, err := provider.Identify(c.Ctx, attempt, query, c.Now)
	if err == nil {
		err = addUserInfo(c, provider, own, &identity)
	}
	if err != nil {
		return err
	}
	if attempt.Session != "" {
		return f.finishStepUp(c, attempt, identity, own)
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

// finishStepUp ends a step-up. In a session with a device key it sets no session cookie and
// rotates nothing; without one it begins a session anew.
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
	goesOn, err := c.Replacement(old)
	if err != nil {
		return err
	}
	switch {
	case own == nil && (i.Issuer != user.Issuer || i.Subject != user.Subject):
		return refusedWith(api.IdentityChanged)
	case c.CheckLive(goesOn) != nil:
		return refusedWith(authn.RefusalOf(c.CheckLive(goesOn)).Code)
	case goesOn.ID != s.ID && own != nil: // it would be a session of that organization alone
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
		if subject, err = f.replaceSession(c, attempt, i, subject, old); err != nil {
			return err
		}
	}
	c.Audit(audit.Event{
		Action: audit.StepUp, UserID: user.ID, OrganizationID: organizationID(subject), SessionID: subject.Session.ID.String(),
	})
	return recordAuthentication(c, attempt, i, subject)
}

// organizationID is the id of the organization that a step-up is for; empty where it is for
// the session alone.
func organizationID(s directory.Subject) string {
	if s.Membership == nil {
		return ""
	}
	return s.Membership.Organization.ID
}

// joinOrganization makes who answered at an organization's own provider be the session's person,
// for that organization, and returns where they stand in it then.
func (f *Flow) joinOrganization(c *authn.Request, attempt login.Attempt, s directory.Subject, i login.Identity, own *directory.Connection) (directory.Subject, error) {
	if err := link(c, own, i, s.User, attempt); err != nil {
		return s, err
	}
	if err := f.provision(c, own, i, s.User); err != nil {
		return s, err
	}
	s, err := c.Store.Subject(c.Ctx, s.Session.ID, own.OrganizationID, c.Now)
	if err == nil && s.Membership == nil {
		err = refusedWith(api.OrganizationAccessDenied)
	}
	return s, err
}

// recordAuthentication adds what the provider answered to the session's authentications, and to the
// organization session for which it was made, if for any.
func recordAuthentication(c *authn.Request, attempt login.Attempt, i login.Identity, s directory.Subject) error {
	organization := organizationID(s)
	made := policy.Authentication{
		Time: i.AuthTime, ACR: i.ACR, AMR: i.AMR, Connection: attempt.Connection, Until: i.SessionExpiry, ConfirmedAt: attempt.ConfirmedAt(i, c.Now),
	}
	if attempt.Caused(i) {
		made.Organization = organization
	}
	return c.OrganizationSessions().StepUp(c.Ctx, s.Session.ID, organization, attempt.ID, made)
}

// refusedWith sends the browser back to the app with a code.
func refusedWith(code api.Code) error {
	return &login.Refused{Code: string(code), Err: errors.New("the sign-in was refused")}
}
