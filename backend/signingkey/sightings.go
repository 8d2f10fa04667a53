package signingkey

import (
	"context"
	"slices"

	"github.com/tabard-auth/tabard/backend/session"
)

// IDs returns the ids of the secret's values, the one that makes first: those that
// refresh tokens name their keys by. They tell nothing of the values.
func (s Secret) IDs() ([]string, error) {
	ring, err := session.NewRing(s.Derive(ForRefreshTokens)...)
	if err != nil {
		return nil, err
	}
	return ring.IDs(), nil
}

// Sighting is what is known of one value of the secret at one replica. Times are Unix
// seconds; 0 means never.
type Sighting struct {
	ID, Replica string
	// Place is the value's in the secret: 0 makes, the others only open.
	Place               int64
	FirstSeen, LastSeen int64
	LeftAt              int64 // when the replica ended in peace
	RetiredAt           int64 // when a command took the value out of use
}

const (
	// SightInterval is how often a replica writes down which values it has, in seconds.
	SightInterval = 60
	// Alive is how long a replica that says nothing is taken to live, in seconds.
	Alive = 3*SightInterval + skew
	// inUseFor is how long a value counts as in use after a replica was last seen with it,
	// in seconds.
	inUseFor = 60 * 60
)

// Lives reports whether the replica is taken to run.
func (s Sighting) Lives(now int64) bool { return s.LeftAt == 0 && now < s.LastSeen+Alive }

// Fate is what is known of a key that a refresh token names and this replica does not
// have.
type Fate int

// The fates.
const (
	NeverSeen Fate = iota
	// Retired is the fate of a key that no replica has used for inUseFor.
	Retired
	// InUse is the fate of a key that another replica has.
	InUse
)

// FateOf returns the fate of a key by all sightings of it.
func FateOf(all []Sighting, now int64) Fate {
	switch {
	case len(all) == 0:
		return NeverSeen
	case slices.ContainsFunc(all, func(s Sighting) bool { return s.RetiredAt == 0 && now < s.LastSeen+inUseFor }):
		return InUse
	}
	return Retired
}

// Everywhere reports whether every replica that lives has a value. Where none lives it is
// not known.
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

// Sightings is the store's record of which replica has which values of the secret.
type Sightings interface {
	// SightSecretKeys writes down that a replica has values, the one that makes first,
	// until a time: now, or the next sight where that is far.
	SightSecretKeys(ctx context.Context, replica string, ids []string, now, until int64) error
	// LeaveSecretKeys writes down that a replica ended in peace.
	LeaveSecretKeys(ctx context.Context, replica string, now int64) error
	// SecretKey returns the sightings of one value, SecretKeys those of all.
	SecretKey(ctx context.Context, id string) ([]Sighting, error)
	SecretKeys(ctx context.Context) ([]Sighting, error)
	// RetireSecretKey writes down that a value is out of use.
	RetireSecretKey(ctx context.Context, id string, now int64) error
	// ForgetSecretKeys forgets sightings from before a time, but the last of each value in
	// each place.
	ForgetSecretKeys(ctx context.Context, before int64) error
}
