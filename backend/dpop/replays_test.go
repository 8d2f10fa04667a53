package dpop_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/tabard-auth/tabard/backend/dpop"
)

// start is when the tests begin, in Unix seconds.
var start = now.Unix()

func TestAProofCountsOnceWhileItIsGood(t *testing.T) {
	const life = 36
	for offset := range int64(2 * life) { // wherever in a half of the memory it falls
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

func TestWhatCannotBeRememberedIsRefusedUntilThereIsRoom(t *testing.T) {
	replays := dpop.NewReplays(36, 100)
	for i := range 100 {
		if err := replays.Use(&dpop.Proof{ID: fmt.Sprint(i)}, start); err != nil {
			t.Fatal(err)
		}
	}
	if err := replays.Use(&dpop.Proof{ID: "more"}, start+35); !errors.Is(err, dpop.ErrTooManyProofs) {
		t.Errorf("the proof beyond: %v", err)
	}
	if err := replays.Use(&dpop.Proof{ID: "0"}, start+35); !errors.Is(err, dpop.ErrReplayed) {
		t.Errorf("the first proof, again: %v", err)
	}
	if err := replays.Use(&dpop.Proof{ID: "more"}, start+36); err != nil {
		t.Errorf("later: %v", err)
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
