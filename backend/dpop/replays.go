package dpop

import (
	"errors"
	"hash/maphash"
	"math"
	"sync"
)

// Replays remembers the proofs that one process has seen, for as long as they are
// good, so that each counts once (RFC 9449 section 11.1). Its memory is bounded, for
// each key and for all together. A key that shows more proofs than it may have
// remembered forgets its own oldest, and is refused those that were made no later than
// one of them, for they could be replayed. No other key notices: neither how many
// proofs somebody makes nor when they claim to have made them moves anything of
// another's. Who makes a proof for each request, and sends it at once, notices nothing
// either way.
//
// Use takes a proof whose key is expected there, a session's or a token's: keys that
// anybody makes up would take the places of those.
//
// Threat model. Whoever reads a request off the wire can send it again while its
// proof is good. Replays stops that within one process; another replica, or the
// same after a restart, knows nothing of it. There the proof's short life bounds it.
type Replays struct {
	life int64
	most int
	seed maphash.Seed

	mu    sync.Mutex
	keys  map[string]*used
	total int   // proofs of all keys
	swept int64 // when keys that are not used any more were dropped
}

const (
	// fullBy is how many keys fill the memory that show as many proofs as they may.
	// From then on each has an equal share of it, and at least leastShare.
	fullBy     = 64
	leastShare = 4
)

// used are the proofs of one key, in two halves, of which the older is dropped whole.
type used struct {
	since        int64 // when newer began
	newer, older proofs
	forgotten    int64 // when the latest of those was made that were forgotten early
}

// proofs are some that were used, by name, and when the latest of them was made.
type proofs struct {
	names  map[uint64]struct{}
	latest int64
}

func noProofs() proofs { return proofs{map[uint64]struct{}{}, math.MinInt64} }

// NewReplays returns a memory for proofs that are good for life seconds after they
// are first shown: for up to twice most of one key, and for some 64 times that of all
// keys.
func NewReplays(life int64, most int) *Replays {
	return &Replays{life: life, most: most, seed: maphash.MakeSeed(), keys: map[string]*used{}}
}

// Errors of Replays.Use.
var (
	ErrReplayed = errors.New("the DPoP proof was used before")
	// ErrTooManyProofs refuses a proof that may have been forgotten. The same
	// request may be made again, with a new one.
	ErrTooManyProofs = errors.New("too many DPoP proofs at once")
)

// Use notes that a proof is used now, in Unix seconds.
func (r *Replays) Use(p *Proof, now int64) error {
	name := maphash.String(r.seed, p.ID) // nobody outside can aim at it: the seed is the process's own
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.of(p.JKT, now)
	if u == nil {
		return ErrTooManyProofs
	}
	r.total -= u.turn(now, r.life)
	if u.holds(name) {
		return ErrReplayed
	}
	if len(u.newer.names) >= r.share() {
		r.total -= u.forget(now)
	}
	if p.IssuedAt <= u.forgotten {
		return ErrTooManyProofs
	}
	u.newer.names[name] = struct{}{}
	u.newer.latest = max(u.newer.latest, p.IssuedAt)
	r.total++
	return nil
}

// of returns what a key has used; nil where there is no room for another key.
func (r *Replays) of(jkt string, now int64) *used {
	if now-r.swept >= r.life {
		r.sweep(now)
	}
	u := r.keys[jkt]
	if u == nil && len(r.keys) < fullBy*r.most/leastShare {
		u = &used{since: now, newer: noProofs(), older: noProofs(), forgotten: math.MinInt64}
		r.keys[jkt] = u
	}
	return u
}

// sweep drops the keys of whose proofs none is good any more.
func (r *Replays) sweep(now int64) {
	r.swept = now
	for jkt, u := range r.keys {
		if now-u.since >= 2*r.life {
			r.total -= u.len()
			delete(r.keys, jkt)
		}
	}
}

// share is how many proofs a half of a key's memory may have.
func (r *Replays) share() int {
	full := fullBy * r.most
	if r.total < full {
		return r.most
	}
	return min(r.most, max(leastShare, full/len(r.keys)/2))
}

// turn drops what is no longer good, and returns how many proofs that were.
func (u *used) turn(now, life int64) (dropped int) {
	age := now - u.since
	if age < life {
		return 0
	}
	before := u.len()
	if u.older = u.newer; age >= 2*life {
		u.older = noProofs()
	}
	u.newer, u.since = noProofs(), now
	return before - u.len()
}

// forget drops the older half early, and returns how many proofs that were.
func (u *used) forget(now int64) (dropped int) {
	dropped = len(u.older.names)
	u.forgotten = max(u.forgotten, u.older.latest)
	u.older, u.newer, u.since = u.newer, noProofs(), now
	return dropped
}

func (u *used) len() int { return len(u.newer.names) + len(u.older.names) }

func (u *used) holds(name uint64) bool {
	_, newer := u.newer.names[name]
	_, older := u.older.names[name]
	return newer || older
}
