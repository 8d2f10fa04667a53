package signingkey

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The stages of a signing key's life, in seconds. They follow from the times that
// are stored with a key and from now alone, so that replicas agree without talking.
const (
	// SetAge is how long caches may keep a published key set.
	SetAge = 5 * 60
	// Lead is how long a key is published before it signs, where nobody is in a
	// hurry: longer than validators keep a set that they read at their own times.
	Lead = 60 * 60
	// Soonest is the least of it: what SetAge, the ring's own age and clocks that
	// differ add up to.
	Soonest = 10 * 60
	// Keep is how long a key is published after it has signed: the longest life of
	// a token, the leeway of verifiers, the ring's age, and more.
	Keep = 60 * 60
)

// The least, the most, and the usual time that a key signs.
const (
	minLife     = 24 * time.Hour
	maxLife     = 400 * 24 * time.Hour
	DefaultLife = 90 * 24 * time.Hour
)

// ParseLife reads how long a key signs: days (90d) or hours (2160h); 0 is until
// somebody says otherwise.
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
		return 0, fmt.Errorf("%q is no time between 1d and 400d, such as 90d", text)
	}
	return life, nil
}

// Stored is a signing key as a store keeps it: its private part sealed under the
// workspace's secret. Times are Unix seconds.
type Stored struct {
	ID string
	// Organization is the id of the organization whose own key it is; "" is the
	// workspace.
	Organization string
	// Generation numbers the keys of an issuer, from 1, in the order in which they
	// sign.
	Generation int64
	Algorithm  Algorithm
	Sealed     string
	CreatedAt  int64 // when it was made, and published
	SignsAt    int64 // when it takes over from the one before
	// RetiresAt is when it is no longer good, whatever it has signed; 0 says nothing.
	RetiresAt int64
	MadeBy    string // an actor of the audit trail
}

// Stage is where in its life a key is.
type Stage string

// The stages.
const (
	Prepared Stage = "prepared" // published, not used yet
	Signing  Stage = "signing"
	Kept     Stage = "kept" // signs no more, and is published for what it has signed
	Gone     Stage = "gone" // published no more
)

// Chain is the keys of one issuer, in the order of their generations.
type Chain []Stored

// retired tells that the key is no longer good.
func (k Stored) retired(now int64) bool { return k.RetiresAt != 0 && k.RetiresAt <= now }

// withdrawn tells that the key was retired before its time to sign came: it took
// over from none.
func (k Stored) withdrawn() bool { return k.RetiresAt != 0 && k.RetiresAt <= k.SignsAt }

// ending tells that a key is to retire after a time.
func (c Chain) ending(after int64) bool {
	return slices.ContainsFunc(c, func(k Stored) bool { return k.RetiresAt > after })
}

// InUse tells that nothing is said yet about the end of a key.
func (c Chain) InUse() bool {
	return slices.ContainsFunc(c, func(k Stored) bool { return k.RetiresAt == 0 })
}

// signer returns the index of the key that signs: the last whose time has come. Where
// that one was retired, the next is early. No key signs again after another took
// over. It returns -1 where there is none.
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

// Stage returns where in its life the i-th key is.
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

// superseded is when a key after the i-th took over from it.
func (c Chain) superseded(i int) int64 {
	for _, k := range c[i+1:] {
		if !k.withdrawn() {
			return k.SignsAt
		}
	}
	return 0
}

// Next returns the key that is prepared to sign after the present one.
func (c Chain) Next(now int64) (Stored, bool) {
	for i := range c {
		if c.Stage(i, now) == Prepared {
			return c[i], true
		}
	}
	return Stored{}, false
}

// due tells that the next key has to be made, where a key signs for life seconds
// (0: until somebody says otherwise) and by an algorithm.
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

// successor returns when the next key may sign: at once where nothing signs.
func (c Chain) successor(lead, now int64) (generation, signsAt int64) {
	for _, k := range c {
		generation = max(generation, k.Generation)
	}
	if c.signer(now) < 0 {
		return generation + 1, now
	}
	return generation + 1, now + lead
}
