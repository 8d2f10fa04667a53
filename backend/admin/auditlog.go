package admin

import (
	"context"
	"strconv"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

// Event is an entry of the audit log.
type Event struct {
	ID             string `json:"id"`
	At             int64  `json:"at"`
	Action         string `json:"action"`
	Outcome        string `json:"outcome"`
	Reason         string `json:"reason,omitempty"`
	Actor          string `json:"actor"`
	ActorName      string `json:"actor_name,omitempty"`
	OrganizationID string `json:"organization_id,omitempty"`
	UserID         string `json:"user_id,omitempty"`
	SessionID      string `json:"session_id,omitempty"`
	Target         string `json:"target,omitempty"`
	Note           string `json:"note,omitempty"`
	ExpiresAt      int64  `json:"expires_at,omitempty"`
	App            string `json:"app,omitempty"`
	Address        string `json:"address,omitempty"`
}

// EventOf returns the form of an event for administrators.
func EventOf(e audit.Event) Event {
	return Event{
		ID: e.ID, At: e.At, Action: string(e.Action), Outcome: string(e.Outcome), Reason: e.Reason,
		Actor: e.Actor, ActorName: e.ActorName, OrganizationID: e.OrganizationID, UserID: e.UserID,
		SessionID: e.SessionID, Target: e.Target, Note: e.Note, ExpiresAt: e.ExpiresAt, App: e.App, Address: e.Address,
	}
}

// EventFilter selects events. An empty field selects all.
type EventFilter struct {
	User, Actor, Action string
	// Since and Until limit the time, inclusive.
	Since, Until int64
}

// Events lists the audit log, newest first: of the whole workspace, or of the named
// organization.
func (o *auditLog) Events(ctx context.Context, by Actor, organization string, f EventFilter, p Page) (List[Event], error) {
	a := &operation{action: audit.ReadAuditLog, organization: organization, user: f.User}
	if organization == "" {
		a.scope = workspaceScope
	}
	return run(ctx, o.base, by, a,
		func(ctx context.Context, r directory.OrganizationRecord) (List[Event], error) {
			if !isPrintable(f.Actor) || !isPrintable(f.Action) {
				return List[Event]{}, refuse(api.InvalidRequest, "actor and action must be printable ASCII.")
			}
			return paginate(p, func(after string, limit int) ([]audit.Event, error) {
				before, err := parseCursor(after)
				if err != nil {
					return nil, err
				}
				return o.store.Events(ctx, audit.Query{
					OrganizationID: r.ID, UserID: f.User, Actor: f.Actor, Action: audit.Action(f.Action),
					Since: f.Since, Until: f.Until, Before: before, Limit: limit,
				})
			}, EventOf, cursor)
		})
}

// isPrintable reports whether a text is printable ASCII, as all actors and actions are.
// Databases differ over other texts.
func isPrintable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// cursor returns an event's position in the audit log: its time and its id.
func cursor(e audit.Event) string { return strconv.FormatInt(e.At, 10) + "." + e.ID }

func parseCursor(text string) (audit.Position, error) {
	if text == "" {
		return audit.Position{}, nil
	}
	at, id, ok := strings.Cut(text, ".")
	time, err := strconv.ParseInt(at, 10, 53)
	if err != nil || !ok || id == "" || time < 0 {
		return audit.Position{}, errCursor
	}
	return audit.Position{At: time, ID: id}, nil
}
