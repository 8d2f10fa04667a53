package signingkey

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The stages of a signing key's life, in seconds. They follow from the stored times of
// a key and from now only, so that replicas agree without communication.
const (
	// SetAge is how long caches may keep a published key set.
	SetAge = 5 * 60
	// Lead is how long a key is normally published before it signs: longer than
	// validators cache a set that they read on their own schedule.
	Lead = 60 * 60
	// Soonest is the minimum Lead: the sum of SetAge, the ring's own age and the
	// difference of clocks.
	Soonest = 10 * 60
	// Keep is how long a key is published after it has signed: the longest life of a
	// token, the leeway of verifiers and the ring's age, with a margin.
	Keep = 60 * 60
)

// The minimum, maximum and default time that a key signs.
const (
	minLife     = 24 * time.Hour
	maxLife     = 400 * 24 * time.Hour
	DefaultLife = 90 * 24 * time.Hour
)

// ParseLife reads how long a key signs: days (90d) or hours (2160h). 0 means until a
// command.
func ParseLife(text string) (time.Duration, error) {
	if text == "0" {
		return 0, nil
	}
	life, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		life = time.Duration(min(n, 1000)) * 24 * time.Hour
	}
	if err != nil || life < minLife || life > maxLife {
		return 0, fmt.Errorf("%q is not a duration between 1d and 400d, such as 90d", text)
	}
	return life, nil
}

// Stored is a signing key in a store: its private part is sealed under the workspace's
// secret. Times are Unix seconds.
type Stored struct {
	ID string
	// Organization is the id of the organization that owns the key. "" is the
	// workspace.
	Organization string
	// Generation numbers the keys of an issuer, from 1, in the order in which they
	// sign.
	Generation int64
	Algorithm  Algorithm
	Sealed     string
	CreatedAt  int64 // when it was made and published
	SignsAt    int64 // when it takes over from the previous key
	// RetiresAt is when it becomes invalid, with all tokens that it signed. 0 means
	// never.
	RetiresAt int64
	MadeBy    string // an actor of the audit log
}

// Stage is the stage of a key's life.
type Stage string

// The stages.
const (
	Prepared Stage = "prepared" // published, does not sign yet
	Signing  Stage = "signing"
	Kept     Stage = "kept" // no longer signs; published for the tokens that it signed
	Gone     Stage = "gone" // no longer published
)

// Chain is the keys of one issuer, ordered by generation.
type Chain []Stored

// retired reports whether the key is no longer valid.
func (k Stored) retired(now int64) bool { return k.RetiresAt != 0 && k.RetiresAt <= now }

// withdrawn reports whether the key was retired before it began to sign: it replaced no
// other key.
func (k Stored) withdrawn() bool { return k.RetiresAt != 0 && k.RetiresAt <= k.SignsAt }

// ending reports whether a key is to retire after a time.
func (c Chain) ending(after int64) bool {
	return slices.ContainsFunc(c, func(k Stored) bool { return k.RetiresAt > after })
}

// InUse reports whether a key has no end set.
func (c Chain) InUse() bool {
	return slices.ContainsFunc(c, func(k Stored) bool { return k.RetiresAt == 0 })
}

// signer returns the index of the key that signs: the last with SignsAt in the past. If
// that was retired, the next one signs early. A key never signs again after another
// took over. It returns -1 if there is none.
func (c Chain) signer(now int64) int {
	last := -1
	for i, k := range c {
		if k.SignsAt <= now && !k.withdrawn() {
			last = i
		}
	}
	for i := max(last, 0); i < len(c); i++ {
		if !c[i].retired(now) {
			return i
		}
	}
	return -1
}

// Stage returns the stage of the i-th key.
func (c Chain) Stage(i int, now int64) Stage {
	signer := c.signer(now)
	switch {
	case c[i].retired(now):
		return Gone
	case i == signer:
		return Signing
	case signer >= 0 && i > signer:
		return Prepared
	case now < c.superseded(i)+Keep:
		return Kept
	}
	return Gone
}

// superseded returns when a key after the i-th took over from it.
func (c Chain) superseded(i int) int64 {
	for _, k := range c[i+1:] {
		if !k.withdrawn() {
			return k.SignsAt
		}
	}
	return 0
}

// Next returns the key that is prepared to sign after the current one.
func (c Chain) Next(now int64) (Stored, bool) {
	for i := range c {
		if c.Stage(i, now) == Prepared {
			return c[i], true
		}
	}
	return Stored{}, false
}

// due reports whether the next key must be made, given an algorithm and the time that a
// key signs in seconds (0: until a command).
func (c Chain) due(life int64, a Algorithm, now int64) bool {
	signer := c.signer(now)
	if signer < 0 {
		return true
	}
	if _, prepared := c.Next(now); prepared {
		return false
	}
	k := c[signer]
	return k.Algorithm != a || life > 0 && now >= k.SignsAt+life-Lead
}

// successor returns the generation of the next key and when it may sign: at once if no
// key signs.
func (c Chain) successor(lead, now int64) (generation, signsAt int64) {
	for _, k := range c {
		generation = max(generation, k.Generation)
	}
	if c.signer(now) < 0 {
		return generation + 1, now
	}
	return generation + 1, now + lead
}
