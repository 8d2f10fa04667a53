// Package grant is what every grant of an access token does, whoever asks: judge the
// refresh token that is presented, have policy decide, write down what that changed,
// and sign. Browsers come by browserapi and other servers by crossapp; no rule of theirs
// stands twice.
package grant

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/token"
)

// Store is what grants need a store for.
type Store interface {
	session.Store
	directory.Store
	// SecretKey returns where a value of the workspace's secret was seen.
	SecretKey(ctx context.Context, id string) ([]signingkey.Sighting, error)
	// SessionStays returns the live sessions that act for an organisation, of one person
	// where userID is not empty, by id, those after one, at most limit.
	SessionStays(ctx context.Context, organizationID, userID, after string, now int64, limit int) ([]directory.SessionStay, error)
}

// Grant is one being made. Now is in Unix seconds.
type Grant struct {
	Issuer    string
	Store     Store
	Keys      *signingkey.Ring
	Workspace *directory.Workspace
	App       directory.App
	Now       int64
	// Audit records what the grant did, or says in the log what the trail misses.
	Audit func(audit.Event) error
}

// Asked is what is asked of policy.
type Asked struct {
	// Entering tells that a person chose the organisation.
	Entering bool
	// ActiveAt is when the person was last active there; 0 reports nothing.
	ActiveAt int64
	// DeviceBound tells that whoever gets the token proved the key of a device.
	DeviceBound bool
}

// ErrOvertaken refuses to end an organisation session for idleness in which somebody
// was active meanwhile: who asks again finds it alive.
var ErrOvertaken = errors.New("grant: somebody was active in the organisation meanwhile")

// maxMemberships is the most organisations of a person whose rules are read.
const maxMemberships = 1000

// Decide has policy decide whether the session may act for the organisation now, and
// writes down what that changed. The caller refuses where the outcome is not Allow.
func (g *Grant) Decide(ctx context.Context, s *directory.Subject, asked Asked) (*policy.Decision, error) {
	m := s.Membership
	facts := Facts(&s.Session, m)
	facts.Entering, facts.ActiveAt, facts.DeviceBound = asked.Entering, asked.ActiveAt, asked.DeviceBound
	rules, err := g.rules(ctx, s.Session.ID, m)
	if err != nil {
		return nil, err
	}
	d := policy.Decide(facts, rules, g.Now)
	if d.Outcome == policy.StepUp { // unless the session has authenticated since its sign-in
		further, err := g.Store.Authentications(ctx, s.Session.ID)
		if err != nil {
			return nil, err
		}
		facts.Authentications = append(facts.Authentications, further...)
		d = policy.Decide(facts, rules, g.Now)
	}
	return &d, g.settle(ctx, &s.Session, m, &d)
}

// Facts are what policy has to know of a session and an organisation.
func Facts(s *session.Session, m *directory.Membership) policy.Subject {
	return policy.Subject{
		Organization: m.Organization.ID, Connection: m.Organization.Connection, SessionEnd: s.ExpiresAt, StaffUntil: m.StaffUntil, DeviceBound: s.JKT != "",
		Stay: m.Stay, Authentications: []policy.Authentication{s.SignIn},
	}
}

// rules are an organisation's effective ones. Only a workspace that ties its
// organisations' re-login together pays for a second read.
func (g *Grant) rules(ctx context.Context, id session.ID, m *directory.Membership) (policy.Rules, error) {
	if !g.Workspace.Policy.StrictestRelogin {
		return policy.Effective(g.Workspace.Policy, m.Organization.Rules, nil), nil
	}
	all, err := g.Store.Memberships(ctx, id, maxMemberships, g.Now)
	return policy.Effective(g.Workspace.Policy, m.Organization.Rules, Entered(all)), err
}

// Entered are the rules of the organisations that a session acts for.
func Entered(all []directory.Membership) (rules []policy.Rules) {
	for _, m := range all {
		if m.Stay.Live() {
			rules = append(rules, m.Organization.Rules)
		}
	}
	return rules
}

// settle writes down what a decision changed: on a steady mint nothing, or that
// the person is still active.
func (g *Grant) settle(ctx context.Context, s *session.Session, m *directory.Membership, d *policy.Decision) error {
	before, after, organization := m.Stay, d.Stay, m.Organization.ID
	if d.Lapsed.EndedAt != 0 {
		ended, err := g.Store.Leave(ctx, s.ID, organization, d.Lapsed)
		if err == nil && !ended {
			err = ErrOvertaken
		}
		if err != nil {
			return err
		}
		g.Audit(audit.Event{
			Action: audit.LeaveOrganization, Reason: string(d.Lapsed.Ending), Actor: audit.Server,
			UserID: s.UserID, OrganizationID: organization, SessionID: s.ID.String(),
		})
		before = d.Lapsed
	}
	switch {
	case d.Outcome != policy.Allow:
		return nil
	case !before.Live():
		after.EndedAt = before.EndedAt // what was read: an end that came since stands
		return g.begin(ctx, s, m, after, d.Rules.MaxSessions)
	case !reflect.DeepEqual(after.Authentication, before.Authentication):
		if err := g.Store.Raise(ctx, s.ID, organization, after.Authentication); err != nil {
			return err
		}
	}
	if after.ActiveAt == before.ActiveAt {
		return nil
	}
	return g.Store.Touch(ctx, s.ID, organization, after)
}

