package host_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
)

// TestNew_LoopbackConnections checks that they need a public URL on this machine.
func TestNew_LoopbackConnections(t *testing.T) {
	secret, _ := signingkey.NewSecret()
	for public, want := range map[string]error{
		"https://app.example.com/auth": host.ErrNotLoopback, "https://10.0.0.1/auth": host.ErrNotLoopback, "http://localhost:8080/auth": nil,
	} {
		_, err := host.New(host.Config{PublicURL: public, Secret: secret, LoopbackConnections: true}, nil)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", public, err)
		}
	}
}

// fullStore is a store with many ended sessions.
type fullStore struct {
	*sqlstore.Store
	sessions int64
}

func (c *fullStore) DeleteExpired(_ context.Context, _, limit int64) (int64, error) {
	gone := min(limit, c.sessions)
	c.sessions -= gone
	return gone, nil
}

// TestCleanUp_ManySignIns checks that one run handles a limited part of a backlog.
func TestCleanUp_ManySignIns(t *testing.T) {
	secret, _ := signingkey.NewSecret()
	empty, err := sqlite.Open(t.Context(), lite.NewFile(t))
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	for sessions, want := range map[int64]int64{0: 0, 4_999: 4_999, 5_000: 5_000, 12_345: 12_345, 1_000_000: 50_000} {
		store := &fullStore{empty, sessions}
		got, err := host.CleanUp(t.Context(), store, host.Rotation{Ring: signingkey.NewKeyRing(store, secret, signingkey.ES256)}, time.Now())
		if err != nil || got != want {
			t.Errorf("of %d it forgets %d, %v", sessions, got, err)
		}
	}
}
