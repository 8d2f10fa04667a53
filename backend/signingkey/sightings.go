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

// Sighting is the record of one value of the secret at one replica. Times are Unix
// seconds; 0 means never.
type Sighting struct {
	ID, Replica string
	// Place is the value's index in the secret: 0 is in use, the others only open.
	Place               int64
	FirstSeen, LastSeen int64
	LeftAt              int64 // when the replica shut down
	RetiredAt           int64 // when a command retired the value
}

const (
	// SightInterval is how often a replica records its values, in seconds.
	SightInterval = 60
	// Alive is how long a silent replica is assumed to be alive, in seconds.
	Alive = 3*SightInterval + skew
	// inUseFor is how long a value counts as in use after a replica last reported it,
	// in seconds.
	inUseFor = 60 * 60
)

// Lives reports whether the replica is assumed to be alive.
func (s Sighting) Lives(now int64) bool { return s.LeftAt == 0 && now < s.LastSeen+Alive }

// Fate is the known history of a key that a refresh token names and this replica does
// not have.
type Fate int

// The fates.
const (
	NeverSeen Fate = iota
	// Retired is a key that no replica has used for inUseFor.
	Retired
	// InUse is a key that another replica has.
	InUse
)

// FateOf returns the fate of a key from all sightings of it.
func FateOf(all []Sighting, now int64) Fate {
	switch {
	case len(all) == 0:
		return NeverSeen
	case slices.ContainsFunc(all, func(s Sighting) bool { return s.RetiredAt == 0 && now < s.LastSeen+inUseFor }):
		return InUse
	}
	return Retired
}

// Everywhere reports whether every live replica has a value. It is false if no replica
// is alive.
func Everywhere(all []Sighting, id string, now int64) bool {
	has, lives := map[string]bool{}, false
	for _, s := range all {
		if s.Lives(now) {
			has[s.Replica], lives = has[s.Replica] || s.ID == id, true
		}
	}
	for _, h := range has {
		lives = lives && h
	}
	return lives
}

// Sightings is the store's record of the values of the secret at each replica.
type Sightings interface {
	// SightSecretKeys records that a replica has values, the one in use first, until a
	// time: now, or the next sight if that is far.
	SightSecretKeys(ctx context.Context, replica string, ids []string, now, until int64) error
	// LeaveSecretKeys records that a replica shut down.
	LeaveSecretKeys(ctx context.Context, replica string, now int64) error
	// SecretKey returns the sightings of one value, SecretKeys those of all.
	SecretKey(ctx context.Context, id string) ([]Sighting, error)
	SecretKeys(ctx context.Context) ([]Sighting, error)
	// RetireSecretKey records that a value was retired.
	RetireSecretKey(ctx context.Context, id string, now int64) error
	// ForgetSecretKeys deletes sightings from before a time, except the last of each
	// value in each place.
	ForgetSecretKeys(ctx context.Context, before int64) error
}
