package host_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
)

// failingStore is a store with failing methods. It counts its writes.
type failingStore struct {
	*sqlstore.Store
	ping, write error
	writes      int
}

func (f *failingStore) Ping(ctx context.Context) error { return errors.Join(f.ping, f.Store.Ping(ctx)) }

func (f *failingStore) ProbeWrite(ctx context.Context, now int64) error {
	f.writes++
	return errors.Join(f.write, f.Store.ProbeWrite(ctx, now))
}

func emptyStore(t *testing.T) *sqlstore.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), lite.NewFile(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// failed returns the part that a check names.
func failed(t *testing.T, r *host.Readiness, ring *signingkey.KeyRing) string {
	t.Helper()
	err := r.Check(t.Context(), ring)
	if not, ok := errors.AsType[*host.NotReady](err); ok {
		return not.Part
	}
	if err != nil {
		t.Error(err)
	}
	return ""
}

func TestReadiness_NamesFailingPart(t *testing.T) {
	secret, _ := signingkey.NewSecret()
	store := &failingStore{Store: emptyStore(t)}
	ring := signingkey.NewKeyRing(store, secret, signingkey.ES256)
	var log strings.Builder
	r := &host.Readiness{Store: store, Log: slog.New(slog.NewTextHandler(&log, nil))}
	if got := failed(t, r, ring); got != "" {
		t.Errorf("a replica that is well: %s", got)
	}
	for range 10 {
		failed(t, r, ring)
	}
	if store.writes != 1 {
		t.Errorf("asked often, it wrote %d times", store.writes)
	}
	other, _ := signingkey.NewSecret()
	if got := failed(t, r, signingkey.NewKeyRing(store, other, signingkey.ES256)); got != host.PartSigningKeys {
		t.Errorf("with another secret than that of the keys: %q", got)
	}
	store.ping = errors.New("away")
	if got := failed(t, r, ring); got != host.PartDatabase {
		t.Errorf("with a database that is away: %q", got)
	}
	store.ping = nil
	r = &host.Readiness{Store: store, Log: r.Log}
	store.write = errors.New("full")
	for range 2 { // the result does not change
		if got := failed(t, r, ring); got != host.PartWrite {
			t.Errorf("with a full disk: %q", got)
		}
	}
	store.write = nil
	if got := failed(t, r, ring); got != "" {
		t.Errorf("once there is room: %s", got)
	}
	r.Stop()
	if got := failed(t, r, ring); got != host.PartStopping {
		t.Errorf("while it stops: %q", got)
	}
	if n := strings.Count(log.String(), "failed=write"); n != 1 {
		t.Errorf("the log tells of the full disk %d times", n)
	}
}

// hangingStore is a database that does not answer.
type hangingStore struct{ asked atomic.Int32 }

func (h *hangingStore) Ping(ctx context.Context) error {
	h.asked.Add(1)
	<-ctx.Done()
	return ctx.Err()
}

func (h *hangingStore) ProbeWrite(context.Context, int64) error { return nil }

// TestReadiness_DatabaseHangs checks that a check ends within a second, and that
// repeated checks share one examination.
func TestReadiness_DatabaseHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &hangingStore{}
		r := &host.Readiness{Store: store, Log: slog.New(slog.DiscardHandler)}
		for range 5 {
			began := time.Now()
			if got := failed(t, r, nil); got != host.PartDatabase {
				t.Errorf("it says %q", got)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("it took %v", took)
			}
		}
		if asked := store.asked.Load(); asked != 1 {
			t.Errorf("the database was asked %d times", asked)
		}
		time.Sleep(time.Minute)
	})
}
