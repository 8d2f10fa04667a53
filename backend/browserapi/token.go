package browserapi

import (
	"slices"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/signin"
	"github.com/tabard-auth/tabard/backend/token"
)

// token is POST /token, and the product: from the identity that all tabs share it
// mints an access token for the one organisation that this tab wears.
func (h *handler) token(c *authn.Request, request api.TokenRequest) (*api.TokenResponse, error) {
	// Authenticate: which session is it, and where does its person stand?
	presented, subject, err := c.Authenticate(request.Organization)
	if err != nil {
		return nil, err
	}

	// Rotate: what does the refresh token mean to its session? Usually nothing is
	// written; now and then the browser gets a successor.
	if err := c.Present(presented, subject.Session); err != nil {
		return nil, err
	}

	// Decide: may this person act for this organisation, and until when?
	if err := expect(c, request.User, subject); err != nil {
		return nil, err
	}
	subject.Membership, err = member(c, request, subject)
	if err != nil {
		return nil, err
	}
	c.Record.Organization = subject.Membership.Organization.ID
	decision, err := enter(c, request, &subject)
	if err != nil {
		return nil, err
	}

	// Mint: a token for this organisation and no other.
	claims := claims(c, &subject, decision)
	signed, err := c.Grant().Sign(c.Ctx, claims, decision.Rules)
	if err != nil {
		return nil, err
	}
	return minted(c, signed, &claims, &subject, decision), nil
}

// expect refuses where another person signed in than the tab believes: their
// token never reaches a tab that shows somebody else's data.
func expect(c *authn.Request, user string, subject directory.Subject) error {
	if user != "" && user != subject.User.ID {
		return refusal.New(api.IdentityChanged, "Somebody else has signed in.")
	}
	return nil
}

// noAccess is the same for an organisation that does not exist.
const noAccess = "You do not have access to this organisation."

// member returns the person's place in the organisation that was named, or in the
// only one that they have where none was. Whoever enters by choice accepts an
// invitation.
func member(c *authn.Request, request api.TokenRequest, subject directory.Subject) (*directory.Membership, error) {
	if err := authn.Enabled(subject.User); err != nil {
		return nil, err
	}
	if request.Organization != "" {
		m, err := subject.Membership, error(nil)
		if m == nil && request.Enter {
			m, err = signin.Accept(c, subject, request.Organization)
		}
		if m == nil && err == nil {
			err = refusal.New(api.OrganizationAccessDenied, noAccess)
		}
		return m, err
	}
	all, err := c.Store.Memberships(c.Ctx, subject.Session.ID, maxMemberships, c.Now)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(m directory.Membership) bool { return forbidden(c, m) })
	if len(all) != 1 {
		return nil, refusal.New(api.OrganizationRequired, "Name the organisation.")
	}
	return &all[0], nil
}

// forbidden tells staff access that the organisation, or the workspace, forbids.
func forbidden(c *authn.Request, m directory.Membership) bool {
	return m.StaffUntil != 0 && policy.Strictest(c.Workspace.Policy, m.Organization.Rules).NoStaff
}

func claims(c *authn.Request, s *directory.Subject, d *policy.Decision) token.Claims {
	claims := c.Grant().Claims(s, d)
	if c.App.DPoPBoundTokens && s.Session.JKT != "" {
		claims.Confirmation = &token.Confirmation{JKT: s.Session.JKT}
	}
	return claims
}

func minted(c *authn.Request, signed string, claims *token.Claims, s *directory.Subject, d *policy.Decision) *api.TokenResponse {
	m := s.Membership
	kind := api.TokenTypeBearer
	if claims.Confirmation != nil {
		kind = api.TokenTypeDPoP
	}
	return &api.TokenResponse{
		AccessToken: signed, TokenType: kind,
		ExpiresIn: claims.Expires - c.Now, ServerTime: c.Now,
		Organization: api.Organization{ID: m.Organization.ID, Slug: m.Organization.Slug, Name: m.Organization.Name},
		Roles:        claims.Roles, Permissions: claims.Permissions,
		User: person(s.User), Session: claims.SessionID, SessionExpiresIn: s.Session.ExpiresAt - c.Now,
		OrganizationSession: api.OrganizationSession{
			AuthTime: claims.AuthTime, ExpiresIn: left(c, d.End), IdleExpiresIn: left(c, d.IdleEnd),
			IdleTimeout: d.Rules.IdleTimeout, FreshOnSwitch: d.Rules.FreshOnSwitch,
		},
		DeviceBound: s.Session.JKT != "",
	}
}

// left counts to a deadline, which in its own second is not yet over; 0 means that
// there is none.
func left(c *authn.Request, deadline int64) int64 {
	if deadline == 0 {
		return 0
	}
	return max(1, deadline-c.Now)
}

func person(u directory.User) api.User {
	return api.User{ID: u.ID, Name: u.Name, Email: u.Email, Issuer: u.Issuer, Subject: u.Subject}
}
