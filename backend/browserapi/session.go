package browserapi

import (
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

// maxMemberships is the largest number of organizations in one answer; the next answer
// has those that follow.
const maxMemberships = 1000

// session is GET /session: the signed-in user and their organizations. It does not
// change state.
func (h *handler) session(c *authn.Request, _ struct{}) (*api.SessionResponse, error) {
	var reads sessionReads
	c.Beside = func(id session.ID) { reads.begin(c, id) }
	subject, err := readOnlySubject(c)
	if err != nil {
		return nil, err
	}
	return sessionResponse(c, &subject, &reads)
}

// sessionReads are what GET /session reads beside the session.
type sessionReads struct {
	of              session.ID
	memberships     func() (page, error)
	authentications func() ([]policy.Authentication, error)
}

// begin begins the reads of a session.
func (r *sessionReads) begin(c *authn.Request, id session.ID) {
	r.of = id
	r.memberships = authn.Begin(c, func() (page, error) { return membershipPage(c, id) })
	r.authentications = authn.Begin(c, func() ([]policy.Authentication, error) { return c.Store.Authentications(c.Ctx, id) })
}

// sessionResponse returns the user and a page of their organizations.
func sessionResponse(c *authn.Request, subject *directory.Subject, reads *sessionReads) (*api.SessionResponse, error) {
	s := subject.Session
	found, err := reads.memberships()
	if err != nil {
		return nil, err
	}
	members, next := found.members, found.next
	further, err := reads.authentications()
	if of := s.SignInID(); err == nil && of != reads.of {
		further, err = c.Store.Authentications(c.Ctx, of)
	}
	if err != nil {
		return nil, err
	}
	entered := grant.Entered(members)
	if c.Only != "" {
		if members, err = onlyMembership(c, s.ID); err != nil {
			return nil, err
		}
		next = ""
	}
	organizations := []api.OrganizationState{}
	for _, m := range members {
		input := grant.Input(&subject.Session, &m)
		input.Entering, input.Authentications = true, append(input.Authentications, further...)
		rules := policy.Effective(c.Workspace.Policy, m.Organization.Rules, entered)
		d := policy.Decide(input, rules, c.Now)
		if d.Outcome == policy.DenyStaff {
			continue
		}
		organizations = append(organizations, api.OrganizationState{
			ID: m.Organization.ID, Slug: m.Organization.Slug, Name: m.Organization.Name,
			Roles: m.Roles, State: state(d, m.OrganizationSession),
		})
	}
	people, err := c.Accounts()
	if err != nil {
		return nil, err
	}
	return &api.SessionResponse{
		Session: s.ID.String(), App: c.App.ID, User: apiUser(subject.User), Organizations: organizations,
		ExpiresIn: s.ExpiresAt - c.Now, ServerTime: c.Now, DeviceBound: s.JKT != "", Next: next, Origins: originsOf(c), Accounts: people,
	}, nil
}

// page is a page of a user's organizations, and where the next one begins.
type page struct {
	members []directory.Membership
	next    string
}

// membershipPage returns the page that a request asks for.
func membershipPage(c *authn.Request, id session.ID) (p page, err error) {
	var members []directory.Membership
	if after := c.R.URL.Query().Get(api.ParamAfter); after == "" {
		members, err = c.Store.Memberships(c.Ctx, id, maxMemberships+1, c.Now)
	} else if authn.ValidRef(after) {
		members, err = c.Store.MembershipsAfter(c.Ctx, id, after, maxMemberships+1, c.Now)
	}
	if len(members) > maxMemberships {
		members = members[:maxMemberships]
		p.next = members[maxMemberships-1].Organization.ID
	}
	p.members = members
	return p, err
}

// onlyMembership returns the user's membership in the only organization that the page acts
// for, if any.
func onlyMembership(c *authn.Request, id session.ID) ([]directory.Membership, error) {
	s, err := c.Store.Subject(c.Ctx, id, c.Only, c.Now)
	if err != nil || s.Membership == nil {
		return nil, err
	}
	return []directory.Membership{*s.Membership}, nil
}

// state returns the result of entering the organization.
func state(d policy.Decision, current policy.OrganizationSession) string {
	switch {
	case d.Outcome == policy.Allow && current.Live() && d.Lapsed.EndedAt == 0:
		return api.StateActive
	case d.Outcome == policy.Allow:
		return api.StateAvailable
	case d.OrganizationSession.Lapsed() != 0:
		return api.StateExpired
	}
	return api.StateStepUpRequired
}
