package browserapi

import (
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/grant"
)

// token is POST /token. It mints an access token from the session that all tabs share,
// for the one organization that is active in this tab.
func (h *handler) token(c *authn.Request, request api.TokenRequest) (*api.TokenResponse, error) {
	// Authenticate: find the session and its user's membership in the organization.
	// At an origin that names one, no other organization is minted for.
	ref, err := c.Within(request.Organization)
	if err != nil {
		return nil, err
	}
	if err := c.For(request.User); err != nil {
		return nil, err
	}
	presented, subject, err := c.Authenticate(ref)
	if err != nil {
		return nil, err
	}

	// Mint: redeem the refresh token, usually without a write; let the policy decide;
	// sign a token for this organization only.
	minted, err := c.Grant().Mint(c.Ctx, presented, &subject, grant.Request{
		User: request.User, Organization: ref, Entering: request.Enter,
		IdleSeconds: request.IdleSeconds, DeviceBound: subject.Session.JKT != "",
	})

	// Rotate: set the successor of the refresh token if one is due, even if the mint is
	// refused.
	err = c.UpdateCookies(presented, subject.Session, minted, err)
	c.Record.Organization = minted.Organization
	if err != nil {
		return nil, mintRefusal(c, &minted, &subject, request.Enter, err)
	}
	return tokenResponse(c, &minted, &subject), nil
}

func tokenResponse(c *authn.Request, minted *grant.Minted, s *directory.Subject) *api.TokenResponse {
	m, d, claims := s.Membership, minted.Decision, &minted.Claims
	kind := api.TokenTypeBearer
	if claims.Confirmation != nil {
		kind = api.TokenTypeDPoP
	}
	return &api.TokenResponse{
		AccessToken: minted.Token, TokenType: kind,
		ExpiresIn: claims.Expires - c.Now, ServerTime: c.Now,
		Organization: api.Organization{ID: m.Organization.ID, Slug: m.Organization.Slug, Name: m.Organization.Name},
		Roles:        claims.Roles, Permissions: claims.Permissions,
		User: apiUser(s.User), Session: claims.SessionID, SessionExpiresIn: s.Session.ExpiresAt - c.Now,
		OrganizationSession: api.OrganizationSession{
			AuthTime: claims.AuthTime, ExpiresIn: secondsLeft(c, d.End), IdleExpiresIn: secondsLeft(c, d.IdleEnd),
			IdleTimeout: d.Rules.IdleTimeout, FreshOnSwitch: d.Rules.FreshOnSwitch,
		},
		DeviceBound: s.Session.JKT != "", Origins: originsOf(c), Accounts: c.AccountIDs(),
	}
}

// secondsLeft returns the time to a deadline, at least 1, or 0 without a deadline. A
// deadline has not passed within its own second.
func secondsLeft(c *authn.Request, deadline int64) int64 {
	if deadline == 0 {
		return 0
	}
	return max(1, deadline-c.Now)
}

func apiUser(u directory.User) api.User {
	return api.User{ID: u.ID, Name: u.Name, Email: u.Email, Issuer: u.Issuer, Subject: u.Subject}
}
