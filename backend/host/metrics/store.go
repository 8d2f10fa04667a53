package metrics

import (
	"context"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/session"
)

// Store returns a store that counts the changes of sessions. The read of a mint is
// passed through directly.
func (m *Metrics) Store(next host.Store) host.Store { return store{next, m} }

type store struct {
	host.Store
	metrics *Metrics
}

// RecordEvent implements audit.Store.
func (s store) RecordEvent(ctx context.Context, e audit.Event) error {
	err := s.Store.RecordEvent(ctx, e)
	if err != nil {
		return err
	}
	s.metrics.events.WithLabelValues(string(e.Action), string(e.Outcome)).Inc()
	if e.Action == audit.KeepMember {
		s.metrics.unknown.WithLabelValues(e.Reason).Inc()
	}
	return nil
}

// Redeem implements session.Store.
func (s store) Redeem(ctx context.Context, p session.Redemption) (session.Row, error) {
	row, err := s.Store.Redeem(ctx, p)
	if err != nil {
		return row, err
	}
	if outcome := rotated(row, p); outcome != "" {
		s.metrics.rotations.WithLabelValues(outcome).Inc()
	}
	return row, nil
}

// rotated returns the effect of a presentation on the session's rotation, or "" if only
// its use was recorded.
func rotated(after session.Row, p session.Redemption) string {
	since := after.Cur == p.Token.ID && after.CurAt == p.Now
	switch outcome := session.Settle(after, p).Outcome; {
	case !outcome.Mints():
		return outcome.String()
	case since && after.Rolled:
		return session.Rollback.String()
	case since:
		return session.Advance.String()
	}
	return ""
}

// RecordRevalidation implements revalidation.Store.
func (s store) RecordRevalidation(ctx context.Context, before, after session.ProviderToken, outcome session.Revalidation) error {
	err := s.Store.RecordRevalidation(ctx, before, after, outcome)
	if err == nil {
		s.metrics.revalidations.WithLabelValues(string(outcome)).Inc()
	}
	return err
}
