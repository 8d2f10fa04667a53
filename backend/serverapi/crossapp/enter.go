package crossapp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/handover"
	"github.com/tabard-auth/tabard/backend/orgsession"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/token"
)

// enterRequest is the body of a request for a session in another app.
type enterRequest struct {
	AppID string `json:"app_id"`
	// ResponseType is "session" (default) or "code". With a code the browser gets a
	// session of its own ([handover]), and the server none.
	ResponseType string `json:"response_type"`
	// CodeChallenge is the value that the browser's hand-over began with. ReturnTo is
	// where the browser is sent, an address on one of the app's origins. Both go with a
	// code only.
	CodeChallenge string `json:"code_challenge"`
	ReturnTo      string `json:"return_to"`
}

// AppSession is a session in another app, for its server. Times are in ISO 8601 with an
// offset.
type AppSession struct {
	Access string `json:"access"`
	// Refresh replaces the previous refresh token; if absent, that one stays.
	Refresh string `json:"refresh,omitempty"`
	// CSRF is an unguessable value of the session for servers that put one into forms.
	// Tabard does not check it, because it checks the origin of requests.
	CSRF             string `json:"csrf"`
	AccessExpiresAt  string `json:"access_expires_at"`
	RefreshExpiresAt string `json:"refresh_expires_at"`
	UserID           string `json:"user_id"`
	// KeyID is the id of the request's workspace API key.
	KeyID string `json:"key_id"`
}

// Code is a one-time code, which the browser sends to RedeemAt by a form's POST.
type Code struct {
	Code      string `json:"code"`
	ExpiresIn int64  `json:"expires_in"` // seconds
	RedeemAt  string `json:"redeem_at"`
	UserID    string `json:"user_id"`
	KeyID     string `json:"key_id"`
}

// The response types.
const (
	respondSession = "session"
	respondCode    = "code"
)

// enterApp handles POST /workspaces/{workspace_id}/sessions.
func (c *call) enterApp(ask enterRequest) (any, error) {
	e := audit.Event{Action: audit.EnterApp}
	if ask.ResponseType == respondCode {
		e.Action = audit.HandOver
	}
	answer, err := c.enter(ask, &e)
	if err != nil {
		return nil, c.recordRefusal(auditableApp(ask.AppID), e, err)
	}
	return answer, nil
}

func (c *call) enter(ask enterRequest, e *audit.Event) (any, error) {
	// Authenticate: the person of the token, who must act for its organization now.
	w, err := c.workspace()
	if err != nil {
		return nil, err
	}
	subject, claims, err := c.subject(w)
	if claims != nil {
		e.UserID, e.OrganizationID, e.SessionID = claims.Subject, claims.OrganizationID, claims.SessionID
	}
	if err != nil {
		return nil, err
	}

	// Decide: whether the app may be entered from the token's app, and whether policy
	// allows it.
	app, ok := w.AppByID(ask.AppID)
	switch {
	case !ok:
		return nil, refusal.New(api.AppNotInWorkspace, "The workspace has no such app.")
	case !app.Admits(claims.ClientID):
		return nil, deny("wrong_app", "The token's app is not in this app's entered_from in the workspace file.")
	}
	if err := c.checkRequest(ask, app); err != nil {
		return nil, err
	}
	g := c.grant(w, app)
	e.Reason = orgsession.AuditReason(subject.Membership)
	decision, err := g.Decide(c.Context(), subject, grant.Request{DeviceBound: ask.ResponseType == respondCode}) // the browser proves its key at its first mint
	if err != nil {
		return nil, conflictRefusal(err)
	}
	if decision.Outcome != policy.Allow {
		return nil, deny(denialCodes[decision.Outcome], "The organization's policy does not allow this now.")
	}

	// Grant: a code for the browser, or a session for the app's server.
	if ask.ResponseType == respondCode {
		return c.code(ask, subject, e)
	}
	return c.session(g, subject, decision, claims.Expires, e)
}

// denialCodes are the reasons of policy's denials.
var denialCodes = map[policy.Outcome]api.Code{
	policy.StepUp:            api.InsufficientUserAuthentication,
	policy.DenyEnded:         api.OrganizationSessionExpired,
	policy.DenyWithoutKey:    api.DeviceKeyRequired,
	policy.DenyContradiction: api.OrganizationAccessDenied,
	policy.DenyStaff:         api.OrganizationAccessDenied,
}

