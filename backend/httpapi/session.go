package httpapi

import (
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/policy"
)

// maxMemberships is the most organisations that a person is told of.
const maxMemberships = 1000

// session is GET /session: who is signed in, and where they may go. It mints and
// changes nothing: the verdict on the refresh token has no effect.
func (c *call) session(struct{}) (*api.SessionResponse, error) {
	subject, err := c.reader()
	if err != nil {
		return nil, err
	}
	s := subject.Session
	members, err := c.store.Memberships(c.ctx, s.ID, maxMemberships, c.now)
	if err != nil {
		return nil, err
	}
	further, err := c.store.Authentications(c.ctx, s.ID)
	if err != nil {
		return nil, err
	}
	organizations := []api.OrganizationState{}
	for _, m := range members {
		facts := grant.Facts(&subject.Session, &m)
		facts.Entering, facts.Authentications = true, append(facts.Authentications, further...)
		rules := policy.Effective(c.workspace.Policy, m.Organization.Rules, grant.Entered(members))
		d := policy.Decide(facts, rules, c.now)
		if d.Outcome == policy.DenyStaff {
			continue
		}
		organizations = append(organizations, api.OrganizationState{
			ID: m.Organization.ID, Slug: m.Organization.Slug, Name: m.Organization.Name,
			Roles: m.Roles, State: state(d, m.Stay),
		})
	}
	return &api.SessionResponse{
		Session: s.ID.String(), App: c.app.ID, User: person(subject.User), Organizations: organizations,
		ExpiresIn: s.ExpiresAt - c.now, ServerTime: c.now, DeviceBound: s.JKT != "",
	}, nil
}

// state is what the person would meet on entering.
func state(d policy.Decision, stay policy.OrganizationSession) string {
	switch {
	case d.Outcome == policy.Allow && stay.Live() && d.Lapsed.EndedAt == 0:
		return api.StateActive
	case d.Outcome == policy.Allow:
		return api.StateAvailable
	case d.Stay.Lapsed() != 0:
		return api.StateExpired
	}
	return api.StateStepUpRequired
}
