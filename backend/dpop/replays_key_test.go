package dpop_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tabard-auth/tabard/backend/dpop"
)

// TestReplays_OneKeyUsesUpOnlyItsOwnMemory: the holder of a key chooses the number and
// the times of its proofs, and neither affects another key.
func TestReplays_OneKeyUsesUpOnlyItsOwnMemory(t *testing.T) {
	replays := dpop.NewReplays(36, 1<<13)
	early := &dpop.Proof{JKT: "early", ID: "seen", IssuedAt: start}
	if err := replays.Use(early, start); err != nil {
		t.Fatal(err)
	}
	for i := range 1 << 20 {
		replays.Use(&dpop.Proof{JKT: "greedy", ID: fmt.Sprint(i), IssuedAt: start + 30}, start)
	}
	for i := range 40 {
		honest := &dpop.Proof{JKT: fmt.Sprint("honest", i%4), ID: fmt.Sprint(i), IssuedAt: start + int64(i/4)}
		if err := replays.Use(honest, start+int64(i/4)); err != nil {
			t.Errorf("honest proof %d: %v", i, err)
		}
		if err := replays.Use(honest, start+int64(i/4)); !errors.Is(err, dpop.ErrReplayed) {
			t.Errorf("honest proof %d again: %v", i, err)
		}
	}
	if err := replays.Use(early, start+9); !errors.Is(err, dpop.ErrReplayed) {
		t.Errorf("the proof from before, again: %v", err)
	}
	for _, i := range []int{0, 1 << 19, 1<<20 - 1} {
		if replays.Use(&dpop.Proof{JKT: "greedy", ID: fmt.Sprint(i), IssuedAt: start + 30}, start+9) == nil {
			t.Errorf("the greedy key's proof %d counted twice", i)
		}
	}
}

// TestReplays_ManyGreedyKeysLeaveRoom: together they fill the memory, and the other
// keys keep a small share of it.
func TestReplays_ManyGreedyKeysLeaveRoom(t *testing.T) {
	replays := dpop.NewReplays(36, 100)
	for key := range 200 {
		for i := range 300 {
			replays.Use(&dpop.Proof{JKT: fmt.Sprint("greedy", key), ID: fmt.Sprint(i), IssuedAt: start + 30}, start)
		}
	}
	for i := range 1000 {
		honest := &dpop.Proof{JKT: fmt.Sprint("honest", i%250), ID: fmt.Sprint(i), IssuedAt: start + int64(i/250)}
		for _, want := range []error{nil, dpop.ErrReplayed} {
			if err := replays.Use(honest, start+int64(i/250)); !errors.Is(err, want) {
				t.Fatalf("honest proof %d: %v, not %v", i, err, want)
			}
		}
	}
}

// TestReplays_MoreKeysThanFitAreRefused: no key that fits is forgotten for them.
func TestReplays_MoreKeysThanFitAreRefused(t *testing.T) {
	replays := dpop.NewReplays(36, 1)
	of := func(key int) *dpop.Proof { return &dpop.Proof{JKT: fmt.Sprint(key), ID: "one", IssuedAt: start} }
	taken := 0
	for ; taken < 1000 && replays.Use(of(taken), start) == nil; taken++ {
	}
	if taken < 16 || taken == 1000 {
		t.Fatalf("%d keys were remembered", taken)
	}
	if err := replays.Use(of(taken), start); !errors.Is(err, dpop.ErrTooManyProofs) {
		t.Errorf("the key beyond: %v", err)
	}
	for key := range taken {
		if err := replays.Use(of(key), start+35); !errors.Is(err, dpop.ErrReplayed) {
			t.Errorf("key %d again: %v", key, err)
		}
	}
	late := of(taken)
	late.IssuedAt = start + 200
	if err := replays.Use(late, start+200); err != nil {
		t.Errorf("when the others are over: %v", err)
	}
}