func (c *call) checkRequest(ask enterRequest, app directory.App) error {
	switch ask.ResponseType {
	case "", respondSession:
		if ask.CodeChallenge != "" || ask.ReturnTo != "" {
			return refusal.New(api.InvalidRequest, "code_challenge and return_to are allowed only with response_type code.")
		}
		return nil
	case respondCode:
	default:
		return refusal.New(api.InvalidRequest, "response_type must be session or code.")
	}
	if !handover.ValidChallenge(ask.CodeChallenge) {
		return refusal.New(api.InvalidRequest, "code_challenge is malformed: pass the one that POST /handover returned to the browser.")
	}
	if _, ok := publicurl.ReturnAddress(c.PublicURL, app, ask.ReturnTo); !ok {
		return refusal.New(api.InvalidRequest, "return_to must be an address on one of the app's origins.")
	}
	return nil
}

// code returns a code. It is not stored: the session made with it is stored once.
func (c *call) code(ask enterRequest, s *directory.Subject, e *audit.Event) (any, error) {
	x := c.service
	code := handover.NewCode(s.Session.ID, s.Membership.Organization.ID, ask.AppID, ask.ReturnTo, ask.CodeChallenge, c.Actor.ID, c.Now().Unix())
	if err := c.audit(ask.AppID, *e); err != nil {
		return nil, err
	}
	return Code{
		Code: code.Seal(x.codes), ExpiresIn: handover.CodeLife, RedeemAt: x.issuer + api.PathHandoverCode,
		UserID: s.User.ID, KeyID: c.Actor.ID,
	}, nil
}

// session creates a session for the app's server. Its first access token expires with
// the person's at the latest (RFC 8693).
func (c *call) session(g *grant.Grant, s *directory.Subject, d *policy.Decision, latest int64, e *audit.Event) (*AppSession, error) {
	child := &session.Session{
		Attempt: "server_" + rand.Text(), Holder: session.AppServer, UserAgent: c.Actor.Name, Address: c.R.RemoteAddr,
	}
	first, err := g.Child(c.Context(), &s.Session, s.Membership.Organization.ID, child)
	if errors.Is(err, orgsession.ErrEnded) {
		return nil, deny(api.OrganizationSessionExpired, "The person's session in the organization has ended.")
	}
	if err != nil {
		return nil, err
	}
	e.SessionID = child.ID.String()
	s.Session = *child
	claims := g.Claims(s, d)
	claims.Expires = min(claims.Expires, latest)
	signed, err := g.Sign(c.Context(), claims, d.Rules)
	if err != nil {
		return nil, c.signRefusal(err)
	}
	answer := c.appSession(signed, &claims, child)
	answer.Refresh = c.service.refresh.Sign(first, child.Secret)
	return answer, c.audit(g.App.ID, *e)
}

// signRefusal refuses the request if the access token is too large to be signed.
func (c *call) signRefusal(err error) error {
	if errors.Is(err, token.ErrTooLarge) {
		c.Log.LogAttrs(c.Context(), slog.LevelError, "an access token was not signed", slog.Any("cause", err))
		err = refusal.New(api.ServerError, grant.TooLarge)
	}
	return err
}

func (c *call) appSession(signed string, claims *token.Claims, s *session.Session) *AppSession {
	return &AppSession{
		Access: signed, CSRF: c.csrf(s.ID), AccessExpiresAt: isoTime(claims.Expires), RefreshExpiresAt: isoTime(s.ExpiresAt),
		UserID: s.UserID, KeyID: c.Actor.ID,
	}
}

// isoTime returns a time, given in Unix seconds, in ISO 8601. The offset is a number:
// some parsers do not read the letter Z.
func isoTime(seconds int64) string {
	return time.Unix(seconds, 0).UTC().Format("2006-01-02T15:04:05-07:00")
}

func (c *call) csrf(id session.ID) string {
	mac := hmac.New(sha256.New, c.service.csrf)
	mac.Write([]byte(id.String()))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// auditableApp returns an app's id for the audit log, "" if it cannot be an id.
func auditableApp(app string) string {
	if !directory.ValidSlug(app) {
		return ""
	}
	return app
}
