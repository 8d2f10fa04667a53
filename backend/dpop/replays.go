package dpop

import (
	"errors"
	"hash/maphash"
	"math"
	"sync"
)

// Replays remembers the proofs that one process has seen while they are valid, so that
// each is used once (RFC 9449 section 11.1). Its memory is bounded for each key and in
// total. A key with more proofs than its share loses its own oldest ones; further
// proofs that are no newer than a forgotten one are refused, since they could be
// replays. Other keys are not affected, however many proofs a key makes and whatever
// times they carry. A client that makes a proof for each request and sends it at once
// is never refused.
//
// Use expects a proof by a known key, a session's or a token's. Made-up keys would take
// the room of those.
//
// Threat model. An attacker that reads a request off the wire can replay it while its
// proof is valid. Replays prevents that within one process. Another replica, or the
// same one after a restart, has no memory of the proof. There, the proof's short life
// limits the replay.
type Replays struct {
	life int64
	most int
	seed maphash.Seed

	mu    sync.Mutex
	keys  map[string]*used
	total int   // proofs of all keys together
	swept int64 // when unused keys were last dropped
}

const (
	// fullBy is the number of keys with their full number of proofs that fill the
	// memory. With more, each key has an equal share, and at least leastShare.
	fullBy     = 64
	leastShare = 4
)

// used holds the proofs of one key in two halves. The older half is dropped as a whole.
type used struct {
	since        int64 // start of newer
	newer, older proofs
	forgotten    int64 // issue time of the newest proof that was dropped early
}

// proofs are used proofs by id, and the issue time of the newest.
type proofs struct {
	names  map[uint64]struct{}
	latest int64
}

func noProofs() proofs { return proofs{map[uint64]struct{}{}, math.MinInt64} }

// NewReplays returns a memory for proofs that are valid for life seconds after they are
// first shown. It holds up to twice most proofs of one key, and about 64 times that in
// total.
func NewReplays(life int64, most int) *Replays {
	return &Replays{life: life, most: most, seed: maphash.MakeSeed(), keys: map[string]*used{}}
}

// Errors of Replays.Use.
var (
	ErrReplayed = errors.New("the DPoP proof was used before")
	// ErrTooManyProofs refuses a proof that may have been forgotten. The same request
	// may be repeated with a new proof.
	ErrTooManyProofs = errors.New("too many DPoP proofs at once")
)

// Use records that a proof is used now, in Unix seconds.
func (r *Replays) Use(p *Proof, now int64) error {
	name := maphash.String(r.seed, p.ID) // cannot be predicted outside: the seed is the process's own
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.forKey(p.JKT, now)
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

// forKey returns the record of a key, or nil if there is no room for another key.
func (r *Replays) forKey(jkt string, now int64) *used {
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

// sweep drops the keys without a valid proof.
func (r *Replays) sweep(now int64) {
	r.swept = now
	for jkt, u := range r.keys {
		if now-u.since >= 2*r.life {
			r.total -= u.len()
			delete(r.keys, jkt)
		}
	}
}

// share returns the number of proofs that half of a key's memory may have.
func (r *Replays) share() int {
	full := fullBy * r.most
	if r.total < full {
		return r.most
	}
	return min(r.most, max(leastShare, full/len(r.keys)/2))
}

// turn drops expired proofs and returns their number.
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

// forget drops the older half early and returns its number of proofs.
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
