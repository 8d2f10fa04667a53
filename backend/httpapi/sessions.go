package httpapi

import (
	"errors"
	"net/http"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/web"
)

// maxSessions is the most sessions that a person is shown.
const maxSessions = 100

// sessions is GET /sessions: the person's own devices.
func (c *call) sessions(struct{}) (*api.SessionsResponse, error) {
	own, err := c.reader()
	if err != nil {
		return nil, err
	}
	live, err := c.store.Live(c.ctx, own.User.ID, own.Session.ConfinedTo, c.now, maxSessions)
	if err != nil {
		return nil, err
	}
	answer := &api.SessionsResponse{Sessions: make([]api.DeviceSession, len(live)), ServerTime: c.now}
	for i, s := range live {
		answer.Sessions[i] = api.DeviceSession{
			ID: s.ID.String(), Current: s.ID == own.Session.ID, App: s.App, UserAgent: s.UserAgent, Address: s.Address,
			CreatedAt: s.CreatedAt, LastUsedAt: max(s.CreatedAt, s.CurLast), ExpiresAt: s.ExpiresAt, DeviceBound: s.JKT != "",
		}
	}
	return answer, nil
}

// endSessionByID is DELETE /sessions/{id}: it ends one of the person's own
// sessions. Somebody else's is answered like one that does not exist.
func (c *call) endSessionByID(struct{}) (*api.LogoutResponse, error) {
	own, err := c.reader()
	if err != nil {
		return nil, err
	}
	missing := refusal.New(api.NotFound, "You have no such session.")
	id, err := session.ParseID(c.r.PathValue("id"))
	if err != nil {
		return nil, missing
	}
	s, err := c.store.Session(c.ctx, id)
	if errors.Is(err, session.ErrNotFound) || err == nil && !mayEnd(own, s) {
		return nil, missing
	}
	if err != nil {
		return nil, err
	}
	if err := c.store.Revoke(c.ctx, id, session.ReasonSignedOut, c.now); err != nil {
		return nil, err
	}
	c.audit(audit.Event{Action: audit.SignOut, Reason: api.ScopeSession, UserID: s.UserID, SessionID: id.String()})
	if id == own.Session.ID {
		c.clear(sessionCookieName(s.App, s.ID))
	}
	return &api.LogoutResponse{ServerTime: c.now}, nil
}

// mayEnd tells whether a session is one of those that its person sees.
func mayEnd(own directory.Subject, s session.Session) bool {
	return s.UserID == own.User.ID && (own.Session.ConfinedTo == "" || s.ConfinedTo == own.Session.ConfinedTo)
}

// reader returns who asks, by a verdict without an effect.
func (c *call) reader() (directory.Subject, error) {
	presented, subject, err := c.authenticate("")
	if err != nil {
		return directory.Subject{}, err
	}
	verdict := session.Judge(subject.Session.Row, c.grant().Presentation(presented, &subject.Session))
	if !verdict.Outcome.Mints() {
		return directory.Subject{}, ended(verdict.After.RevokeReason)
	}
	return subject, enabled(subject.User)
}

// backchannelLogout is POST /backchannel-logout: the provider ends sessions (OpenID
// Connect Back-Channel Logout 1.0 section 2.5). A token that comes again ends
// nothing that began after it.
func (c *call) backchannelLogout() error {
	if err := web.ReadForm(c.w, c.r); err != nil {
		return refusal.New(api.InvalidRequest, "The body is not a form.").Because(err)
	}
	connection := c.r.PathValue("connection")
	provider, own, err := c.through(login.Attempt{Connection: connection})
	if err != nil {
		return err
	}
	logout, err := provider.ReadLogoutToken(c.ctx, c.r.PostForm.Get("logout_token"), c.now)
	if err != nil {
		return err
	}
	logout.Connection = connection
	if err := c.store.RevokeUpstream(c.ctx, logout, session.ReasonUpstream, c.now); err != nil {
		return err
	}
	e := audit.Event{Action: audit.SignOut, Reason: string(session.ReasonUpstream), Actor: audit.Server}
	if own != nil {
		e.OrganizationID, e.Target = own.OrganizationID, own.ID
	}
	c.audit(e)
	c.w.WriteHeader(http.StatusOK)
	c.record.status = http.StatusOK
	return nil
}
