// Package grant implements the steps that every grant of an access token shares: redeem
// the presented refresh token, let policy decide, record the changes, and sign.
// browserapi calls it for browsers and crossapp for other servers. Read mint.go first.
package grant

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/orgsession"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/token"
)

// Store is the part of the store that grants need.
type Store interface {
	session.Store
	directory.Store
	orgsession.Store
	// SecretKey returns the records of a value of the workspace's secret.
	SecretKey(ctx context.Context, id string) ([]signingkey.ReplicaKey, error)
}

// Grant is one grant in progress. Now is in Unix seconds.
type Grant struct {
	Issuer    string
	Store     Store
	Keys      *signingkey.KeyRing
	Workspace *directory.Workspace
	App       directory.App
	Now       int64
	audit.Trail
	// Revalidator asks the providers of sessions. Nil asks none.
	Revalidator Revalidator
	// Begin begins a redemption and returns its result when it is asked for. Nil means that
	// the database is near, so that nothing is gained by that.
	Begin func(redeem func() (session.Row, error)) func() (session.Row, error)
}

// Request is the request for an access token.
type Request struct {
	// User is the id of the person that the client expects. Empty accepts any person.
	User string
	// Organization is the id or slug that the subject was read with. Empty requests the
	// person's only organization.
	Organization string
	// Entering means that a person chose the organization. Entering accepts an
	// invitation.
	Entering bool
	// IdleSeconds is the time since the person's last input there. Nil reports no
	// activity.
	IdleSeconds *int64
	// DeviceBound means that the request proved possession of a device key.
	DeviceBound bool
}

// Check refuses an impossible report of activity with ErrIdle.
func (a Request) Check() error {
	if a.IdleSeconds != nil && *a.IdleSeconds < 0 {
		return ErrIdle
	}
	return nil
}

// activeAt returns when the person was last active, or 0 if the request does not report
// it.
func (a Request) activeAt(now int64) int64 {
	if a.IdleSeconds == nil {
		return 0
	}
	return now - *a.IdleSeconds
}

// maxMemberships is the largest number of a person's organizations whose rules are
// read.
const maxMemberships = 1000

// Decide returns policy's decision on whether the session may act for the organization
// now, and records the changes. The caller must refuse if the outcome is not Allow.
func (g *Grant) Decide(ctx context.Context, s *directory.Subject, request Request) (*policy.Decision, error) {
	d, err := g.Judge(ctx, s, request)
	if err != nil {
		return nil, err
	}
	sessions := orgsession.Transitions{Store: g.Store, Now: g.Now, Trail: g.Trail}
	return &d, sessions.Apply(ctx, &s.Session, s.Membership, &d)
}

// Judge returns policy's decision as Decide does, and changes nothing.
func (g *Grant) Judge(ctx context.Context, s *directory.Subject, request Request) (policy.Decision, error) {
	m := s.Membership
	input := Input(&s.Session, m)
	input.Entering, input.ActiveAt, input.DeviceBound = request.Entering, request.activeAt(g.Now), request.DeviceBound
	rules, err := g.rules(ctx, s.Session.SignInID(), m)
	if err != nil {
		return policy.Decision{}, err
	}
	d := policy.Decide(input, rules, g.Now)
	if d.Outcome == policy.StepUp { // the session may have authenticated since its sign-in
		further, err := g.Store.Authentications(ctx, s.Session.SignInID())
		if err != nil {
			return d, err
		}
		input.Authentications = append(input.Authentications, further...)
		d = policy.Decide(input, rules, g.Now)
	}
	return d, nil
}

// Input returns policy's input about a session and an organization.
func Input(s *session.Session, m *directory.Membership) policy.Subject {
	return policy.Subject{
		Organization: m.Organization.ID, Connection: m.Organization.Connection, SessionEnd: s.ExpiresAt, StaffUntil: m.StaffUntil, DeviceBound: s.JKT != "",
		OrganizationSession: m.OrganizationSession, Authentications: []policy.Authentication{s.SignIn},
	}
}

