package storetest

import (
	"context"

	"github.com/tabard-auth/tabard/backend/directory"
)

// Invited implements directory.Invitations.
func (f *Faulty) Invited(ctx context.Context, userID, confinedTo, ref string, now int64) (directory.Invitation, error) {
	return read(f, "Invited", func() (directory.Invitation, error) { return f.Store.Invited(ctx, userID, confinedTo, ref, now) })
}

// Accept implements directory.Invitations.
func (f *Faulty) Accept(ctx context.Context, i directory.Invitation, userID string, now int64) (bool, error) {
	return read(f, "Accept", func() (bool, error) { return f.Store.Accept(ctx, i, userID, now) })
}

// MemberNamed implements admin.InvitationStore.
func (f *Faulty) MemberNamed(ctx context.Context, organizationID, issuer, subject string) (directory.MemberRecord, error) {
	return read(f, "MemberNamed", func() (directory.MemberRecord, error) {
		return f.Store.MemberNamed(ctx, organizationID, issuer, subject)
	})
}

// Invite implements admin.InvitationStore.
func (f *Faulty) Invite(ctx context.Context, i directory.Invitation) (directory.Invitation, error) {
	return read(f, "Invite", func() (directory.Invitation, error) { return f.Store.Invite(ctx, i) })
}

// Invitations implements admin.InvitationStore.
func (f *Faulty) Invitations(ctx context.Context, organizationID, after string, now int64, limit int) ([]directory.Invitation, error) {
	return read(f, "Invitations", func() ([]directory.Invitation, error) {
		return f.Store.Invitations(ctx, organizationID, after, now, limit)
	})
}

// Invitation implements admin.InvitationStore.
func (f *Faulty) Invitation(ctx context.Context, organizationID, id string, now int64) (directory.Invitation, error) {
	return read(f, "Invitation", func() (directory.Invitation, error) { return f.Store.Invitation(ctx, organizationID, id, now) })
}

// WithdrawInvitation implements admin.InvitationStore.
func (f *Faulty) WithdrawInvitation(ctx context.Context, organizationID, id string) error {
	return f.call("WithdrawInvitation", func() error { return f.Store.WithdrawInvitation(ctx, organizationID, id) })
}
