package host_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// backlogStore is a store with a large backlog in which deletions take time.
type backlogStore struct {
	*sqlstore.Store
	sessions, events int64
	limits           []int64
}

func take(left *int64, limit int64) (int64, error) {
	time.Sleep(100 * time.Millisecond)
	gone := min(limit, *left)
	*left -= gone
	return gone, nil
}

func (p *backlogStore) DeleteExpired(_ context.Context, _, limit int64) (int64, error) {
	p.limits = append(p.limits, limit)
	return take(&p.sessions, limit)
}

func (p *backlogStore) DeleteEvents(_ context.Context, _, limit int64) (int64, error) {
	p.limits = append(p.limits, limit)
	return take(&p.events, limit)
}

func (p *backlogStore) CountExpired(_ context.Context, _, limit int64) (int64, error) {
	return min(p.sessions, limit), nil
}

func (p *backlogStore) CountEvents(_ context.Context, _, limit int64) (int64, error) {
	return min(p.events, limit), nil
}

// housekeeping returns the housekeeping of a replica.
func housekeeping(store host.Housekeeper, replica string) host.Housekeeping {
	secret, _ := signingkey.NewSecret()
	return host.Housekeeping{
		Store: store, Rotation: host.Rotation{Ring: signingkey.NewKeyRing(store.(signingkey.Store), secret, signingkey.ES256), Secret: secret},
		Retention: host.Retention(day), Replica: replica, Log: slog.New(slog.DiscardHandler),
	}
}

// TestHousekeeping_WholeBacklog checks that all of a backlog is deleted in small
// batches, and that the remaining number is reported.
func TestHousekeeping_WholeBacklog(t *testing.T) {
	store := &backlogStore{Store: emptyStore(t), sessions: 123_456, events: 54_321}
	h := housekeeping(store, "a")
	left := map[string][]int64{}
	h.Report = func(what string, n int64) { left[what] = append(left[what], n) }
	synctest.Test(t, func(t *testing.T) {
		if turn, err := h.Run(context.Background()); err != nil || !turn {
			t.Errorf("turn %v: %v", turn, err)
		}
	})
	if store.sessions != 0 || store.events != 0 {
		t.Errorf("%d sessions and %d events are left", store.sessions, store.events)
	}
	if slices.Max(store.limits) > 1000 {
		t.Errorf("it forgets %d at once", slices.Max(store.limits))
	}
	for what, first := range map[string]int64{host.BacklogSessions: 123_456, host.BacklogEvents: 54_321} {
		got := left[what]
		if len(got) < 10 || got[0] != first || got[len(got)-1] != 0 || !slices.IsSortedFunc(got, func(a, b int64) int { return int(b - a) }) {
			t.Errorf("%s: it tells %v", what, got)
		}
	}
}

// TestHousekeeping_OneReplicaAtATime checks that a crashed replica blocks the others
// for minutes only.
func TestHousekeeping_OneReplicaAtATime(t *testing.T) {
	store, now := emptyStore(t), time.Unix(1_800_000_000, 0)
	clock := func() time.Time { return now }
	if held, err := store.AcquireLease(t.Context(), "housekeeping", "died", now.Unix(), now.Add(5*time.Minute).Unix()); err != nil || !held {
		t.Fatalf("%v, %v", held, err)
	}
	for _, c := range []struct {
		after time.Duration
		turn  bool
	}{{time.Minute, false}, {299 * time.Second, false}, {5 * time.Minute, true}} {
		now = time.Unix(1_800_000_000, 0).Add(c.after)
		h := housekeeping(store, "b")
		h.Now = clock
		if turn, err := h.Run(t.Context()); err != nil || turn != c.turn {
			t.Errorf("after %v: turn %v, %v", c.after, turn, err)
		}
	}
	if held, err := store.AcquireLease(t.Context(), "housekeeping", "c", now.Unix(), now.Unix()+1); err != nil || !held {
		t.Errorf("the lease was not given back: %v, %v", held, err)
	}
}

// TestHousekeeping_KeepsUnexportedEvents checks that events are kept until every export
// has read them.
func TestHousekeeping_KeepsUnexportedEvents(t *testing.T) {
	store, now := emptyStore(t), time.Unix(1_800_000_000, 0)
	for i := range 5 {
		e := audit.Event{ID: fmt.Sprint(i), At: now.Add(-time.Duration(10-i) * day).Unix(), Action: audit.SignIn, Outcome: audit.Done}
		if err := store.RecordEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	h := housekeeping(store, "a")
	h.Now = func() time.Time { return now }
	left := func() (ids []string) {
		t.Helper()
		if _, err := h.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		all, err := store.EventsAfter(t.Context(), audit.Position{}, now.Add(-day).Unix(), 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			ids = append(ids, e.ID)
		}
		return ids
	}
	for _, at := range []struct {
		name, id string
		left     []string
	}{{"siem", "2", []string{"2", "3", "4"}}, {"slow", "1", []string{"2", "3", "4"}}, {"siem", "4", []string{"2", "3", "4"}}, {"slow", "3", []string{"3", "4"}}} {
		i := int(at.id[0] - '0')
		if err := store.SetAuditExport(t.Context(), at.name, audit.Position{At: now.Add(-time.Duration(10-i) * day).Unix(), ID: at.id}); err != nil {
			t.Fatal(err)
		}
		if got := left(); !slices.Equal(got, at.left) {
			t.Errorf("with %s at %s: %v are left, want %v", at.name, at.id, got, at.left)
		}
	}
	for _, name := range []string{"siem", "slow"} {
		if was, err := store.DeleteAuditExport(t.Context(), name); err != nil || !was {
			t.Errorf("%s: %v, %v", name, was, err)
		}
	}
	if got := left(); len(got) > 0 {
		t.Errorf("with no export: %v are left", got)
	}
}

// TestHousekeeping_ForgottenExport: events that are kept for an export alone are counted,
// and how long the oldest one waits.
func TestHousekeeping_ForgottenExport(t *testing.T) {
	store, now := emptyStore(t), time.Unix(1_800_000_000, 0)
	for i, age := range []time.Duration{9 * day, 8 * day, time.Hour} {
		if err := store.RecordEvent(t.Context(), audit.Event{ID: fmt.Sprint(i), At: now.Add(-age).Unix(), Action: audit.SignIn, Outcome: audit.Done}); err != nil {
			t.Fatal(err)
		}
	}
	left, behind := map[string]int64{}, time.Duration(0)
	h := housekeeping(store, "a")
	h.Now = func() time.Time { return now }
	h.Report = func(what string, n int64) { left[what] = n }
	h.Behind = func(by time.Duration) { behind = by }
	run := func() {
		t.Helper()
		if _, err := h.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.SetAuditExport(t.Context(), "archive", audit.Position{}); err != nil {
		t.Fatal(err)
	}
	run()
	if behind != 9*day || left[host.BacklogEvents] != 0 || left[host.BacklogExports] != 2 {
		t.Errorf("behind by %v, left %v", behind, left)
	}
	if _, err := store.DeleteAuditExport(t.Context(), "archive"); err != nil {
		t.Fatal(err)
	}
	run()
	if behind != 0 || left[host.BacklogExports] != 0 {
		t.Errorf("without an export: behind by %v, left %v", behind, left)
	}
}
