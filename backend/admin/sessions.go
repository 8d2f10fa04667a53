package admin

import (
	"context"
	"errors"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/orgsession"
	"github.com/tabard-auth/tabard/backend/session"
)

// SessionStore stores sessions and organization sessions.
type SessionStore interface {
	// Session returns a session, ended or not, or session.ErrNotFound.
	Session(ctx context.Context, id session.ID) (session.Session, error)
	// LivePage returns a person's live sessions by id, starting after the given id, at
	// most limit.
	LivePage(ctx context.Context, userID, after string, now int64, limit int) ([]session.Session, error)
	// OrganizationSessions returns the live sessions that act for an organization by
	// id, starting after the given id, at most limit. If userID is not empty, it
	// returns that person's only.
	OrganizationSessions(ctx context.Context, organizationID, userID, after string, now int64, limit int) ([]orgsession.Record, error)
	// Revoke ends a session. One that has ended keeps its time and reason.
	Revoke(ctx context.Context, id session.ID, reason session.Reason, now int64) error
	// RevokeUser ends all of a person's sessions. If confinedTo is not empty, it ends
	// only those that open no other organization.
	RevokeUser(ctx context.Context, userID, confinedTo string, reason session.Reason, now int64) error
	// EndSessions ends live sessions of the whole workspace that began at a time or before,
	// by id, starting after the given id, at most limit. It returns their number and the
	// last id, "" if none is left.
	EndSessions(ctx context.Context, after string, until int64, reason session.Reason, now int64, limit int) (n int64, last string, err error)
	// EndOrganizationSession ends a session in one organization, and reports whether it
	// was active there.
	EndOrganizationSession(ctx context.Context, organizationID string, id session.ID, now int64) (bool, error)
	// EndOrganizationSessions ends all of a person's sessions in one organization.
	EndOrganizationSessions(ctx context.Context, organizationID, userID string, now int64) error
}

var errNoSession = errors.New("administration: there is no such session")

// Session is a live session in the form for administrators of the workspace.
type Session struct {
	ID          string `json:"id"`
	UserID      string `json:"user_id"`
	App         string `json:"app"`
	UserAgent   string `json:"user_agent"`
	Address     string `json:"address"`
	CreatedAt   int64  `json:"created_at"`
	LastUsedAt  int64  `json:"last_used_at"`
	ExpiresAt   int64  `json:"expires_at"`
	DeviceBound bool   `json:"device_bound"`
}

func sessionOf(s session.Session) Session {
	return Session{
		ID: s.ID.String(), UserID: s.UserID, App: s.App, UserAgent: s.UserAgent, Address: s.Address,
		CreatedAt: s.CreatedAt, LastUsedAt: max(s.CreatedAt, s.CurLast), ExpiresAt: s.ExpiresAt, DeviceBound: s.JKT != "",
	}
}

// OrganizationSession is a session acting for one organization, in the form for that
// organization's administrators. It does not disclose other organizations or the
// device.
type OrganizationSession struct {
	SessionID string   `json:"session_id"`
	UserID    string   `json:"user_id"`
	App       string   `json:"app"`
	StartedAt int64    `json:"started_at"`
	ActiveAt  int64    `json:"active_at"`
	AuthTime  int64    `json:"auth_time"`
	ACR       string   `json:"acr"`
	AMR       []string `json:"amr"`
}

func organizationSessionOf(s orgsession.Record) OrganizationSession {
	a := s.OrganizationSession.Authentication
	return OrganizationSession{
		SessionID: s.SessionID.String(), UserID: s.UserID, App: s.App,
		StartedAt: s.OrganizationSession.StartedAt, ActiveAt: s.OrganizationSession.ActiveAt,
		AuthTime: a.Time, ACR: a.ACR, AMR: append([]string{}, a.AMR...),
	}
}

