package storetest

import (
	"context"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/orgsession"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

// Organizations implements admin.OrganizationStore.
func (f *Faulty) Organizations(ctx context.Context, after string, limit int) ([]directory.OrganizationRecord, error) {
	return read(f, "Organizations", func() ([]directory.OrganizationRecord, error) { return f.Store.Organizations(ctx, after, limit) })
}

// Organization implements admin.OrganizationStore.
func (f *Faulty) Organization(ctx context.Context, ref string) (directory.OrganizationRecord, error) {
	return read(f, "Organization", func() (directory.OrganizationRecord, error) { return f.Store.Organization(ctx, ref) })
}

// CreateOrganization implements admin.OrganizationStore.
func (f *Faulty) CreateOrganization(ctx context.Context, o directory.Organization, now int64) error {
	return f.call("CreateOrganization", func() error { return f.Store.CreateOrganization(ctx, o, now) })
}

// RenameOrganization implements admin.OrganizationStore.
func (f *Faulty) RenameOrganization(ctx context.Context, id, slug, name string) error {
	return f.call("RenameOrganization", func() error { return f.Store.RenameOrganization(ctx, id, slug, name) })
}

// BlockOrganization implements admin.OrganizationStore.
func (f *Faulty) BlockOrganization(ctx context.Context, id string, blocked bool, now int64) error {
	return f.call("BlockOrganization", func() error { return f.Store.BlockOrganization(ctx, id, blocked, now) })
}

// DeleteOrganization implements admin.OrganizationStore.
func (f *Faulty) DeleteOrganization(ctx context.Context, id string, now int64) error {
	return f.call("DeleteOrganization", func() error { return f.Store.DeleteOrganization(ctx, id, now) })
}

// Members implements admin.MemberStore.
func (f *Faulty) Members(ctx context.Context, organizationID, after string, limit int) ([]directory.MemberRecord, error) {
	return read(f, "Members", func() ([]directory.MemberRecord, error) { return f.Store.Members(ctx, organizationID, after, limit) })
}

// Member implements admin.MemberStore.
func (f *Faulty) Member(ctx context.Context, organizationID, userID string) (directory.MemberRecord, error) {
	return read(f, "Member", func() (directory.MemberRecord, error) { return f.Store.Member(ctx, organizationID, userID) })
}

// Admit implements admin.MemberStore.
func (f *Faulty) Admit(ctx context.Context, a directory.Admission, now int64) error {
	return f.call("Admit", func() error { return f.Store.Admit(ctx, a, now) })
}

// KnowUser implements admin.MemberStore.
func (f *Faulty) KnowUser(ctx context.Context, u directory.User, now int64) (directory.User, error) {
	return read(f, "KnowUser", func() (directory.User, error) { return f.Store.KnowUser(ctx, u, now) })
}

// ChangeMember implements admin.MemberStore.
func (f *Faulty) ChangeMember(ctx context.Context, organizationID, userID string, roles []string, now int64) error {
	return f.call("ChangeMember", func() error { return f.Store.ChangeMember(ctx, organizationID, userID, roles, now) })
}

// RemoveMember implements admin.MemberStore.
func (f *Faulty) RemoveMember(ctx context.Context, organizationID, userID string) error {
	return f.call("RemoveMember", func() error { return f.Store.RemoveMember(ctx, organizationID, userID) })
}

// BlockMember implements admin.MemberStore.
func (f *Faulty) BlockMember(ctx context.Context, organizationID, userID string, blocked bool, now int64) error {
	return f.call("BlockMember", func() error { return f.Store.BlockMember(ctx, organizationID, userID, blocked, now) })
}

// Staff implements admin.StaffStore.
func (f *Faulty) Staff(ctx context.Context, organizationID, after string, now int64, limit int) ([]directory.StaffRecord, error) {
	return read(f, "Staff", func() ([]directory.StaffRecord, error) { return f.Store.Staff(ctx, organizationID, after, now, limit) })
}

// StaffAccess implements admin.StaffStore.
func (f *Faulty) StaffAccess(ctx context.Context, organizationID, userID string, now int64) (directory.StaffRecord, error) {
	return read(f, "StaffAccess", func() (directory.StaffRecord, error) { return f.Store.StaffAccess(ctx, organizationID, userID, now) })
}

// GrantStaff implements admin.StaffStore.
func (f *Faulty) GrantStaff(ctx context.Context, a directory.StaffAccess) error {
	return f.call("GrantStaff", func() error { return f.Store.GrantStaff(ctx, a) })
}

// EndStaff implements admin.StaffStore.
func (f *Faulty) EndStaff(ctx context.Context, organizationID, userID string) error {
	return f.call("EndStaff", func() error { return f.Store.EndStaff(ctx, organizationID, userID) })
}

// Users implements admin.UserStore.
func (f *Faulty) Users(ctx context.Context, after string, limit int) ([]directory.UserRecord, error) {
	return read(f, "Users", func() ([]directory.UserRecord, error) { return f.Store.Users(ctx, after, limit) })
}

// User implements admin.UserStore.
func (f *Faulty) User(ctx context.Context, id string) (directory.UserRecord, error) {
	return read(f, "User", func() (directory.UserRecord, error) { return f.Store.User(ctx, id) })
}

// BlockUser implements admin.UserStore.
func (f *Faulty) BlockUser(ctx context.Context, id string, blocked bool, now int64) error {
	return f.call("BlockUser", func() error { return f.Store.BlockUser(ctx, id, blocked, now) })
}

// RuleWorkspace implements admin.PolicyStore.
func (f *Faulty) RuleWorkspace(ctx context.Context, w directory.Workspace, r policy.Rules) error {
	return f.call("RuleWorkspace", func() error { return f.Store.RuleWorkspace(ctx, w, r) })
}

// RuleOrganization implements admin.PolicyStore.
func (f *Faulty) RuleOrganization(ctx context.Context, id string, r policy.Rules) error {
	return f.call("RuleOrganization", func() error { return f.Store.RuleOrganization(ctx, id, r) })
}

// LivePage implements admin.SessionStore.
func (f *Faulty) LivePage(ctx context.Context, userID, after string, now int64, limit int) ([]session.Session, error) {
	return read(f, "LivePage", func() ([]session.Session, error) { return f.Store.LivePage(ctx, userID, after, now, limit) })
}

// SessionStays implements admin.SessionStore.
func (f *Faulty) SessionStays(ctx context.Context, organizationID, userID, after string, now int64, limit int) ([]orgsession.Record, error) {
	return read(f, "SessionStays", func() ([]orgsession.Record, error) {
		return f.Store.SessionStays(ctx, organizationID, userID, after, now, limit)
	})
}

// EndStay implements admin.SessionStore.
func (f *Faulty) EndStay(ctx context.Context, organizationID string, id session.ID, now int64) (bool, error) {
	return read(f, "EndStay", func() (bool, error) { return f.Store.EndStay(ctx, organizationID, id, now) })
}

// EndStays implements admin.SessionStore.
func (f *Faulty) EndStays(ctx context.Context, organizationID, userID string, now int64) error {
	return f.call("EndStays", func() error { return f.Store.EndStays(ctx, organizationID, userID, now) })
}

// AddKey implements admin.KeyStore.
func (f *Faulty) AddKey(ctx context.Context, k admin.Key) error {
	return f.call("AddKey", func() error { return f.Store.AddKey(ctx, k) })
}

// Key implements admin.KeyStore.
func (f *Faulty) Key(ctx context.Context, id string) (admin.Key, error) {
	return read(f, "Key", func() (admin.Key, error) { return f.Store.Key(ctx, id) })
}

// KeyByHash implements admin.KeyStore.
func (f *Faulty) KeyByHash(ctx context.Context, hash string) (admin.Key, error) {
	return read(f, "KeyByHash", func() (admin.Key, error) { return f.Store.KeyByHash(ctx, hash) })
}

// Keys implements admin.KeyStore.
func (f *Faulty) Keys(ctx context.Context, after string, limit int) ([]admin.Key, error) {
	return read(f, "Keys", func() ([]admin.Key, error) { return f.Store.Keys(ctx, after, limit) })
}

// UseKey implements admin.KeyStore.
func (f *Faulty) UseKey(ctx context.Context, id, hash string, now int64) error {
	return f.call("UseKey", func() error { return f.Store.UseKey(ctx, id, hash, now) })
}

// RevokeKey implements admin.KeyStore.
func (f *Faulty) RevokeKey(ctx context.Context, id string, now int64) error {
	return f.call("RevokeKey", func() error { return f.Store.RevokeKey(ctx, id, now) })
}

// CreateConnection implements admin.ConnectionStore.
func (f *Faulty) CreateConnection(ctx context.Context, c directory.Connection, now int64) error {
	return f.call("CreateConnection", func() error { return f.Store.CreateConnection(ctx, c, now) })
}

// UpdateConnection implements admin.ConnectionStore.
func (f *Faulty) UpdateConnection(ctx context.Context, c directory.Connection) error {
	return f.call("UpdateConnection", func() error { return f.Store.UpdateConnection(ctx, c) })
}

// EnableConnection implements admin.ConnectionStore.
func (f *Faulty) EnableConnection(ctx context.Context, organizationID, id string) error {
	return f.call("EnableConnection", func() error { return f.Store.EnableConnection(ctx, organizationID, id) })
}

// DisableConnection implements admin.ConnectionStore.
func (f *Faulty) DisableConnection(ctx context.Context, organizationID, id string) error {
	return f.call("DisableConnection", func() error { return f.Store.DisableConnection(ctx, organizationID, id) })
}

// DeleteConnection implements admin.ConnectionStore.
func (f *Faulty) DeleteConnection(ctx context.Context, organizationID, id string, now int64) error {
	return f.call("DeleteConnection", func() error { return f.Store.DeleteConnection(ctx, organizationID, id, now) })
}

// ConnectionsOf implements admin.ConnectionStore.
func (f *Faulty) ConnectionsOf(ctx context.Context, organizationID, after string, limit int) ([]directory.Connection, error) {
	return read(f, "ConnectionsOf", func() ([]directory.Connection, error) {
		return f.Store.ConnectionsOf(ctx, organizationID, after, limit)
	})
}