// rules returns an organization's effective rules. A second read is needed only if the
// workspace ties the re-login of its organizations together.
func (g *Grant) rules(ctx context.Context, id session.ID, m *directory.Membership) (policy.Rules, error) {
	if !g.Workspace.Policy.StrictestRelogin {
		return policy.Effective(g.Workspace.Policy, m.Organization.Rules, nil), nil
	}
	all, err := g.Store.Memberships(ctx, id, maxMemberships, g.Now)
	return policy.Effective(g.Workspace.Policy, m.Organization.Rules, Entered(all)), err
}

// Entered returns the rules of the organizations that a session acts for.
func Entered(all []directory.Membership) (rules []policy.Rules) {
	for _, m := range all {
		if m.OrganizationSession.Live() {
			rules = append(rules, m.Organization.Rules)
		}
	}
	return rules
}

// Claims returns the claims of a token for the session's organization according to
// policy's decision.
func (g *Grant) Claims(s *directory.Subject, d *policy.Decision) token.Claims {
	m, event := s.Membership, d.OrganizationSession.Authentication
	claims := token.Claims{
		Issuer: IssuerOf(g.Issuer, m.Organization.ID, d.Rules).URL, Subject: s.User.ID, Audience: []string{g.App.Audience},
		IssuedAt: g.Now, Expires: d.Expires, ID: rand.Text(),
		ClientID: g.App.ID, SessionID: s.Session.SignInID().String(),
		OrganizationID: m.Organization.ID, OrganizationSlug: m.Organization.Slug,
		Roles: m.Roles, Permissions: g.Workspace.Permissions(m.Roles),
		AuthTime: event.Time, ACR: event.ACR, AMR: event.AMR, Actor: g.actor(s), Event: s.Event,
	}
	if g.App.DPoPBoundTokens && s.Session.JKT != "" {
		claims.Confirmation = &token.Confirmation{JKT: s.Session.JKT}
	}
	if len(g.App.StatedClaims) > 0 {
		g.App.State(&claims, directory.Known{
			Organization: m.Organization.Attributes, Member: m.Attributes, Provider: s.ProviderClaims.Of(event.Connection),
		})
	}
	return claims
}

// actor returns the acting party if it is not just the person: staff, and the app's
// server that holds the session.
func (g *Grant) actor(s *directory.Subject) (a *token.Actor) {
	if s.Membership.StaffUntil != 0 {
		a = &token.Actor{Subject: s.User.ID}
	}
	if s.Session.Holder == session.AppServer {
		a = &token.Actor{Subject: g.App.ID, Actor: a}
	}
	return a
}

// Sign signs claims in the form that the app expects, with the key that the rules
// require. A token too large for a verifier is not signed: the error is
// token.ErrTooLarge, which is recorded once a day.
func (g *Grant) Sign(ctx context.Context, claims token.Claims, r policy.Rules) (string, error) {
	by := IssuerOf(g.Issuer, claims.OrganizationID, r)
	key, err := g.Keys.Signing(ctx, by.Organization, g.Workspace.Revision, g.Now)
	if err != nil {
		return "", err
	}
	signed, err := claims.Sign(token.SigningKey{
		ID: key.ID, Algorithm: string(key.Algorithm), Private: key.Private,
	}, g.aliases(claims))
	if errors.Is(err, token.ErrTooLarge) {
		g.Audit(audit.Event{
			ID:     "too_large:" + claims.SessionID + ":" + claims.OrganizationID + ":" + strconv.FormatInt(g.Now/86_400, 10),
			Action: audit.MintToken, Outcome: audit.Refused, Reason: audit.TooLarge, Actor: audit.Server,
			UserID: claims.Subject, OrganizationID: claims.OrganizationID, SessionID: claims.SessionID,
		})
		err = fmt.Errorf("%w; roles %q, in %s, app %s: remove permissions from them", err, claims.Roles, claims.OrganizationID, g.App.ID)
	}
	return signed, err
}

// aliases returns the aliases of a token's claims. A lent token has only those that the
// app lists.
func (g *Grant) aliases(claims token.Claims) map[string]string {
	if !claims.Lent {
		return g.App.Claims
	}
	all := map[string]string{}
	for _, name := range g.App.LentClaims {
		if claim, is := g.App.Claims[name]; is {
			all[name] = claim
		}
	}
	return all
}

// TooLarge is the text for people if a token is not signed for its size.
const TooLarge = "Your permissions in this organization do not fit into an access token. Ask the operator of this service to give your roles fewer permissions."
