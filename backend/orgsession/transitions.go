package orgsession

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strconv"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

// Transitions are the changes of organization sessions during one request. Now is in
// Unix seconds.
type Transitions struct {
	Store Store
	Now   int64
	audit.Trail
}

// companion returns an event for the store to record with a change.
func (t Transitions) companion(e audit.Event) *audit.Companion {
	return &audit.Companion{Event: t.Complete(e)}
}

// record records an event that the store did not record with its change.
func (t Transitions) record(c *audit.Companion) {
	if !c.Recorded {
		t.Audit(c.Event)
	}
}

// Apply records the changes of a decision. A steady mint records at most that the
// person is still active. It returns ErrOvertaken or ErrEnded if another request came
// first.
func (t Transitions) Apply(ctx context.Context, s *session.Session, m *directory.Membership, d *policy.Decision) error {
	before, after, organization := m.OrganizationSession, d.OrganizationSession, m.Organization.ID
	if d.Lapsed.EndedAt != 0 {
		if err := t.lapse(ctx, s, organization, d.Lapsed); err != nil {
			return err
		}
		before = d.Lapsed
	}
	switch {
	case d.Outcome != policy.Allow:
		return nil
	case !before.Live():
		after.EndedAt = before.EndedAt // the end that was read; a newer end is kept
		return t.begin(ctx, s, m, after, d.Rules.MaxSessions)
	case !reflect.DeepEqual(after.Authentication, before.Authentication):
		if err := t.Store.SetAuthentication(ctx, s.SignInID(), organization, after.Authentication); err != nil {
			return err
		}
	}
	if after.ActiveAt == before.ActiveAt {
		return nil
	}
	return t.Store.Touch(ctx, s.SignInID(), organization, after)
}

// lapse ends an organization session that a rule has ended.
func (t Transitions) lapse(ctx context.Context, s *session.Session, organization string, lapsed policy.OrganizationSession) error {
	ended, err := t.Store.Leave(ctx, s.SignInID(), organization, lapsed)
	if err == nil && !ended {
		err = ErrOvertaken
	}
	if err != nil {
		return err
	}
	t.Audit(audit.Event{
		Action: audit.LeaveOrganization, Reason: string(lapsed.EndReason), Actor: audit.Server,
		UserID: s.UserID, OrganizationID: organization, SessionID: s.SignInID().String(),
	})
	return nil
}

// Leave ends the organization session because the person signs out of it.
func (t Transitions) Leave(ctx context.Context, s *session.Session, organization string) error {
	left := t.companion(audit.Event{Action: audit.LeaveOrganization, UserID: s.UserID, OrganizationID: organization, SessionID: s.SignInID().String()})
	if _, err := t.Store.Leave(ctx, s.SignInID(), organization, policy.OrganizationSession{
		StartedAt: t.Now, ActiveAt: t.Now, EndedAt: t.Now, EndReason: policy.SignedOut, Authentication: s.SignIn,
	}, left); err != nil {
		return err
	}
	t.record(left)
	return nil
}

// StepUp adds an authentication to the session, and to the organization session that it
// was made for if organization is set. Apart from a decision that prefers another
// authentication, nothing else changes an auth_time. The error is
// session.ErrAttemptUsed if the attempt added a different authentication before.
func (t Transitions) StepUp(ctx context.Context, id session.ID, organization, attempt string, made policy.Authentication) error {
	if err := t.Store.Authenticate(ctx, id, attempt, made); err != nil || organization == "" {
		return err
	}
	return t.Store.SetAuthentication(ctx, id, organization, made)
}

// begin starts an organization session. If the person has too many, others end.
func (t Transitions) begin(ctx context.Context, s *session.Session, m *directory.Membership, o policy.OrganizationSession, most int64) error {
	organization := m.Organization.ID
	var before []Record
	if most > 0 {
		var err error
		if before, err = t.Store.OrganizationSessions(ctx, organization, s.UserID, "", t.Now, maxRecords); err != nil {
			return err
		}
	}
	if err := t.enter(ctx, s, m, o); err != nil {
		return err
	}
	if most == 0 {
		return nil
	}
	if err := t.Store.Supersede(ctx, s.SignInID(), organization, most, t.Now); err != nil || int64(len(before)) < most {
		return err
	}
	return t.auditSuperseded(ctx, organization, before)
}

// enter starts an organization session and records it. For staff it is recorded first:
// staff never act in an organization without an entry in its audit log.
func (t Transitions) enter(ctx context.Context, s *session.Session, m *directory.Membership, o policy.OrganizationSession) error {
	e := audit.Event{
		Action: audit.EnterOrganization, Reason: AuditReason(m), UserID: s.UserID, OrganizationID: m.Organization.ID, SessionID: s.SignInID().String(),
	}
	if e.Reason == audit.ByStaff {
		if err := t.Audit(e); err != nil {
			return err
		}
		return t.Store.Enter(ctx, s.SignInID(), m.Organization.ID, o)
	}
	entered := t.companion(e)
	if err := t.Store.Enter(ctx, s.SignInID(), m.Organization.ID, o, entered); err != nil {
		return err
	}
	t.record(entered)
	return nil
}

// AuditReason returns the audit log's reason for a person's action in an organization:
// audit.ByStaff for staff, empty for a member.
func AuditReason(m *directory.Membership) string {
	if m.StaffUntil != 0 {
		return audit.ByStaff
	}
	return ""
}

// maxRecords is the most sessions of a person in an organization that are recorded one
// by one.
const maxRecords = 1000

// auditSuperseded records, once each, the sessions that no longer act for an
// organization because there were too many.
func (t Transitions) auditSuperseded(ctx context.Context, organization string, before []Record) error {
	after, err := t.Store.OrganizationSessions(ctx, organization, before[0].UserID, "", t.Now, maxRecords)
	if err != nil {
		return err
	}
	for _, b := range before {
		if slices.ContainsFunc(after, func(a Record) bool { return a.SessionID == b.SessionID }) {
			continue
		}
		s, err := t.Store.Subject(ctx, b.SessionID, organization, t.Now)
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			return err
		}
		if m := s.Membership; m != nil && m.OrganizationSession.EndReason == policy.Superseded {
			t.Audit(audit.Event{
				ID:     "superseded:" + b.SessionID.String() + ":" + organization + ":" + strconv.FormatInt(b.OrganizationSession.StartedAt, 10),
				Action: audit.LeaveOrganization, Reason: string(policy.Superseded), Actor: audit.Server,
				UserID: b.UserID, OrganizationID: organization, SessionID: b.SessionID.String(),
			})
		}
	}
	return nil
}
