package storetest

import (
	"context"

	"github.com/tabard-auth/tabard/backend/audit"
)

// Housekeeping is what a store keeps for what one replica at a time does.
type Housekeeping interface {
	ProbeWrite(ctx context.Context, now int64) error
	LastServed(ctx context.Context) (int64, error)
	AcquireLease(ctx context.Context, name, holder string, now, until int64) (bool, error)
	ReleaseLease(ctx context.Context, name, holder string) error
	CountExpired(ctx context.Context, before, limit int64) (int64, error)
	CountLive(ctx context.Context, now, limit int64) (int64, error)
	CountEvents(ctx context.Context, before, limit int64) (int64, error)
	EventsAfter(ctx context.Context, after audit.Position, until, limit int64) ([]audit.Event, error)
	AuditExport(ctx context.Context, name string) (audit.Position, error)
	AuditExports(ctx context.Context) ([]audit.Export, error)
	SetAuditExport(ctx context.Context, name string, p audit.Position) error
	DeleteAuditExport(ctx context.Context, name string) (bool, error)
	ExportedUntil(ctx context.Context) (at int64, any bool, err error)
}

func leases(s *suite) {
	for range 3 {
		s.must(s.ProbeWrite(s.ctx, Now))
	}
	s.must(s.ProbeWrite(s.ctx, 0)) // of a command, which serves nothing
	served, err := s.LastServed(s.ctx)
	s.must(err)
	s.is(served, int64(Now))
	for _, c := range []struct {
		holder     string
		now, until int64
		held       bool
	}{
		{"a", 0, 10, true}, {"b", 5, 15, false}, {"a", 9, 20, true}, {"b", 10, 20, false}, {"b", 20, 30, true}, {"a", 21, 31, false},
	} {
		held, err := s.AcquireLease(s.ctx, "lease", c.holder, Now+c.now, Now+c.until)
		s.must(err)
		s.is(held, c.held)
	}
	s.must(s.ReleaseLease(s.ctx, "lease", "a")) // which is not a's
	held, err := s.AcquireLease(s.ctx, "lease", "a", Now+22, Now+32)
	s.must(err)
	s.is(held, false)
	s.must(s.ReleaseLease(s.ctx, "lease", "b"))
	held, err = s.AcquireLease(s.ctx, "lease", "a", Now+22, Now+32)
	s.must(err)
	s.is(held, true)
}

func exports(s *suite) {
	for _, id := range []string{"c", "a", "b"} {
		s.must(s.RecordEvent(s.ctx, audit.Event{ID: id, At: Now, Action: audit.SignIn, Outcome: audit.Done}))
	}
	s.must(s.RecordEvent(s.ctx, audit.Event{ID: "0", At: Now + 1, Action: audit.SignIn, Outcome: audit.Done}))
	var read string
	after := audit.Position{At: Now - 1}
	for range 5 {
		page, err := s.EventsAfter(s.ctx, after, Now+1, 2)
		s.must(err)
		for _, e := range page {
			read += e.ID
			after = audit.Position{At: e.At, ID: e.ID}
		}
	}
	s.is(read, "abc0")
	n, err := s.CountEvents(s.ctx, Now+1, 2)
	s.must(err)
	s.is(n, int64(2))

	_, any, err := s.ExportedUntil(s.ctx)
	s.must(err)
	s.is(any, false)
	for _, c := range []struct {
		name  string
		p     audit.Position
		first int64
	}{
		{"one", audit.Position{At: Now + 5, ID: "x"}, Now + 5}, {"two", audit.Position{At: Now, ID: "a"}, Now},
		{"two", audit.Position{At: Now + 9, ID: "b"}, Now + 5}, {"one", audit.Position{At: Now + 1, ID: "z"}, Now + 5},
	} {
		s.must(s.SetAuditExport(s.ctx, c.name, c.p))
		first, any, err := s.ExportedUntil(s.ctx)
		s.must(err)
		s.is(any, true)
		s.is(first, c.first)
	}
	s.must(s.SetAuditExport(s.ctx, "behind", audit.Position{At: Now, ID: "a"}))
	s.must(s.SetAuditExport(s.ctx, "new", audit.Position{}))
	all, err := s.AuditExports(s.ctx)
	s.must(err)
	s.is(all, []audit.Export{
		{Name: "behind", Position: audit.Position{At: Now, ID: "a"}, Waiting: Now}, {Name: "new", Waiting: Now},
		{Name: "one", Position: audit.Position{At: Now + 5, ID: "x"}}, {Name: "two", Position: audit.Position{At: Now + 9, ID: "b"}},
	})
	p, err := s.AuditExport(s.ctx, "one")
	s.must(err)
	s.is(p, audit.Position{At: Now + 5, ID: "x"})
	was, err := s.DeleteAuditExport(s.ctx, "one")
	s.must(err)
	s.is(was, true)
	was, err = s.DeleteAuditExport(s.ctx, "one")
	s.must(err)
	s.is(was, false)
}
