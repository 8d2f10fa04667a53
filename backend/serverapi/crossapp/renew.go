package crossapp

import (
	"errors"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/orgsession"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// renewRequest is the body of a request for a new access token.
type renewRequest struct {
	Refresh string `json:"refresh"`
	// IdleSeconds is the time since the person's last input. Nil reports no activity.
	IdleSeconds *int64 `json:"idle_seconds"`
}

// renewInApp handles POST /workspaces/{workspace_id}/sessions/refresh, where an app's
// server redeems its refresh token, as a browser does at /token.
func (c *call) renewInApp(ask renewRequest) (*AppSession, error) {
	s := &session.Session{}
	answer, err := c.renew(ask, &s)
	if err != nil {
		e := audit.Event{Action: audit.RenewInApp, UserID: s.UserID, OrganizationID: s.ConfinedTo}
		if s.UserID != "" {
			e.SessionID = s.ID.String()
		}
		return nil, c.recordRefusal(s.App, e, err)
	}
	return answer, nil
}

func (c *call) renew(ask renewRequest, found **session.Session) (*AppSession, error) {
	w, err := c.workspace()
	if err != nil {
		return nil, err
	}
	asked, err := c.mintRequest(ask)
	if err != nil {
		return nil, err
	}
	presented, subject, err := c.authenticate(ask.Refresh, w.Policy.SessionIdle)
	if err != nil {
		return nil, err
	}
	*found = &subject.Session
	app, ok := w.AppByID(subject.Session.App)
	switch {
	case !ok:
		return nil, refusal.New(api.AppNotInWorkspace, "The workspace has no such app.")
	case c.Actor.App != "" && c.Actor.App != app.ID, c.Actor.OrganizationID != "" && c.Actor.OrganizationID != subject.Session.ConfinedTo:
		return nil, deny("wrong_app", "This key is for another app or organization than this session.")
	}
	asked.Organization = subject.Session.ConfinedTo
	minted, err := c.grant(w, app).Mint(c.Context(), presented, subject, asked)
	if err != nil {
		return nil, c.mintRefusal(&minted, err)
	}
	answer := c.appSession(minted.Token, &minted.Claims, &subject.Session)
	if minted.Successor != nil {
		answer.Refresh = c.service.refresh.Sign(*minted.Successor, subject.Session.Secret)
	}
	return answer, nil
}

// mintRefusal returns the refusal of a renewal. It has no successor, so the server's
// current token stays valid.
func (c *call) mintRefusal(m *grant.Minted, err error) error {
	switch {
	case errors.Is(err, grant.ErrEnded):
		return endedRefusal(m.Ended)
	case errors.Is(err, grant.ErrUnconfirmed):
		return refusal.New(api.TemporarilyUnavailable, grant.Unconfirmed).Expected()
	case errors.Is(err, grant.ErrDisabled):
		return endedRefusal(session.ReasonAdmin)
	case errors.Is(err, grant.ErrNotAdmitted):
		return refusal.New(api.OrganizationAccessDenied, "The organization does not admit the person.")
	case errors.Is(err, grant.ErrDenied):
		return refusal.New(denialCodes[m.Decision.Outcome], "The organization's policy does not allow this now.")
	}
	return c.signRefusal(conflictRefusal(err))
}

// mintRequest returns the request to policy. It does not enter: an organization session
// that ended stays ended.
func (c *call) mintRequest(ask renewRequest) (grant.Request, error) {
	now := c.Now().Unix()
	if sent := c.R.Header.Get(api.HeaderTime); sent != "" {
		switch old, err := grant.TooOld(sent, now); {
		case err != nil:
			return grant.Request{}, refusal.New(api.InvalidRequest, "The header "+api.HeaderTime+" must be a time in Unix seconds.")
		case old:
			return grant.Request{}, refusal.New(api.RequestTooOld, "The request took too long to arrive. Send it again.")
		}
	}
	asked := grant.Request{IdleSeconds: ask.IdleSeconds}
	if asked.Check() != nil {
		return asked, refusal.New(api.InvalidRequest, "idle_seconds must not be negative.")
	}
	return asked, nil
}

// errInvalidToken refuses a token that is not a refresh token of an app's server. No
// session ends.
var errInvalidToken = refusal.New(api.LoginRequired, "This is not a valid refresh token of an app's server.")

// authenticate returns the session of an authentic refresh token of an app's server,
// and its person's place in its organization. The token is not judged yet. A session
// that was not used for idle seconds has ended.
func (c *call) authenticate(text string, idle int64) (session.Token, *directory.Subject, error) {
	unverified, err := session.ParseToken(text)
	if err != nil {
		return session.Token{}, nil, errInvalidToken
	}
	s, err := c.service.store.Session(c.Context(), unverified.Session())
	if errors.Is(err, session.ErrNotFound) {
		return session.Token{}, nil, refusal.New(api.SessionExpired, "The session has ended.")
	}
	if err != nil {
		return session.Token{}, nil, err
	}
	presented, err := c.service.refresh.Authenticate(unverified, s.Secret)
	if err != nil || s.Holder != session.AppServer {
		return session.Token{}, nil, c.tokenRefusal(unverified, &s, err)
	}
	switch {
	case s.RevokedAt != 0:
		return presented, &directory.Subject{Session: s}, endedRefusal(s.RevokeReason)
	case s.ExpiresAt <= c.Now().Unix(), s.Idle(idle, c.Now().Unix()):
		return presented, &directory.Subject{Session: s}, refusal.New(api.SessionExpired, "The session has ended.")
	}
	subject, err := c.service.store.Subject(c.Context(), s.ID, s.ConfinedTo, c.Now().Unix())
	return presented, &subject, err
}

// tokenRefusal returns the refusal of a refresh token that is not authentic. If another
// replica has its key, because the secret is being replaced, the client may try again.
func (c *call) tokenRefusal(u session.Unverified, s *session.Session, err error) error {
	if s.Holder != session.AppServer {
		return errInvalidToken
	}
	switch usage, err := grant.KeyUsage(c.Context(), c.service.store, u, s, err, c.Now().Unix()); {
	case err != nil:
		return err
	case usage == signingkey.InUse:
		return refusal.New(api.TemporarilyUnavailable, "Another replica knows this session. Try again.")
	case usage == signingkey.Retired:
		return refusal.New(api.SessionExpired, "The session has ended.")
	}
	return errInvalidToken
}

// endedRefusal returns the refusal for an ended session.
func endedRefusal(reason session.Reason) *refusal.Refusal {
	return refusal.New(grant.EndedCode(reason), "The session was ended.")
}

// conflictRefusal returns the refusal for a concurrent change, or the error itself.
func conflictRefusal(err error) error {
	switch {
	case errors.Is(err, orgsession.ErrOvertaken):
		return refusal.New(api.RequestTooOld, "Another request changed this session first. Send yours again.")
	case errors.Is(err, orgsession.ErrEnded):
		return refusal.New(api.OrganizationSessionExpired, "The person's session in the organization has ended.")
	}
	return err
}
