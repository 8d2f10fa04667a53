package storetest

import (
	"context"

	"github.com/tabard-auth/tabard/backend/directory"
)

// SignInAt implements directory.Connections.
func (f *Faulty) SignInAt(ctx context.Context, ref string) (directory.SignInAt, error) {
	return read(f, "SignInAt", func() (directory.SignInAt, error) { return f.Store.SignInAt(ctx, ref) })
}

// Connection implements directory.Connections.
func (f *Faulty) Connection(ctx context.Context, id string) (directory.Connection, error) {
	return read(f, "Connection", func() (directory.Connection, error) { return f.Store.Connection(ctx, id) })
}

// Linked implements directory.Connections.
func (f *Faulty) Linked(ctx context.Context, connectionID, subject string) (directory.User, error) {
	return read(f, "Linked", func() (directory.User, error) { return f.Store.Linked(ctx, connectionID, subject) })
}

// LinkedAs implements directory.Connections.
func (f *Faulty) LinkedAs(ctx context.Context, connectionID, userID string) (string, error) {
	return read(f, "LinkedAs", func() (string, error) { return f.Store.LinkedAs(ctx, connectionID, userID) })
}

// Link implements directory.Connections.
func (f *Faulty) Link(ctx context.Context, connectionID, subject, userID string, now int64) error {
	return f.call("Link", func() error { return f.Store.Link(ctx, connectionID, subject, userID, now) })
}

// Provision implements directory.Connections.
func (f *Faulty) Provision(ctx context.Context, userID, organizationID string, roles []string, admit bool, now int64) error {
	return f.call("Provision", func() error { return f.Store.Provision(ctx, userID, organizationID, roles, admit, now) })
}

// Deprovision implements directory.Connections.
func (f *Faulty) Deprovision(ctx context.Context, userID, organizationID string) error {
	return f.call("Deprovision", func() error { return f.Store.Deprovision(ctx, userID, organizationID) })
}

// Unlink implements admin.ConnectionStore.
func (f *Faulty) Unlink(ctx context.Context, connectionID, userID string) error {
	return f.call("Unlink", func() error { return f.Store.Unlink(ctx, connectionID, userID) })
}
