package httpapi

import (
	"net/http"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
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
	members, err := c.store.Memberships(c.ctx, s.ID, maxMemberships)
	if err != nil {
		return nil, err
	}
	organizations := make([]api.OrganizationState, len(members))
	for i, m := range members {
		organizations[i] = api.OrganizationState{
			ID: m.Organization.ID, Slug: m.Organization.Slug, Name: m.Organization.Name,
			Roles: m.Roles, State: state(m),
		}
	}
	return &api.SessionResponse{
		Session: s.ID.String(), App: c.app.ID, User: person(subject.User), Organizations: organizations,
		ExpiresIn: s.ExpiresAt - c.now, ServerTime: c.now, DeviceBound: s.JKT != "",
	}, nil
}

func state(m directory.Membership) string {
	if m.Entered != nil && m.Entered.EndedAt == 0 {
		return api.StateActive
	}
	return api.StateAvailable
}

// reading tells that the request must change nothing.
func (c *call) reading() bool {
	return c.r.Method == http.MethodGet || c.r.Method == http.MethodHead
}
