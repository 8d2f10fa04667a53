package storetest

import (
	"context"
	"errors"
	"sync"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// ErrFault is the error of a call that Faulty lets fail.
var ErrFault = errors.New("storetest: the storage failed")

// Faulty is a store of which one call fails, for tests of what becomes of it.
type Faulty struct {
	Store interface {
		session.Store
		directory.Store
		signingkey.Store
		SecretKey(ctx context.Context, id string) ([]signingkey.Sighting, error)
		audit.Store
		admin.Store
		ClaimedRoles(ctx context.Context, userID string) (map[string][]string, error)
		Ping(ctx context.Context) error
	}

	mu    sync.Mutex
	at    int
	lost  bool
	calls []string
}

// Fail lets the call of that number fail, counted from 1 and from now; 0 lets none.
// A fault is lost where the call has its effect and only its reply does not arrive.
func (f *Faulty) Fail(at int, lost bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at, f.lost, f.calls = at, lost, nil
}

// Calls are the methods that were called since Fail.
func (f *Faulty) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func (f *Faulty) call(method string, run func() error) error {
	f.mu.Lock()
	f.calls = append(f.calls, method)
	fails, lost := len(f.calls) == f.at, f.lost
	f.mu.Unlock()
	if fails && !lost {
		return ErrFault
	}
	if err := run(); !fails {
		return err
	}
	return ErrFault
}

// read is call for methods that return something.
func read[T any](f *Faulty, method string, run func() (T, error)) (T, error) {
	var got T
	err := f.call(method, func() (err error) {
		got, err = run()
		return err
	})
	if errors.Is(err, ErrFault) {
		var nothing T
		return nothing, err
	}
	return got, err
}

// Create implements session.Store.
func (f *Faulty) Create(ctx context.Context, s session.Session) error {
	return f.call("Create", func() error { return f.Store.Create(ctx, s) })
}

// Session implements session.Store.
func (f *Faulty) Session(ctx context.Context, id session.ID) (session.Session, error) {
	return read(f, "Session", func() (session.Session, error) { return f.Store.Session(ctx, id) })
}

// Present implements session.Store.
func (f *Faulty) Present(ctx context.Context, p session.Presentation) (session.Row, error) {
	return read(f, "Present", func() (session.Row, error) { return f.Store.Present(ctx, p) })
}

// Follow implements directory.Stays.
func (f *Faulty) Follow(ctx context.Context, id session.ID) error {
	return f.call("Follow", func() error { return f.Store.Follow(ctx, id) })
}

// TakeOver implements directory.Stays.
func (f *Faulty) TakeOver(ctx context.Context, from, to session.ID, now int64) error {
	return f.call("TakeOver", func() error { return f.Store.TakeOver(ctx, from, to, now) })
}

// Use implements session.Store.
func (f *Faulty) Use(ctx context.Context, id session.ID, current session.TokenID, now int64) error {
	return f.call("Use", func() error { return f.Store.Use(ctx, id, current, now) })
}

// Bind implements session.Store.
func (f *Faulty) Bind(ctx context.Context, id session.ID, jkt string, now int64) (string, error) {
	return read(f, "Bind", func() (string, error) { return f.Store.Bind(ctx, id, jkt, now) })
}

// Revoke implements session.Store.
func (f *Faulty) Revoke(ctx context.Context, id session.ID, reason session.Reason, now int64) error {
	return f.call("Revoke", func() error { return f.Store.Revoke(ctx, id, reason, now) })
}

// RevokeUser implements session.Store.
func (f *Faulty) RevokeUser(ctx context.Context, userID, confinedTo string, reason session.Reason, now int64) error {
	return f.call("RevokeUser", func() error { return f.Store.RevokeUser(ctx, userID, confinedTo, reason, now) })
}

// RevokeUpstream implements session.Store.
func (f *Faulty) RevokeUpstream(ctx context.Context, l session.UpstreamLogout, reason session.Reason, now int64) error {
	return f.call("RevokeUpstream", func() error { return f.Store.RevokeUpstream(ctx, l, reason, now) })
}

// Live implements session.Store.
func (f *Faulty) Live(ctx context.Context, userID, confinedTo string, now int64, limit int) ([]session.Session, error) {
	return read(f, "Live", func() ([]session.Session, error) { return f.Store.Live(ctx, userID, confinedTo, now, limit) })
}

// OfBrowser implements session.Store.
func (f *Faulty) OfBrowser(ctx context.Context, browser string, now int64, limit int) ([]session.Session, error) {
	return read(f, "OfBrowser", func() ([]session.Session, error) { return f.Store.OfBrowser(ctx, browser, now, limit) })
}

// WorkspaceRevision implements directory.Store.
func (f *Faulty) WorkspaceRevision(ctx context.Context) (int64, error) {
	return read(f, "WorkspaceRevision", func() (int64, error) { return f.Store.WorkspaceRevision(ctx) })
}

// Workspace implements directory.Store.
func (f *Faulty) Workspace(ctx context.Context) (*directory.Workspace, error) {
	return read(f, "Workspace", func() (*directory.Workspace, error) { return f.Store.Workspace(ctx) })
}

// Subject implements directory.Store.
func (f *Faulty) Subject(ctx context.Context, id session.ID, ref string, now int64) (directory.Subject, error) {
	return read(f, "Subject", func() (directory.Subject, error) { return f.Store.Subject(ctx, id, ref, now) })
}

// Memberships implements directory.Store.
func (f *Faulty) Memberships(ctx context.Context, id session.ID, limit int, now int64) ([]directory.Membership, error) {
	return read(f, "Memberships", func() ([]directory.Membership, error) { return f.Store.Memberships(ctx, id, limit, now) })
}

// OrganizationRules implements directory.Store.
func (f *Faulty) OrganizationRules(ctx context.Context, id string) (rules policy.Rules, revision int64, err error) {
	rules, err = read(f, "OrganizationRules", func() (policy.Rules, error) {
		var err error
		rules, revision, err = f.Store.OrganizationRules(ctx, id)
		return rules, err
	})
	return rules, revision, err
}

// SignIn implements directory.Store.
func (f *Faulty) SignIn(ctx context.Context, u directory.User, now int64) (directory.User, error) {
	return read(f, "SignIn", func() (directory.User, error) { return f.Store.SignIn(ctx, u, now) })
}

// ClaimedRoles implements signin.Store.
func (f *Faulty) ClaimedRoles(ctx context.Context, userID string) (map[string][]string, error) {
	return read(f, "ClaimedRoles", func() (map[string][]string, error) { return f.Store.ClaimedRoles(ctx, userID) })
}

// ReplaceClaimed implements directory.Store.
func (f *Faulty) ReplaceClaimed(ctx context.Context, userID string, roles map[string][]string, now int64) error {
	return f.call("ReplaceClaimed", func() error { return f.Store.ReplaceClaimed(ctx, userID, roles, now) })
}

// SigningKeys implements keys.Store.
func (f *Faulty) SigningKeys(ctx context.Context, organization string) (signingkey.Chain, error) {
	return read(f, "SigningKeys", func() (signingkey.Chain, error) { return f.Store.SigningKeys(ctx, organization) })
}

// ResumeSigningKeys implements keys.Store.
func (f *Faulty) ResumeSigningKeys(ctx context.Context, organization string, after int64) error {
	return f.call("ResumeSigningKeys", func() error { return f.Store.ResumeSigningKeys(ctx, organization, after) })
}

// AddSigningKey implements keys.Store.
func (f *Faulty) AddSigningKey(ctx context.Context, k signingkey.Stored) error {
	return f.call("AddSigningKey", func() error { return f.Store.AddSigningKey(ctx, k) })
}

// SecretKey implements keys.Sightings.
func (f *Faulty) SecretKey(ctx context.Context, id string) ([]signingkey.Sighting, error) {
	return read(f, "SecretKey", func() ([]signingkey.Sighting, error) { return f.Store.SecretKey(ctx, id) })
}

// Ping tells whether the store answers.
func (f *Faulty) Ping(ctx context.Context) error {
	return f.call("Ping", func() error { return f.Store.Ping(ctx) })
}

// RecordEvent implements audit.Store.
func (f *Faulty) RecordEvent(ctx context.Context, e audit.Event) error {
	return f.call("RecordEvent", func() error { return f.Store.RecordEvent(ctx, e) })
}

// Events implements audit.Store.
func (f *Faulty) Events(ctx context.Context, q audit.Query) ([]audit.Event, error) {
	return read(f, "Events", func() ([]audit.Event, error) { return f.Store.Events(ctx, q) })
}

// Enter implements directory.Stays.
func (f *Faulty) Enter(ctx context.Context, id session.ID, organizationID string, o policy.OrganizationSession) error {
	return f.call("Enter", func() error { return f.Store.Enter(ctx, id, organizationID, o) })
}

// Leave implements directory.Stays.
func (f *Faulty) Leave(ctx context.Context, id session.ID, organizationID string, o policy.OrganizationSession) (bool, error) {
	return read(f, "Leave", func() (bool, error) { return f.Store.Leave(ctx, id, organizationID, o) })
}

// Touch implements directory.Stays.
func (f *Faulty) Touch(ctx context.Context, id session.ID, organizationID string, o policy.OrganizationSession) error {
	return f.call("Touch", func() error { return f.Store.Touch(ctx, id, organizationID, o) })
}

// Inherit implements directory.Stays.
func (f *Faulty) Inherit(ctx context.Context, child session.ID) error {
	return f.call("Inherit", func() error { return f.Store.Inherit(ctx, child) })
}

// Raise implements directory.Stays.
func (f *Faulty) Raise(ctx context.Context, id session.ID, organizationID string, a policy.Authentication) error {
	return f.call("Raise", func() error { return f.Store.Raise(ctx, id, organizationID, a) })
}

// Supersede implements directory.Stays.
func (f *Faulty) Supersede(ctx context.Context, id session.ID, organizationID string, most, now int64) error {
	return f.call("Supersede", func() error { return f.Store.Supersede(ctx, id, organizationID, most, now) })
}

// Authenticate implements directory.Stays.
func (f *Faulty) Authenticate(ctx context.Context, id session.ID, attempt string, a policy.Authentication) error {
	return f.call("Authenticate", func() error { return f.Store.Authenticate(ctx, id, attempt, a) })
}

// Authentications implements directory.Stays.
func (f *Faulty) Authentications(ctx context.Context, id session.ID) ([]policy.Authentication, error) {
	return read(f, "Authentications", func() ([]policy.Authentication, error) { return f.Store.Authentications(ctx, id) })
}
