package signingkey

import (
	"context"
	"slices"

	"github.com/tabard-auth/tabard/backend/session"
)

// IDs returns the ids of the secret's values, the one in use first. Refresh tokens name
// their keys by them. They disclose nothing about the values.
func (s Secret) IDs() ([]string, error) {
	ring, err := session.NewMACKeys(s.Derive(ForRefreshTokens)...)
	if err != nil {
		return nil, err
	}
	return ring.IDs(), nil
}

// ReplicaKey is the record of one value of the secret at one replica. Times are Unix
// seconds; 0 means never.
type ReplicaKey struct {
	ID, Replica string
	// Index is the value's index in the secret: 0 is in use, the others only open.
	Index               int64
	FirstSeen, LastSeen int64
	LeftAt              int64 // when the replica shut down
	RetiredAt           int64 // when a command retired the value
}

const (
	// RecordInterval is how often a replica records its values, in seconds.
	RecordInterval = 60
	// AliveFor is how long a silent replica is assumed to be alive, in seconds.
	AliveFor = 3*RecordInterval + skew
	// inUseFor is how long a value counts as in use after a replica last reported it,
	// in seconds.
	inUseFor = 60 * 60
)

// IsAlive reports whether the replica is assumed to be alive.
func (s ReplicaKey) IsAlive(now int64) bool { return s.LeftAt == 0 && now < s.LastSeen+AliveFor }

// Usage is the known history of a key that a refresh token names and this replica does
// not have.
type Usage int

// The usages.
const (
	NeverSeen Usage = iota
	// Retired is a key that no replica has used for inUseFor.
	Retired
	// InUse is a key that another replica has.
	InUse
)

// UsageOf returns the usage of a key from all records of it.
func UsageOf(all []ReplicaKey, now int64) Usage {
	switch {
	case len(all) == 0:
		return NeverSeen
	case slices.ContainsFunc(all, func(s ReplicaKey) bool { return s.RetiredAt == 0 && now < s.LastSeen+inUseFor }):
		return InUse
	}
	return Retired
}

// OnAllReplicas reports whether every live replica has a value. It is false if no replica
// is alive.
func OnAllReplicas(all []ReplicaKey, id string, now int64) bool {
	has, lives := map[string]bool{}, false
	for _, s := range all {
		if s.IsAlive(now) {
			has[s.Replica], lives = has[s.Replica] || s.ID == id, true
		}
	}
	for _, h := range has {
		lives = lives && h
	}
	return lives
}

// ReplicaKeyStore is the store's record of the values of the secret at each replica.
type ReplicaKeyStore interface {
	// RecordSecretKeys records that a replica has values, the one in use first, until a
	// time: now, or the next record if that is far.
	RecordSecretKeys(ctx context.Context, replica string, ids []string, now, until int64) error
	// RecordShutdown records that a replica shut down.
	RecordShutdown(ctx context.Context, replica string, now int64) error
	// SecretKey returns the records of one value, SecretKeys those of all.
	SecretKey(ctx context.Context, id string) ([]ReplicaKey, error)
	SecretKeys(ctx context.Context) ([]ReplicaKey, error)
	// RetireSecretKey records that a value was retired.
	RetireSecretKey(ctx context.Context, id string, now int64) error
	// DeleteSecretKeys deletes records from before a time, except the last of each
	// value in each place.
	DeleteSecretKeys(ctx context.Context, before int64) error
}
