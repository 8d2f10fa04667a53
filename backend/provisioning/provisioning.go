// Package provisioning updates memberships and roles from what a provider says of a
// person, at a sign-in and at a revalidation alike.
package provisioning

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
)

// Store is the part of the store that provisioning needs.
type Store interface {
	// ClaimedRoles returns the user's roles by organization that a membership claim
	// gave.
	ClaimedRoles(ctx context.Context, userID string) (map[string][]string, error)
	// Member returns a user's membership in an organization, or directory.ErrNoMember.
	Member(ctx context.Context, organizationID, userID string) (directory.MemberRecord, error)
	// The methods of directory.Store and directory.Connections.
	ReplaceClaimed(ctx context.Context, userID string, roles map[string][]string, now int64) error
	Provision(ctx context.Context, userID, organizationID string, roles []string, admit bool, now int64) error
	Deprovision(ctx context.Context, userID, organizationID string) error
	// ProviderClaims returns what providers said of a user.
	ProviderClaims(ctx context.Context, userID string) (directory.ProviderClaims, error)
	// ChangeProviderClaims replaces it, as it was read. Error: directory.ErrOvertaken.
	ChangeProviderClaims(ctx context.Context, userID string, from, to directory.ProviderClaims) error
}

// Update updates the memberships of people. Now is in Unix seconds.
type Update struct {
	Store     Store
	Workspace *directory.Workspace
	Now       int64
	// Audit records an event. If that fails, it logs the event that the audit log
	// misses.
	Audit func(audit.Event) error
}

// AddUserInfo fetches userinfo if memberships or roles come from there. own is nil for
// the workspace's provider.
func (u Update) AddUserInfo(ctx context.Context, provider *login.Provider, own *directory.Connection, i *login.Identity) error {
	if u.source(own) != directory.FromUserInfo {
		return nil
	}
	return provider.AddUserInfo(ctx, i)
}

func (u Update) source(own *directory.Connection) directory.ClaimSource {
	switch {
	case own != nil:
		return own.Provisioning.ClaimSource
	case u.Workspace.MembershipClaim != nil:
		return u.Workspace.MembershipClaim.ClaimSource
	}
	return directory.FromIDToken
}

// Says reports whether an identity has the claims about memberships. That of a refresh
// response may lack an identity token.
func (u Update) Says(own *directory.Connection, i login.Identity) bool {
	return i.Token != "" || u.source(own) == directory.FromUserInfo
}

// Claims returns the claims of an identity.
func Claims(i login.Identity) directory.Claims {
	return directory.Claims{IdentityToken: i.Signed, UserInfo: i.UserInfo, Either: i.Claims}
}

// Apply updates the user's memberships from the claims of an identity: the one in the
// organization of its own provider, or those of the workspace's membership claim. What
// is unknown changes nothing.
func (u Update) Apply(ctx context.Context, own *directory.Connection, i login.Identity, user directory.User) error {
	if err := u.keepClaims(ctx, own, i, user); err != nil {
		return err
	}
	if own != nil {
		return u.connection(ctx, own, i, user)
	}
	return u.membershipClaim(ctx, user, i)
}

// keepClaims stores the provider's claims that access tokens state, in place of those of
// its answer before. Without such claims, or without an identity token, it changes nothing.
func (u Update) keepClaims(ctx context.Context, own *directory.Connection, i login.Identity, user directory.User) (err error) {
	if i.Token == "" || len(u.Workspace.Attributes(directory.OfProvider)) == 0 {
		return nil
	}
	connection := ""
	if own != nil {
		connection = own.ID
	}
	said := u.Workspace.Keep(Claims(i))
	for range maxKeeps {
		before, err := u.Store.ProviderClaims(ctx, user.ID)
		if err != nil {
			return err
		}
		after := before.With(connection, said)
		if after == before {
			return nil
		}
		if err = u.Store.ChangeProviderClaims(ctx, user.ID, before, after); !errors.Is(err, directory.ErrOvertaken) {
			return err
		}
	}
	return directory.ErrOvertaken
}

// maxKeeps is how often claims are stored if another sign-in stores some at the same time.
const maxKeeps = 5

// connection updates the user's membership from the claims of an organization's own
// provider, and records the change in the audit log. Unknown claims leave an existing
// membership unchanged.
func (u Update) connection(ctx context.Context, own *directory.Connection, i login.Identity, user directory.User) error {
	before, err := u.roles(ctx, own, user)
	if err != nil {
		return err
	}
	roles, member, unknown := own.Provisioning.Member(Claims(i))
	if unknown != "" {
		u.auditUnknown(own, user, unknown)
	}
	switch {
	case unknown != "" && (before != nil || !member):
		return nil
	case member:
		err = u.Store.Provision(ctx, user.ID, own.OrganizationID, roles, own.Provisioning.JustInTime, u.Now)
	default:
		err = u.Store.Deprovision(ctx, user.ID, own.OrganizationID)
	}
	if err != nil {
		return err
	}
	after, err := u.roles(ctx, own, user)
	if err == nil {
		u.auditMember(own.OrganizationID, own.ID, user, before, after)
	}
	return err
}

// roles returns the user's roles in the connection's organization, or nil without a
// membership.
func (u Update) roles(ctx context.Context, own *directory.Connection, user directory.User) ([]string, error) {
	m, err := u.Store.Member(ctx, own.OrganizationID, user.ID)
	if errors.Is(err, directory.ErrNoMember) {
		return nil, nil
	}
	return append([]string{}, m.Roles...), err
}

// membershipClaim updates memberships from the workspace's membership claim, if it has
// one, and records the changes in the audit log of each organization.
func (u Update) membershipClaim(ctx context.Context, user directory.User, i login.Identity) error {
	if u.Workspace.MembershipClaim == nil {
		return nil
	}
	roles, unknown := u.Workspace.MembershipClaim.Memberships(Claims(i))
	if unknown != "" {
		u.auditUnknown(nil, user, unknown)
		return nil
	}
	before, err := u.Store.ClaimedRoles(ctx, user.ID)
	if err != nil {
		return err
	}
	if err := u.Store.ReplaceClaimed(ctx, user.ID, roles, u.Now); err != nil {
		return err
	}
	after, err := u.Store.ClaimedRoles(ctx, user.ID)
	if err != nil {
		return err
	}
	either := maps.Clone(before)
	maps.Copy(either, after)
	for organization := range either {
		u.auditMember(organization, "", user, before[organization], after[organization])
	}
	return nil
}

// auditMember records that a provider changed a user's roles in an organization.
// connection is empty if a claim of the workspace's provider changed them. Nil roles
// mean that the user is not a member.
func (u Update) auditMember(organization, connection string, user directory.User, before, after []string) {
	e := audit.Event{Action: audit.UpdateMember, Target: connection, UserID: user.ID, OrganizationID: organization, Actor: audit.Server}
	switch {
	case slices.Equal(before, after) && (before == nil) == (after == nil):
		return
	case before == nil:
		e.Action = audit.AdmitMember
	case after == nil:
		e.Action = audit.RemoveMember
	}
	u.Audit(e)
}

// auditUnknown records that a provider left a user's roles unknown. own is nil for the
// workspace's provider.
func (u Update) auditUnknown(own *directory.Connection, user directory.User, why directory.Unknown) {
	e := audit.Event{Action: audit.KeepMember, Reason: string(why), UserID: user.ID, Actor: audit.Server}
	if own != nil {
		e.Target, e.OrganizationID = own.ID, own.OrganizationID
	}
	u.Audit(e)
}
