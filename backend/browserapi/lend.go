package browserapi

import (
	"errors"
	"regexp"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// thumbprint is the form of a SHA-256 thumbprint (RFC 7638).
var thumbprint = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// lend is POST /lend. It mints a token that is narrower than the tab's own, for a worker,
// a frame or a further API. The refresh token stays as it is.
func (h *handler) lend(c *authn.Request, request api.LendRequest) (*api.LendResponse, error) {
	loan, err := loanOf(request)
	if err != nil {
		return nil, err
	}
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
	lent, err := c.Grant().Lend(c.Ctx, presented, &subject, loan)
	if c.Record.Organization = lent.Organization; err != nil {
		if errors.Is(err, grant.ErrEnded) {
			c.ClearSession(subject.Session)
		}
		return nil, lendRefusal(c, &lent, &subject, err)
	}
	kind := api.TokenTypeBearer
	if lent.Claims.Confirmation != nil {
		kind = api.TokenTypeDPoP
	}
	return &api.LendResponse{
		AccessToken: lent.Token, TokenType: kind, ExpiresIn: lent.Claims.Expires - c.Now, ServerTime: c.Now,
		Organization: lent.Organization, Audience: lent.Claims.Audience[0], Permissions: lent.Claims.Permissions,
	}, nil
}

// loanOf reads a request.
func loanOf(r api.LendRequest) (grant.Loan, error) {
	loan := grant.Loan{User: r.User, Audience: r.Audience, Seconds: r.Seconds, JKT: r.JKT}
	switch {
	case r.Organization == "":
		return loan, refusal.New(api.OrganizationRequired, "Name the organization.")
	case r.Seconds < 0:
		return loan, refusal.New(api.InvalidRequest, "seconds is negative.")
	case r.JKT != "" && !thumbprint.MatchString(r.JKT):
		return loan, refusal.New(api.InvalidRequest, "jkt is not a SHA-256 thumbprint of a key (RFC 7638).")
	}
	if r.Permissions != nil {
		loan.Permissions = append([]string{}, strings.Fields(*r.Permissions)...)
	}
	return loan, nil
}

// lendRefusal returns the refusal of a lent token.
func lendRefusal(c *authn.Request, m *grant.Minted, s *directory.Subject, err error) error {
	switch {
	case errors.Is(err, grant.ErrStale):
		return refusal.New(api.RequestTooOld, "Renew the tab's own access token, and ask again.").Expected()
	case errors.Is(err, grant.ErrAudience):
		return refusal.New(api.InvalidRequest, "The app's further_audiences in the workspace file do not have this audience.")
	case errors.Is(err, grant.ErrBeyond):
		return refusal.New(api.InsufficientPermissions, "You do not have all of these permissions in this organization.")
	}
	return mintRefusal(c, m, s, true, err)
}
