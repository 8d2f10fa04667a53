package signin

import (
	"maps"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
)

// addUserInfo fetches userinfo if memberships or roles come from there.
func addUserInfo(c *authn.Request, provider *login.Provider, own *directory.Connection, i *login.Identity) error {
	source := directory.FromIDToken
	if own != nil {
		source = own.Provisioning.ClaimSource
	} else if c.Workspace.MembershipClaim != nil {
		source = c.Workspace.MembershipClaim.ClaimSource
	}
	if source != directory.FromUserInfo {
		return nil
	}
	return provider.AddUserInfo(c.Ctx, i)
}

// sessionEnd returns the absolute end of a new session: the policy's or the provider's,
// whichever is earlier. A step-up does not extend it.
func sessionEnd(c *authn.Request, i login.Identity) int64 {
	end := c.Workspace.Policy.SessionEnd(c.Now)
	if i.SessionExpiry != 0 {
		return min(end, i.SessionExpiry)
	}
	return end
}

// identityClaims returns the claims of an identity.
func identityClaims(i login.Identity) directory.Claims {
	return directory.Claims{IdentityToken: i.Claims, UserInfo: i.UserInfo, UserInfoFailed: i.UserInfoFailed}
}

// provision updates the user's membership from the claims of an organization's own
// provider, and records the change in the audit log. Unknown claims leave an existing
// membership unchanged.
func (f *Flow) provision(c *authn.Request, own *directory.Connection, i login.Identity, u directory.User) error {
	before, err := f.memberRoles(c, own, u)
	if err != nil {
		return err
	}
	roles, member, unknown := own.Provisioning.Member(identityClaims(i))
	if unknown != "" {
		auditUnknown(c, own, u, unknown)
	}
	switch {
	case unknown != "" && (before != nil || !member):
		return nil
	case member:
		err = c.Store.Provision(c.Ctx, u.ID, own.OrganizationID, roles, own.Provisioning.JustInTime, c.Now)
	default:
		err = c.Store.Deprovision(c.Ctx, u.ID, own.OrganizationID)
	}
	if err != nil {
		return err
	}
	after, err := f.memberRoles(c, own, u)
	if err == nil {
		c.AuditMember(own.OrganizationID, own.ID, u, before, after)
	}
	return err
}

// applyMembershipClaim updates memberships from the workspace's membership claim, if it
// has one, and records the changes in the audit log of each organization.
func (f *Flow) applyMembershipClaim(c *authn.Request, user directory.User, i login.Identity) error {
	if c.Workspace.MembershipClaim == nil {
		return nil
	}
	roles, unknown := c.Workspace.MembershipClaim.Memberships(identityClaims(i))
	if unknown != "" {
		auditUnknown(c, nil, user, unknown)
		return nil
	}
	before, err := f.store.ClaimedRoles(c.Ctx, user.ID)
	if err != nil {
		return err
	}
	if err := c.Store.ReplaceClaimed(c.Ctx, user.ID, roles, c.Now); err != nil {
		return err
	}
	after, err := f.store.ClaimedRoles(c.Ctx, user.ID)
	if err != nil {
		return err
	}
	either := maps.Clone(before)
	maps.Copy(either, after)
	for organization := range either {
		c.AuditMember(organization, "", user, before[organization], after[organization])
	}
	return nil
}

// auditUnknown records that a provider left a user's roles unknown. own is nil for the
// workspace's provider.
func auditUnknown(c *authn.Request, own *directory.Connection, u directory.User, why directory.Unknown) {
	e := audit.Event{Action: audit.KeepMember, Reason: string(why), UserID: u.ID, Actor: audit.Server}
	if own != nil {
		e.Target, e.OrganizationID = own.ID, own.OrganizationID
	}
	c.Audit(e)
}
