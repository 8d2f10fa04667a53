package httpapi

import (
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// logout is POST /logout. An authentic refresh token suffices, of whatever age, with
// the proof of the device key where there is one: whoever holds both may end the
// session. What has ended already stays so, and is
// no error.
func (c *call) logout(request api.LogoutRequest) (*api.LogoutResponse, error) {
	switch request.Scope {
	case api.ScopeOrganization, api.ScopeSession, api.ScopeEverywhere:
	default:
		return nil, refusal.New(api.InvalidRequest, "The scope is one of organization, session, everywhere.")
	}
	if (request.Scope == api.ScopeOrganization) != (request.Organization != "") {
		return nil, refusal.New(api.InvalidRequest, "An organisation is named exactly with the scope organization.")
	}
	_, subject, err := c.authenticate(request.Organization)
	if over(err) {
		return &api.LogoutResponse{ServerTime: c.now}, nil
	}
	if err != nil {
		return nil, err
	}
	if err := c.expect(request.User, subject); err != nil {
		return nil, err
	}
	return c.end(request, subject)
}

// over tells the error that says that no session is left. That the device key is
// missing says nothing of the kind.
func over(err error) bool {
	if !refusal.Is(err) {
		return false
	}
	code := refusalOf(err).Code
	return code.Action() == api.SignIn && code != api.DeviceKeyRequired && code != api.DeviceKeyMismatch
}

func (c *call) end(request api.LogoutRequest, subject directory.Subject) (*api.LogoutResponse, error) {
	if request.Scope == api.ScopeOrganization {
		return c.leave(subject)
	}
	s, err := c.store.Session(c.ctx, subject.Session.ID) // with what its provider ends it by
	if err != nil {
		return nil, err
	}
	switch request.Scope {
	case api.ScopeSession:
		if err = c.endBeside(s); err == nil {
			err = c.store.Revoke(c.ctx, s.ID, session.ReasonSignedOut, c.now)
		}
	case api.ScopeEverywhere:
		err = c.store.RevokeUser(c.ctx, s.UserID, s.ConfinedTo, session.ReasonSignedOut, c.now)
	}
	if err != nil { // not ended: the cookie stays, and the caller is told
		return nil, err
	}
	c.audit(audit.Event{Action: audit.SignOut, Reason: request.Scope, UserID: s.UserID, SessionID: s.ID.String()})
	c.clear(sessionCookieName(s.App, s.ID))
	return &api.LogoutResponse{EndSessionURL: c.endSession(s), ServerTime: c.now}, nil
}

// leave ends the session's stay in one organisation.
func (c *call) leave(subject directory.Subject) (*api.LogoutResponse, error) {
	if subject.Membership == nil {
		return nil, refusal.New(api.OrganizationAccessDenied, noAccess)
	}
	s, id := subject.Session, subject.Membership.Organization.ID
	c.record.organization = id
	if _, err := c.store.Leave(c.ctx, s.ID, id, policy.OrganizationSession{
		StartedAt: c.now, ActiveAt: c.now, EndedAt: c.now, Ending: policy.SignedOut, Authentication: grant.SignIn(&s),
	}); err != nil {
		return nil, err
	}
	c.audit(audit.Event{Action: audit.LeaveOrganization, UserID: s.UserID, OrganizationID: id, SessionID: s.ID.String()})
	return &api.LogoutResponse{ServerTime: c.now}, nil
}

// endSession is where the provider's own session ends; the app's first origin is
// where it sends the browser back to.
func (c *call) endSession(s session.Session) string {
	if s.Parent != (session.ID{}) { // it began at no provider
		return ""
	}
	token, err := c.upstream.Open(s.UpstreamToken, s.ID.String())
	if err != nil {
		token = nil // the provider asks the person then
	}
	if provider := c.providerOf(s); provider != nil {
		return provider.EndSessionURL(c.ctx, string(token), c.app.Origins[0]+"/")
	}
	return ""
}
