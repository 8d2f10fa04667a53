package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/tabard-auth/tabard/backend/audit"
)

const (
	acquireLease = `
INSERT INTO leases (name, holder, until) VALUES (?1, ?2, ?4)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE leases.until <= ?3 OR leases.holder = ?2`

	releaseLease = `DELETE FROM leases WHERE name = ?1 AND holder = ?2`

	countExpiredSessions = `SELECT COUNT(*) FROM (SELECT 1 FROM sessions WHERE expires_at < ?1 LIMIT ?2) AS counted`
	countLiveSessions    = `SELECT COUNT(*) FROM (SELECT 1 FROM sessions WHERE expires_at > ?1 AND revoked_at IS NULL LIMIT ?2) AS counted`
	countOldEvents       = `SELECT COUNT(*) FROM (SELECT 1 FROM audit WHERE at < ?1 LIMIT ?2) AS counted`

	selectEventsAfter = events + `(at, id) > (?1, ?2) AND at <= ?3 ORDER BY at, id LIMIT ?4`

	selectExport = `SELECT at, id FROM audit_exports WHERE name = ?1`
	// The position of an export never decreases; of two concurrent exports the later
	// position counts.
	upsertExport = `
INSERT INTO audit_exports (name, at, id) VALUES (?1, ?2, ?3)
ON CONFLICT (name) DO UPDATE SET at = excluded.at, id = excluded.id
WHERE (audit_exports.at, audit_exports.id) < (excluded.at, excluded.id)`
	selectExports = `
SELECT name, at, id, COALESCE((SELECT a.at FROM audit AS a WHERE (a.at, a.id) > (e.at, e.id) ORDER BY a.at, a.id LIMIT 1), 0)
FROM audit_exports AS e ORDER BY name`
	deleteExport = `DELETE FROM audit_exports WHERE name = ?1`
	firstExport  = `SELECT MIN(at) FROM audit_exports`
)

// AcquireLease acquires or extends a lease until a time (Unix seconds). It reports
// whether the holder has it.
func (db *database) AcquireLease(ctx context.Context, name, holder string, now, until int64) (bool, error) {
	return db.changed(ctx, "acquire lease", acquireLease, name, holder, now, until)
}

// ReleaseLease ends a holder's lease.
func (db *database) ReleaseLease(ctx context.Context, name, holder string) error {
	return db.change(ctx, "release lease", releaseLease, name, holder)
}

// CountExpired returns how many sessions ended before a time, limit at most.
func (s sessions) CountExpired(ctx context.Context, before, limit int64) (n int64, err error) {
	if err = s.row(ctx, countExpiredSessions, before, limit).Scan(&n); err != nil {
		return 0, fmt.Errorf("sqlstore: count sessions: %w", err)
	}
	return n, nil
}

// CountLive returns how many sessions have neither ended nor expired at a time, limit at
// most.
func (s sessions) CountLive(ctx context.Context, now, limit int64) (n int64, err error) {
	if err = s.row(ctx, countLiveSessions, now, limit).Scan(&n); err != nil {
		return 0, fmt.Errorf("sqlstore: count live sessions: %w", err)
	}
	return n, nil
}

// CountEvents returns how many events are older than a time, limit at most.
func (s auditLog) CountEvents(ctx context.Context, before, limit int64) (n int64, err error) {
	if err = s.row(ctx, countOldEvents, before, limit).Scan(&n); err != nil {
		return 0, fmt.Errorf("sqlstore: count events: %w", err)
	}
	return n, nil
}

// EventsAfter returns the events after a position, the oldest first, until a time.
func (s auditLog) EventsAfter(ctx context.Context, after audit.Position, until, limit int64) ([]audit.Event, error) {
	return collect(ctx, s, "events", scanEvent, selectEventsAfter, after.At, after.ID, until, limit)
}

// AuditExport returns the position of an export, initially zero.
func (s auditLog) AuditExport(ctx context.Context, name string) (p audit.Position, err error) {
	err = s.row(ctx, selectExport, name).Scan(&p.At, &p.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return p, nil
	}
	if err != nil {
		err = fmt.Errorf("sqlstore: audit export: %w", err)
	}
	return p, err
}

// AuditExports returns all named exports, by name.
func (s auditLog) AuditExports(ctx context.Context) ([]audit.Export, error) {
	return collect(ctx, s, "audit exports", func(r scanner) (e audit.Export, err error) {
		return e, r.Scan(&e.Name, &e.At, &e.ID, &e.Waiting)
	}, selectExports)
}

// SetAuditExport stores the position of an export.
func (s auditLog) SetAuditExport(ctx context.Context, name string, p audit.Position) error {
	return s.change(ctx, "set audit export", upsertExport, name, p.At, p.ID)
}

// DeleteAuditExport deletes an export, so that the audit log no longer waits for it. It
// reports whether the export existed.
func (s auditLog) DeleteAuditExport(ctx context.Context, name string) (bool, error) {
	return s.changed(ctx, "delete audit export", deleteExport, name)
}

// ExportedUntil returns the time up to which all exports have progressed. any is false
// without an export.
func (s auditLog) ExportedUntil(ctx context.Context) (at int64, any bool, err error) {
	var first sql.NullInt64
	if err := s.row(ctx, firstExport).Scan(&first); err != nil {
		return 0, false, fmt.Errorf("sqlstore: audit exports: %w", err)
	}
	return first.Int64, first.Valid, nil
}
