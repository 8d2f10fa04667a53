package httpapi

import (
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

// enter has policy decide whether the session may act for the organisation now,
// writes down what that changed, and refuses where policy does.
func (c *call) enter(request api.TokenRequest, s directory.Subject, m *directory.Membership) (policy.Decision, error) {
	facts := c.facts(s, m)
	facts.Entering = request.Enter
	if idle := request.IdleSeconds; idle != nil {
		if *idle < 0 {
			return policy.Decision{}, refuse(api.InvalidRequest, "idle_seconds is negative.")
		}
		facts.ActiveAt = c.now - *idle
	}
	rules, err := c.rules(s, m)
	if err != nil {
		return policy.Decision{}, err
	}
	d := policy.Decide(facts, rules, c.now)
	if d.Outcome == policy.StepUp { // unless the session has authenticated since its sign-in
		further, err := c.store.Authentications(c.ctx, s.Session.ID)
		if err != nil {
			return d, err
		}
		facts.Authentications = append(facts.Authentications, further...)
		d = policy.Decide(facts, rules, c.now)
	}
	if err := c.settle(s.Session, m, d); err != nil {
		return d, err
	}
	if d.Outcome != policy.Allow {
		return d, c.refusedBy(d, s, m)
	}
	return d, nil
}

// facts are what policy has to know of a session and an organisation.
func (c *call) facts(s directory.Subject, m *directory.Membership) policy.Subject {
	return policy.Subject{
		Organization: m.Organization.ID, Connection: m.Organization.Connection, SessionEnd: s.Session.ExpiresAt, DeviceBound: s.Session.JKT != "",
		Stay: m.Stay, Authentications: []policy.Authentication{signIn(s.Session)},
	}
}

func signIn(s session.Session) policy.Authentication {
	a := s.SignIn
	return policy.Authentication{Time: a.Time, ACR: a.ACR, AMR: a.AMR, Connection: a.Connection}
}

// rules are an organisation's effective ones. Only a workspace that ties its
// organisations' re-login together pays for a second read.
func (c *call) rules(s directory.Subject, m *directory.Membership) (policy.Rules, error) {
	if !c.workspace.Policy.StrictestRelogin {
		return policy.Effective(c.workspace.Policy, m.Organization.Rules, nil), nil
	}
	all, err := c.store.Memberships(c.ctx, s.Session.ID, maxMemberships)
	return policy.Effective(c.workspace.Policy, m.Organization.Rules, entered(all)), err
}

// entered are the rules of the organisations that a session acts for.
func entered(all []directory.Membership) (rules []policy.Rules) {
	for _, m := range all {
		if m.Stay.Live() {
			rules = append(rules, m.Organization.Rules)
		}
	}
	return rules
}

// settle writes down what a decision changed: on a steady mint nothing, or that
// the person is still active.
func (c *call) settle(s session.Session, m *directory.Membership, d policy.Decision) error {
	before, after, organization := m.Stay, d.Stay, m.Organization.ID
	if d.Lapsed.EndedAt != 0 {
		ended, err := c.store.Leave(c.ctx, s.ID, organization, d.Lapsed)
		if err == nil && !ended {
			err = refuse(api.RequestTooOld, "Somebody was active in another tab. Ask again.")
		}
		if err != nil {
			return err
		}
		c.audit(audit.Event{
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
		return c.begin(s, organization, after, d.Rules.MaxSessions)
	case !reflect.DeepEqual(after.Authentication, before.Authentication):
		if err := c.store.Raise(c.ctx, s.ID, organization, after.Authentication); err != nil {
			return err
		}
	}
	if after.ActiveAt == before.ActiveAt {
		return nil
	}
	return c.store.Touch(c.ctx, s.ID, organization, after)
}

// begin starts an organisation session; where the person has too many, others end.
func (c *call) begin(s session.Session, organization string, o policy.OrganizationSession, most int64) error {
	if err := c.store.Enter(c.ctx, s.ID, organization, o); err != nil {
		return err
	}
	c.audit(audit.Event{
		Action: audit.EnterOrganization, UserID: s.UserID, OrganizationID: organization, SessionID: s.ID.String(),
	})
	if most == 0 {
		return nil
	}
	return c.store.Supersede(c.ctx, s.ID, organization, most, c.now)
}

// endings tell people why an organisation session is over.
var endings = map[policy.Ending]string{
	policy.Idle:       "You were not active in this organisation for too long.",
	policy.Expired:    "Your time in this organisation is over.",
	policy.SignedOut:  "You signed out of this organisation.",
	policy.Revoked:    "An administrator of this organisation ended your session in it.",
	policy.Superseded: "You went on with this organisation in another browser.",
}

// refusedBy is the answer to what policy did not allow.
func (c *call) refusedBy(d policy.Decision, s directory.Subject, m *directory.Membership) *refusal {
	var r *refusal
	switch d.Outcome {
	case policy.DenyEnded:
		r = refuse(api.OrganizationSessionExpired, endings[d.Stay.Ending])
	case policy.DenyWithoutKey:
		r = refuse(api.DeviceKeyRequired, "This organisation asks for a session that is bound to this browser. Sign in again.")
	case policy.DenyContradiction:
		r = refuse(api.OrganizationAccessDenied, noAccess)
	default:
		r = refuse(api.InsufficientUserAuthentication, "This organisation asks you to confirm that it is you.")
		r.ACRValues, r.MaxAge = strings.Join(d.Challenge.ACRValues, " "), d.Challenge.MaxAge
		r.LoginURL = c.stepUpURL(d.Challenge, s.User.ID, m.Organization.ID)
	}
	if r.Reason = string(d.Stay.Ending); d.Outcome == policy.DenyWithoutKey {
		r.Reason = api.ReasonPolicy
	}
	return r
}

// stepUpURL is where a challenge is met. It names the person and the organisation
// that it is for; what comes of it is judged by the identity token alone.
func (c *call) stepUpURL(ask policy.Challenge, user, organization string) string {
	query := url.Values{api.ParamApp: {c.app.ID}, api.ParamOrganization: {organization}, api.ParamUser: {user}}
	if len(ask.ACRValues) > 0 {
		query.Set(api.ParamACRValues, strings.Join(ask.ACRValues, " "))
	}
	if ask.MaxAge != nil {
		query.Set(api.ParamMaxAge, strconv.FormatInt(*ask.MaxAge, 10))
	}
	if ask.Login {
		query.Set(api.ParamPrompt, "login")
	}
	return c.issuer + api.PathLogin + "?" + query.Encode()
}