// begin starts an organisation session; where the person has too many, others end.
func (g *Grant) begin(ctx context.Context, s *session.Session, m *directory.Membership, o policy.OrganizationSession, most int64) error {
	organization := m.Organization.ID
	var before []directory.SessionStay
	if most > 0 {
		var err error
		if before, err = g.Store.SessionStays(ctx, organization, s.UserID, "", g.Now, maxStays); err != nil {
			return err
		}
	}
	if err := g.enter(ctx, s, m, o); err != nil {
		return err
	}
	if most == 0 {
		return nil
	}
	if err := g.Store.Supersede(ctx, s.ID, organization, most, g.Now); err != nil || int64(len(before)) < most {
		return err
	}
	return g.auditSuperseded(ctx, organization, before)
}

// enter starts an organisation session, and records it. That staff enter is recorded
// first: they act in no organisation that does not read of it.
func (g *Grant) enter(ctx context.Context, s *session.Session, m *directory.Membership, o policy.OrganizationSession) error {
	e := audit.Event{
		Action: audit.EnterOrganization, Reason: By(m), UserID: s.UserID, OrganizationID: m.Organization.ID, SessionID: s.ID.String(),
	}
	if e.Reason == audit.ByStaff {
		if err := g.Audit(e); err != nil {
			return err
		}
		return g.Store.Enter(ctx, s.ID, m.Organization.ID, o)
	}
	if err := g.Store.Enter(ctx, s.ID, m.Organization.ID, o); err != nil {
		return err
	}
	g.Audit(e)
	return nil
}

// maxStays is the most sessions of a person in an organisation that are told apart.
const maxStays = 1000

// auditSuperseded records which of the sessions that acted for an organisation do so no
// more because there were too many, each once.
func (g *Grant) auditSuperseded(ctx context.Context, organization string, before []directory.SessionStay) error {
	after, err := g.Store.SessionStays(ctx, organization, before[0].UserID, "", g.Now, maxStays)
	if err != nil {
		return err
	}
	for _, b := range before {
		if slices.ContainsFunc(after, func(a directory.SessionStay) bool { return a.SessionID == b.SessionID }) {
			continue
		}
		s, err := g.Store.Subject(ctx, b.SessionID, organization, g.Now)
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			return err
		}
		if m := s.Membership; m != nil && m.Stay.Ending == policy.Superseded {
			g.Audit(audit.Event{
				ID:     "superseded:" + b.SessionID.String() + ":" + organization + ":" + strconv.FormatInt(b.Stay.StartedAt, 10),
				Action: audit.LeaveOrganization, Reason: string(policy.Superseded), Actor: audit.Server,
				UserID: b.UserID, OrganizationID: organization, SessionID: b.SessionID.String(),
			})
		}
	}
	return nil
}

// Claims are those of a token for the session's organisation, as policy decided.
func (g *Grant) Claims(s *directory.Subject, d *policy.Decision) token.Claims {
	m, event := s.Membership, d.Stay.Authentication
	return token.Claims{
		Issuer: IssuerOf(g.Issuer, m.Organization.ID, d.Rules).URL, Subject: s.User.ID, Audience: []string{g.App.Audience},
		IssuedAt: g.Now, Expires: d.Expires, ID: rand.Text(),
		ClientID: g.App.ID, SessionID: s.Session.ID.String(),
		OrganizationID: m.Organization.ID, OrganizationSlug: m.Organization.Slug,
		Roles: m.Roles, Permissions: g.Workspace.Permissions(m.Roles),
		AuthTime: event.Time, ACR: event.ACR, AMR: event.AMR, Actor: g.actor(s),
	}
}

// actor is who acts, where it is not just the person: staff, and the app's server that
// holds the session.
func (g *Grant) actor(s *directory.Subject) (a *token.Actor) {
	if s.Membership.StaffUntil != 0 {
		a = &token.Actor{Subject: s.User.ID}
	}
	if s.Session.Holder == session.AppServer {
		a = &token.Actor{Subject: g.App.ID, Actor: a}
	}
	return a
}

// By is the trail's reason of what a person does in an organisation: audit.ByStaff, or
// none where they are a member.
func By(m *directory.Membership) string {
	if m.StaffUntil != 0 {
		return audit.ByStaff
	}
	return ""
}

// Sign signs claims as the app wants them, by the key that the rules demand. A token that
// no verifier would take is not signed: that is token.ErrTooLarge, and recorded once a day.
func (g *Grant) Sign(ctx context.Context, claims token.Claims, r policy.Rules) (string, error) {
	by := IssuerOf(g.Issuer, claims.OrganizationID, r)
	key, err := g.Keys.Signing(ctx, by.Organization, g.Workspace.Revision, g.Now)
	if err != nil {
		return "", err
	}
	signed, err := claims.Sign(token.SigningKey{
		ID: key.ID, Algorithm: string(key.Algorithm), Private: key.Private,
	}, g.App.Claims)
	if errors.Is(err, token.ErrTooLarge) {
		g.Audit(audit.Event{
			ID:     "too_large:" + claims.SessionID + ":" + claims.OrganizationID + ":" + strconv.FormatInt(g.Now/86_400, 10),
			Action: audit.MintToken, Outcome: audit.Refused, Reason: audit.TooLarge, Actor: audit.Server,
			UserID: claims.Subject, OrganizationID: claims.OrganizationID, SessionID: claims.SessionID,
		})
		err = fmt.Errorf("%w; the roles are %q, in %s, app %s: take permissions from them", err, claims.Roles, claims.OrganizationID, g.App.ID)
	}
	return signed, err
}

// TooLarge tells people that a token is not signed for its size.
const TooLarge = "What you may do in this organisation is more than an access token can say. Ask whoever runs this service to give your roles fewer permissions."
