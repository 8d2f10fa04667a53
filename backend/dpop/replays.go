package dpop

import (
	"errors"
	"hash/maphash"
	"math"
	"sync"
)

// Replays remembers the proofs that one process has seen, for as long as they are
// good, so that each counts once (RFC 9449 section 11.1). Its memory is bounded: a
// process that is shown more proofs than it can remember forgets the oldest, and
// refuses those that were made no later than one of them, for they could be replayed.
// Who makes a proof for each request, and sends it at once, notices nothing.
//
// Threat model. Whoever reads a request off the wire can send it again while its
// proof is good. Replays stops that within one process; another replica, or the
// same after a restart, knows nothing of it. There the proof's short life bounds it.
type Replays struct {
	life int64
	most int
	seed maphash.Seed

	mu           sync.Mutex
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
// are first shown, and for up to twice most of them.
func NewReplays(life int64, most int) *Replays {
	return &Replays{life: life, most: most, seed: maphash.MakeSeed(), newer: noProofs(), older: noProofs(), forgotten: math.MinInt64}
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
	name := r.name(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn(now)
	if r.holds(name) {
		return ErrReplayed
	}
	if len(r.newer.names) >= r.most {
		r.forgotten = max(r.forgotten, r.older.latest)
		r.older, r.newer, r.since = r.newer, noProofs(), now
	}
	if p.IssuedAt <= r.forgotten {
		return ErrTooManyProofs
	}
	r.newer.names[name] = struct{}{}
	r.newer.latest = max(r.newer.latest, p.IssuedAt)
	return nil
}

// turn forgets what is no longer good. Two halves are kept, of which the older is
// dropped whole.
func (r *Replays) turn(now int64) {
	age := now - r.since
	if age < r.life {
		return
	}
	if r.older = r.newer; age >= 2*r.life {
		r.older = noProofs()
	}
	r.newer, r.since = noProofs(), now
}

func (r *Replays) holds(name uint64) bool {
	_, newer := r.newer.names[name]
	_, older := r.older.names[name]
	return newer || older
}

// name is a hash that nobody outside can aim at: its seed is the process's own.
func (r *Replays) name(p *Proof) uint64 {
	var h maphash.Hash
	h.SetSeed(r.seed)
	h.WriteString(p.JKT) // of fixed length
	h.WriteString(p.ID)
	return h.Sum64()
}
