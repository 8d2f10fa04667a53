package sqlstore

import (
	"context"
	"fmt"

	"github.com/tabard-auth/tabard/backend/signingkey"
)

const (
	selectEpoch = `SELECT value, copied FROM current_epoch`
	adoptEpoch  = `INSERT INTO epochs (one, value) VALUES (1, ?1) ON CONFLICT (one) DO NOTHING`
	setEpoch    = `
INSERT INTO epochs (one, value) VALUES (1, ?1)
ON CONFLICT (one) DO UPDATE SET value = excluded.value, origin = 0`

	// What commands did to a restored database tells nothing of when it was served.
	selectLastServed = `
SELECT COALESCE(MAX(at), 0) FROM (
	SELECT MAX(at) AS at FROM health
	UNION ALL SELECT at FROM (SELECT at FROM audit WHERE actor <> 'command line' ORDER BY at DESC, id DESC LIMIT 1) AS last) AS seen`
)

// Epoch implements signingkey.Epochs.
func (db *database) Epoch(ctx context.Context, adopt string) (e signingkey.DatabaseEpoch, err error) {
	var n, copied int64
	err = db.row(ctx, `SELECT COUNT(*) FROM epochs`).Scan(&n)
	if err == nil && n == 0 {
		err = db.change(ctx, "adopt epoch", adoptEpoch, adopt)
	}
	if err == nil {
		err = db.row(ctx, selectEpoch).Scan(&e.Value, &copied)
	}
	if err != nil {
		return e, fmt.Errorf("sqlstore: epoch: %w", err)
	}
	e.Copied = copied != 0
	return e, nil
}

// SetEpoch implements signingkey.Epochs.
func (db *database) SetEpoch(ctx context.Context, value string) error {
	return db.change(ctx, "set epoch", setEpoch, value)
}

// LastServed returns the last time (Unix seconds) of which the database shows that a
// replica served it, or 0.
func (db *database) LastServed(ctx context.Context) (at int64, err error) {
	if err := db.row(ctx, selectLastServed).Scan(&at); err != nil {
		return 0, fmt.Errorf("sqlstore: last served: %w", err)
	}
	return at, nil
}