// UserSessions lists a person's live sessions by id.
func (o *sessions) UserSessions(ctx context.Context, by Actor, user string, p Page) (List[Session], error) {
	return run(ctx, o.base, by, &operation{action: audit.ReadSession, scope: workspaceScope, user: user},
		func(ctx context.Context, _ directory.OrganizationRecord) (List[Session], error) {
			if _, err := o.store.User(ctx, user); err != nil {
				return List[Session]{}, err
			}
			return paginate(p, func(after string, limit int) ([]session.Session, error) {
				return o.store.LivePage(ctx, user, after, o.now().Unix(), limit)
			}, sessionOf, func(s session.Session) string { return s.ID.String() })
		})
}

// EndUserSessions ends all of a person's sessions, in all organizations.
func (o *sessions) EndUserSessions(ctx context.Context, by Actor, user string) (Empty, error) {
	return run(ctx, o.base, by, &operation{action: audit.EndSession, scope: workspaceScope, user: user},
		func(ctx context.Context, _ directory.OrganizationRecord) (Empty, error) {
			if _, err := o.store.User(ctx, user); err != nil {
				return Empty{}, err
			}
			return Empty{}, o.store.RevokeUser(ctx, user, "", session.ReasonAdmin, o.now().Unix())
		})
}

// EndSession ends a session, in all organizations.
func (o *sessions) EndSession(ctx context.Context, by Actor, id string) (Empty, error) {
	a := &operation{action: audit.EndSession, scope: workspaceScope, session: id}
	return run(ctx, o.base, by, a,
		func(ctx context.Context, _ directory.OrganizationRecord) (Empty, error) {
			parsed, err := session.ParseID(id)
			if err != nil {
				return Empty{}, errNoSession
			}
			s, err := o.store.Session(ctx, parsed)
			if errors.Is(err, session.ErrNotFound) {
				err = errNoSession
			}
			if err != nil {
				return Empty{}, err
			}
			a.user = s.UserID
			return Empty{}, o.store.Revoke(ctx, parsed, session.ReasonAdmin, o.now().Unix())
		})
}

// OrganizationSessions lists the sessions that act for an organization by session id,
// if user is not empty only that person's.
func (o *sessions) OrganizationSessions(ctx context.Context, by Actor, organization, user string, p Page) (List[OrganizationSession], error) {
	return run(ctx, o.base, by, &operation{action: audit.ReadSession, organization: organization, user: user},
		func(ctx context.Context, r directory.OrganizationRecord) (List[OrganizationSession], error) {
			return paginate(p, func(after string, limit int) ([]orgsession.Record, error) {
				return o.store.OrganizationSessions(ctx, r.ID, user, after, o.now().Unix(), limit)
			}, organizationSessionOf, func(s orgsession.Record) string { return s.SessionID.String() })
		})
}

// EndOrganizationSession ends a session in one organization. In others it goes on. To
// enter again, a new authentication is required.
func (o *sessions) EndOrganizationSession(ctx context.Context, by Actor, organization, id string) (Empty, error) {
	return run(ctx, o.base, by, &operation{action: audit.EndSession, organization: organization, session: id},
		func(ctx context.Context, r directory.OrganizationRecord) (Empty, error) {
			parsed, err := session.ParseID(id)
			if err != nil {
				return Empty{}, errNoSession
			}
			there, err := o.store.EndOrganizationSession(ctx, r.ID, parsed, o.now().Unix())
			if err == nil && !there {
				err = errNoSession
			}
			return Empty{}, err
		})
}

// EndMemberSessions ends all of a member's sessions in one organization. Sessions that
// open no other organization end altogether.
func (o *sessions) EndMemberSessions(ctx context.Context, by Actor, organization, user string) (Empty, error) {
	return run(ctx, o.base, by, &operation{action: audit.EndSession, organization: organization, user: user},
		func(ctx context.Context, r directory.OrganizationRecord) (Empty, error) {
			return Empty{}, o.endSessions(ctx, r.ID, user, o.now().Unix())
		})
}

// endSessions ends a person's sessions in one organization.
func (o *base) endSessions(ctx context.Context, organizationID, userID string, now int64) error {
	if err := o.store.EndOrganizationSessions(ctx, organizationID, userID, now); err != nil {
		return err
	}
	return o.store.RevokeUser(ctx, userID, organizationID, session.ReasonAdmin, now)
}
