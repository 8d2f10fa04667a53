package browserapi

import (
	"errors"
	"net/http"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/web"
)

// maxSessions is the largest number of sessions in the answer.
const maxSessions = 100

// sessions is GET /sessions: the user's own sessions.
func sessions(c *authn.Request, _ struct{}) (*api.SessionsResponse, error) {
	own, err := readOnlySubject(c)
	if err != nil {
		return nil, err
	}
	within := own.Session.ConfinedTo
	if own.Session.Holder == session.Joined { // the first one may open more
		within = ""
	}
	live, err := c.Store.Live(c.Ctx, own.User.ID, within, c.Now, maxSessions)
	if err != nil {
		return nil, err
	}
	answer := &api.SessionsResponse{Sessions: []api.DeviceSession{}, ServerTime: c.Now}
	for _, s := range live {
		if c.CheckIdle(s) != nil || !listed(c, own, s) {
			continue
		}
		answer.Sessions = append(answer.Sessions, api.DeviceSession{
			ID: s.ID.String(), Current: s.ID == own.Session.SignInID(), App: s.App, UserAgent: s.UserAgent, Address: s.Address,
			CreatedAt: s.CreatedAt, LastUsedAt: max(s.CreatedAt, s.CurLast), ExpiresAt: s.ExpiresAt, DeviceBound: s.JKT != "",
		})
	}
	return answer, nil
}

// endSessionByID is DELETE /sessions/{id}. It ends one of the user's own sessions.
// Ending another session than the request's needs a recent authentication. The answer
// for another user's session is the same as for a missing one.
func endSessionByID(c *authn.Request, _ struct{}) (*api.LogoutResponse, error) {
	own, err := readOnlySubject(c)
	if err != nil {
		return nil, err
	}
	missing := refusal.New(api.NotFound, "You have no session with this id.")
	id, err := session.ParseID(c.R.PathValue("id"))
	if err != nil {
		return nil, missing
	}
	s, err := c.Store.Session(c.Ctx, id)
	if errors.Is(err, session.ErrNotFound) || err == nil && !(mayEnd(own, s) && listed(c, own, s)) {
		return nil, missing
	}
	if err != nil {
		return nil, err
	}
	if id != own.Session.SignInID() {
		if err := requireRecent(c, own); err != nil {
			return nil, err
		}
	}
	if err := c.Revoke(id, session.ReasonSignedOut, audit.Event{
		Action: audit.SignOut, Reason: api.ScopeSession, UserID: s.UserID, SessionID: id.String(),
	}); err != nil {
		return nil, err
	}
	if id == own.Session.SignInID() {
		c.ClearSession(own.Session)
	}
	return &api.LogoutResponse{ServerTime: c.Now}, nil
}

// listed reports whether a page shows a session of its user among the devices. A sign-in
// stands for all that joined it. A page that acts for one organization alone shows its own
// and those that pages of its origin began.
func listed(c *authn.Request, own directory.Subject, s session.Session) bool {
	if s.Holder == session.Joined {
		return false
	}
	return c.Only == "" || s.ID == own.Session.SignInID() || s.Origin == c.TenantOrigin
}

// mayEnd reports whether GET /sessions lists the session to its user.
func mayEnd(own directory.Subject, s session.Session) bool {
	confined := own.Session.ConfinedTo != "" && own.Session.Holder != session.Joined
	return s.UserID == own.User.ID && (!confined || s.ConfinedTo == own.Session.ConfinedTo)
}

// readOnlySubject returns the request's session and user. It changes nothing.
func readOnlySubject(c *authn.Request) (directory.Subject, error) {
	presented, subject, err := c.Authenticate("")
	if err != nil {
		return directory.Subject{}, err
	}
	if err := c.Inspect(presented, subject.Session); err != nil {
		return directory.Subject{}, err
	}
	return subject, authn.CheckEnabled(subject.User)
}

// backchannelLogout is POST /backchannel-logout: the provider ends sessions (OpenID
// Connect Back-Channel Logout 1.0 section 2.5). A repeated token does not end sessions
// that began after it was issued.
func (h *handler) backchannelLogout(c *authn.Request) error {
	if err := web.ReadForm(c.W, c.R, web.MaxForm); err != nil {
		return err
	}
	tokens := c.R.PostForm["logout_token"]
	if len(tokens) != 1 {
		return refusal.New(api.InvalidRequest, "The body must be a form (application/x-www-form-urlencoded) with one logout_token.")
	}
	connection := c.R.PathValue("connection")
	provider, own, err := h.signIn.ProviderFor(c, login.Attempt{Connection: connection})
	if err != nil {
		return err
	}
	logout, err := provider.ReadLogoutToken(c.Ctx, tokens[0], c.Now)
	if err != nil {
		return err
	}
	if err := endUpstream(c, own, logout); err != nil {
		return err
	}
	c.W.WriteHeader(http.StatusOK)
	c.Record.Status = http.StatusOK
	return nil
}

// endUpstream ends the sessions of a provider's logout. It records this for the
// connection's organization, or for the workspace. A signed token that is delivered again
// ends no session that began since it was recorded, although the provider's clock may be
// ahead of this one.
func endUpstream(c *authn.Request, own *directory.Connection, logouts ...session.UpstreamLogout) error {
	e := audit.Event{Action: audit.SignOut, Reason: string(session.ReasonUpstream), Actor: audit.Server}
	if own != nil {
		e.OrganizationID, e.Target = own.OrganizationID, own.ID
	}
	for _, logout := range logouts {
		if own != nil {
			logout.Connection = own.ID
		}
		logout.Until = min(logout.Until, c.Now)
		if logout.Token != "" {
			e.ID = "logout:" + logout.Token
			if at, err := c.Store.Recorded(c.Ctx, e.ID); err != nil {
				return err
			} else if at != 0 {
				logout.Until = min(logout.Until, at-1)
			}
		}
		if err := c.Store.RevokeUpstream(c.Ctx, logout, session.ReasonUpstream, c.Now); err != nil {
			return err
		}
	}
	c.Audit(e)
	return nil
}
