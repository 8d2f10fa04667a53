package dpop_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/tabard-auth/tabard/backend/dpop"
)

// start is the first second of the tests.
var start = now.Unix()

func TestAProofCountsOnceWhileItIsGood(t *testing.T) {
	const life = 36
	for offset := range int64(2 * life) { // at any point in a half of the memory
		replays := dpop.NewReplays(life, 10)
		replays.Use(&dpop.Proof{ID: "first"}, start)
		shown := start + offset
		if err := replays.Use(&dpop.Proof{ID: "one"}, shown); err != nil {
			t.Fatal(err)
		}
		for later := range int64(life) {
			if err := replays.Use(&dpop.Proof{ID: "one"}, shown+later); !errors.Is(err, dpop.ErrReplayed) {
				t.Fatalf("again after %d s: %v", later, err)
			}
		}
	}
}

func TestTheSameNameByAnotherKeyIsAnotherProof(t *testing.T) {
	replays := dpop.NewReplays(36, 10)
	for _, jkt := range []string{"one", "two"} {
		if err := replays.Use(&dpop.Proof{JKT: jkt, ID: "name"}, start); err != nil {
			t.Error(err)
		}
	}
}

// TestAsManyProofsAsThereAreRequestsAreTaken: a client that makes each proof when it
// sends the request is not refused for their number.
func TestAsManyProofsAsThereAreRequestsAreTaken(t *testing.T) {
	replays := dpop.NewReplays(120, 1000)
	for second := range int64(300) {
		for i := range 900 {
			p := &dpop.Proof{ID: fmt.Sprint(second, " ", i), IssuedAt: start + second}
			if err := replays.Use(p, start+second); err != nil {
				t.Fatalf("the %d. in second %d: %v", i, second, err)
			}
			if err := replays.Use(p, start+second); !errors.Is(err, dpop.ErrReplayed) {
				t.Fatalf("the %d. in second %d again: %v", i, second, err)
			}
		}
	}
}

func TestWhatCannotBeRememberedIsRefused(t *testing.T) {
	replays := dpop.NewReplays(36, 100)
	made := func(id string, at int64) *dpop.Proof { return &dpop.Proof{ID: id, IssuedAt: at} }
	for i := range 200 {
		if err := replays.Use(made(fmt.Sprint(i), start), start); err != nil {
			t.Fatal(err)
		}
	}
	if err := replays.Use(made("more", start), start+1); !errors.Is(err, dpop.ErrTooManyProofs) {
		t.Errorf("the proof beyond: %v", err)
	}
	for i := range 200 {
		if err := replays.Use(made(fmt.Sprint(i), start), start+2); err == nil {
			t.Fatalf("proof %d counted twice", i)
		}
	}
	if err := replays.Use(made("later", start+1), start+1); err != nil {
		t.Errorf("one that was made later: %v", err)
	}
	if err := replays.Use(made("later", start+1), start+35); !errors.Is(err, dpop.ErrReplayed) {
		t.Errorf("that one again: %v", err)
	}
}

func TestOfManyAtOnceOneUsesAProof(t *testing.T) {
	replays := dpop.NewReplays(36, 10)
	var group sync.WaitGroup
	errs := make(chan error, 50)
	for range cap(errs) {
		group.Go(func() { errs <- replays.Use(&dpop.Proof{ID: "one"}, start) })
	}
	group.Wait()
	close(errs)
	used := 0
	for err := range errs {
		if err == nil {
			used++
		}
	}
	if used != 1 {
		t.Errorf("%d used it", used)
	}
}
