package signingkey

import (
	"context"

	"github.com/tabard-auth/tabard/backend/policy"
)

// Issuer is an organization that has its own keys, and the settings that decide whether
// it keeps them.
type Issuer struct {
	Organization string
	Rules        policy.Rules
	// Closed means that the organization is disabled or does not exist any more.
	Closed bool
	Keys   Chain
}

// Admin is the part of a store that administers signing keys, beyond the requests of
// browsers.
type Admin interface {
	Store
	// SigningKeyIssuers returns the organizations that have keys, by id, starting after
	// one, at most limit.
	SigningKeyIssuers(ctx context.Context, after string, limit int) ([]Issuer, error)
	// EndSigningKeys sets the time (Unix seconds) at which an organization's keys
	// retire, for the keys that have none yet.
	EndSigningKeys(ctx context.Context, organization string, at int64) error
	// AdvanceSigningKey makes a key that does not sign yet take over sooner.
	AdvanceSigningKey(ctx context.Context, id string, signsAt int64) error
	// RetireSigningKey retires a key now and reports whether it existed and was not
	// retired. It changes the workspace's revision.
	RetireSigningKey(ctx context.Context, id, actor string, now int64) (bool, error)
	// FollowUpSigningKeys records in the audit log, once each, the keys that were made
	// and retired, and deletes those that ended before a time.
	FollowUpSigningKeys(ctx context.Context, before, now int64) error
}
