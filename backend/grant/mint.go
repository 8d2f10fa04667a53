package grant

import (
	"context"
	"errors"
	"slices"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/token"
)

// The errors of Mint, besides orgsession.ErrOvertaken, orgsession.ErrEnded and
// token.ErrTooLarge.
var (
	ErrEnded       = errors.New("grant: the session has ended") // Minted.Ended is the reason
	ErrOtherPerson = errors.New("grant: another person is signed in than the one expected")
	ErrDisabled    = errors.New("grant: the person is disabled")
	ErrUnnamed     = errors.New("grant: no organization is named, and the person does not have exactly one")
	ErrNotAdmitted = errors.New("grant: the organization does not exist, or does not admit the person")
	ErrIdle        = errors.New("grant: the time since the person's last input is negative")
	// ErrUnconfirmed is temporary: it ends nothing.
	ErrUnconfirmed = errors.New("grant: the person's identity provider has not answered for too long")
	ErrDenied      = errors.New("grant: policy does not allow it") // Minted.Decision has the details
)

// Minted is the result of a request for an access token. If it is refused, it holds the
// results up to that point.
type Minted struct {
	// Ended is why the session has ended, with ErrEnded.
	Ended session.Reason
	// Successor is the next refresh token if one is due, different in every answer. Nil
	// keeps the presented one. It is valid even if the request is refused later.
	Successor *session.Token
	// Current is the id of the session's current refresh token, once the one presented was
	// judged.
	Current session.TokenID
	// Organization is the id of the one that admits the person.
	Organization string
	Decision     *policy.Decision
	Claims       token.Claims
	Token        string
}

// Mint redeems an authentic refresh token of s, lets policy decide, and signs an access
// token for the requested organization only. Theft of the token is detected before any
// other refusal. It updates s to the person's current membership.
func (g *Grant) Mint(ctx context.Context, presented session.Token, s *directory.Subject, request Request) (m Minted, err error) {
	if g.Begin != nil && g.usesOnly(presented, &s.Session) {
		return g.mintWithUse(ctx, presented, s, request)
	}
	verdict, err := g.redeem(ctx, presented, &s.Session)
	if err == nil {
		err = g.succeed(&m, s, verdict)
	}
	if err == nil {
		err = g.mint(ctx, s, request, &m)
	}
	return m, err
}

// succeed puts into m what follows from the verdict on the refresh token. It returns
// ErrEnded if the session has ended.
func (g *Grant) succeed(m *Minted, s *directory.Subject, verdict session.Verdict) error {
	if !verdict.Outcome.Mints() {
		*m = Minted{Ended: verdict.After.RevokeReason}
		return ErrEnded
	}
	m.Current = verdict.After.Cur
	if verdict.Successor {
		next := session.Successor(s.Session.ID, verdict.After, session.NewTokenID(), g.Now)
		m.Successor = &next
	}
	return nil
}

// mint lets policy decide about a session whose refresh token was redeemed, and signs.
func (g *Grant) mint(ctx context.Context, s *directory.Subject, request Request, m *Minted) (err error) {
	if s.Session.RevalidationDue(g.Now) {
		if m.Ended, err = g.revalidate(ctx, s, request.Organization); err != nil {
			return err
		}
	}
	if err := g.admit(ctx, s, request); err != nil {
		return err
	}
	m.Organization = s.Membership.Organization.ID
	if err := request.Check(); err != nil {
		return err
	}
	if m.Decision, err = g.Decide(ctx, s, request); err != nil {
		return err
	}
	if m.Decision.Outcome != policy.Allow {
		return ErrDenied
	}

	m.Claims = g.Claims(s, m.Decision)
	m.Token, err = g.Sign(ctx, m.Claims, m.Decision.Rules)
	return err
}

// admit finds the person's membership in the named organization, or the only one if
// none was named.
func (g *Grant) admit(ctx context.Context, s *directory.Subject, request Request) (err error) {
	switch {
	case !s.Is(request.User):
		return ErrOtherPerson
	case s.User.Disabled:
		return ErrDisabled
	case request.Organization == "":
		s.Membership, err = g.onlyMembership(ctx, s)
	case s.Membership == nil && request.Entering:
		s.Membership, err = g.Accept(ctx, s, request.Organization)
	}
	if err == nil && s.Membership == nil {
		err = ErrNotAdmitted
	}
	return err
}

// onlyMembership returns the person's only membership.
func (g *Grant) onlyMembership(ctx context.Context, s *directory.Subject) (*directory.Membership, error) {
	all, err := g.Store.Memberships(ctx, s.Session.ID, maxMemberships, g.Now)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, g.forbidden)
	if len(all) != 1 {
		return nil, ErrUnnamed
	}
	return &all[0], nil
}

// forbidden reports whether it is staff access that the organization or the workspace
// forbids.
func (g *Grant) forbidden(m directory.Membership) bool {
	return m.StaffUntil != 0 && policy.Strictest(g.Workspace.Policy, m.Organization.Rules).NoStaff
}
