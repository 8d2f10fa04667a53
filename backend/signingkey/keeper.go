package signingkey

import (
	"context"

	"github.com/tabard-auth/tabard/backend/policy"
)

// Issuer is an organization that has keys of its own, and what decides whether it
// goes on having them.
type Issuer struct {
	Organization string
	Rules        policy.Rules
	// Closed tells that the organization is disabled, or no longer there.
	Closed bool
	Keys   Chain
}

// Keeper is what a store does with signing keys beyond the requests of browsers.
type Keeper interface {
	Store
	// SigningKeyIssuers returns the organizations that have keys, by id, those after
	// one, at most limit of them.
	SigningKeyIssuers(ctx context.Context, after string, limit int) ([]Issuer, error)
	// EndSigningKeys lets an organization's keys retire at a time (Unix seconds), those
	// for which nothing is said yet.
	EndSigningKeys(ctx context.Context, organization string, at int64) error
	// AdvanceSigningKey lets a key that does not sign yet take over sooner.
	AdvanceSigningKey(ctx context.Context, id string, signsAt int64) error
	// RetireSigningKey retires a key now, and tells whether there was one that was not
	// retired. It changes the workspace's revision.
	RetireSigningKey(ctx context.Context, id, actor string, now int64) (bool, error)
	// FollowUpSigningKeys records in the audit trail, once each, the keys that were made
	// and retired, and forgets those that are gone since before.
	FollowUpSigningKeys(ctx context.Context, before, now int64) error
}
