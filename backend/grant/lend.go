package grant

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/token"
)

// The errors of Lend, besides those of Mint.
var (
	// ErrStale asks for a mint first: the refresh token is due for its rotation, or not
	// acknowledged. Lending never rotates it, and would let a copy live on unseen.
	ErrStale = errors.New("grant: the refresh token has to be renewed before a token is lent")
	// ErrAudience refuses an audience that the app does not list.
	ErrAudience = errors.New("grant: the audience is none of the app's")
	// ErrBeyond refuses permissions that the person does not have.
	ErrBeyond = errors.New("grant: the person does not have the permissions")
)

// Loan is the request for a narrower token.
type Loan struct {
	// User is the field of [Request].
	User string
	// Audience is the app's own, if empty.
	Audience string
	// Permissions are all that the person has, if nil.
	Permissions []string
	// Seconds is the longest life of the token. 0 is that of the tab's own.
	Seconds int64
	// JKT is the thumbprint of the borrower's key, or empty.
	JKT string
}

// Lend signs an access token that is narrower than the one that Mint would sign now, for
// an organization session that lives. It spends nothing: it writes neither the session
// nor the organization session, and counts as no use of them. Only theft of the refresh
// token is recorded, as at a mint.
func (g *Grant) Lend(ctx context.Context, presented session.Token, s *directory.Subject, l Loan) (m Minted, err error) {
	if m.Ended, err = g.fresh(ctx, presented, s); err != nil {
		return m, err
	}
	if s.Session.RevalidationDue(g.Now) {
		organization := ""
		if s.Membership != nil {
			organization = s.Membership.Organization.ID
		}
		if m.Ended, err = g.revalidate(ctx, s, organization); err != nil {
			return m, err
		}
	}
	switch {
	case !s.Is(l.User):
		return m, ErrOtherPerson
	case s.User.Disabled:
		return m, ErrDisabled
	case s.Membership == nil:
		return m, ErrNotAdmitted
	}
	m.Organization = s.Membership.Organization.ID
	d, err := g.Judge(ctx, s, Request{DeviceBound: s.Session.JKT != ""})
	if err != nil {
		return m, err
	}
	if m.Decision = &d; d.Outcome == policy.Allow && (d.Lapsed.EndedAt != 0 || !s.Membership.OrganizationSession.Live()) {
		m.Decision.Outcome = policy.DenyEnded // to be entered, which only a mint does
	}
	if m.Decision.Outcome != policy.Allow {
		return m, ErrDenied
	}
	if m.Claims, err = g.narrow(s, &d, l); err != nil {
		return m, err
	}
	m.Token, err = g.Sign(ctx, m.Claims, d.Rules)
	return m, err
}

// fresh refuses a refresh token that is due for its rotation, or is a successor that was
// not presented to a mint yet. A stolen one ends the session.
func (g *Grant) fresh(ctx context.Context, presented session.Token, s *directory.Subject) (ended session.Reason, err error) {
	verdict := session.Judge(s.Session.Row, g.Redemption(presented, &s.Session))
	if !verdict.Outcome.Mints() {
		if verdict, err = g.redeem(ctx, presented, &s.Session); err == nil && !verdict.Outcome.Mints() {
			return verdict.After.RevokeReason, ErrEnded
		}
	}
	if err == nil && (verdict.Outcome != session.Current || verdict.Successor) {
		err = ErrStale
	}
	return "", err
}

// narrow returns the claims of a lent token: those of the token that a mint would sign,
// without what was not asked for.
func (g *Grant) narrow(s *directory.Subject, d *policy.Decision, l Loan) (token.Claims, error) {
	claims := g.Claims(s, d)
	claims.Lent, claims.ID = true, rand.Text()
	if l.Audience != "" && l.Audience != g.App.Audience {
		if !g.Workspace.Lends(g.App, l.Audience) {
			return claims, ErrAudience
		}
		claims.Audience = []string{l.Audience}
	}
	if l.Permissions != nil {
		for _, permission := range l.Permissions {
			if !claims.Allows(permission) {
				return claims, ErrBeyond
			}
		}
		claims.Permissions = slices.Compact(slices.Sorted(slices.Values(l.Permissions)))
	}
	claims.Roles = []string{}
	if l.Seconds > 0 {
		claims.Expires = min(claims.Expires, g.Now+l.Seconds)
	}
	if l.JKT != "" {
		claims.Confirmation = &token.Confirmation{JKT: l.JKT}
	}
	for name := range claims.Further {
		if !slices.Contains(g.App.LentClaims, name) {
			delete(claims.Further, name)
		}
	}
	return claims, nil
}
