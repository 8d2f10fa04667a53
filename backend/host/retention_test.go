package host_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
)

const day = 24 * time.Hour

func TestRetention_DeletesOldEvents(t *testing.T) {
	for retention, want := range map[string][]string{
		"0": {"new", "month", "year"}, "365d": {"new", "month", "year"}, "364d": {"new", "month"}, "24h": {"new"},
	} {
		store, err := sqlite.Open(t.Context(), lite.NewFile(t))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		now := time.Unix(1_800_000_000, 0)
		for id, age := range map[string]time.Duration{"new": 0, "month": 30 * day, "year": 365 * day} {
			if err := store.RecordEvent(t.Context(), audit.Event{ID: id, At: now.Add(-age).Unix(), Action: audit.SignIn, Outcome: audit.Done}); err != nil {
				t.Fatal(err)
			}
		}
		r, err := host.ParseRetention(retention)
		if err != nil {
			t.Fatal(err)
		}
		forgotten, err := r.DeleteEvents(t.Context(), store, now)
		if err != nil || int(forgotten) != 3-len(want) {
			t.Errorf("%s: %d are forgotten, %v", retention, forgotten, err)
		}
		left, err := store.Events(t.Context(), audit.Query{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, e := range left {
			ids = append(ids, e.ID)
		}
		if !slices.Equal(ids, want) {
			t.Errorf("%s: %v are left, want %v", retention, ids, want)
		}
	}
}

// longAuditLog is an audit log with many old events.
type longAuditLog struct{ events int64 }

func (l *longAuditLog) DeleteEvents(_ context.Context, _, limit int64) (int64, error) {
	gone := min(limit, l.events)
	l.events -= gone
	return gone, nil
}

func (l *longAuditLog) AuditExports(context.Context) ([]audit.Export, error) { return nil, nil }

func (l *longAuditLog) ExportedUntil(context.Context) (int64, bool, error) { return 0, false, nil }

func TestRetention_Batches(t *testing.T) {
	trail := &longAuditLog{120_000}
	for _, want := range []int64{50_000, 50_000, 20_000, 0} {
		if got, err := host.Retention(day).DeleteEvents(t.Context(), trail, time.Now()); err != nil || got != want {
			t.Errorf("it forgets %d, %v, want %d", got, err, want)
		}
	}
}

func TestRetention_AtLeastOneDay(t *testing.T) {
	for text, want := range map[string]host.Retention{"0": 0, "1d": host.Retention(day), "365d": host.Retention(365 * day), "48h": host.Retention(2 * day)} {
		if got, err := host.ParseRetention(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "23h", "-1d", "1y", "30m", "d", "0d", "365"} {
		if got, err := host.ParseRetention(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
