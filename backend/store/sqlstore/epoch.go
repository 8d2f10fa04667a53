package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/tabard-auth/tabard/backend/signingkey"
)

const (
	selectEpoch = `SELECT value, copied FROM current_epoch`

	// A database that people used before it had an epoch is of a release that knew none, or
	// was restored to its time: it takes no epoch that a file names.
	adoptEpoch = `
INSERT INTO epochs (one, value) SELECT 1, CAST(?1 AS TEXT) WHERE ?1 = '' OR NOT EXISTS (SELECT 1 FROM sessions)
ON CONFLICT (one) DO NOTHING`

	setEpoch = `
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
	e, known, err := db.KnownEpoch(ctx)
	if err == nil && !known {
		if err = db.change(ctx, "adopt epoch", adoptEpoch, adopt); err == nil {
			e, _, err = db.KnownEpoch(ctx)
		}
	}
	return e, err
}

// KnownEpoch returns the database's epoch, if it has one, and changes nothing.
func (db *database) KnownEpoch(ctx context.Context) (e signingkey.DatabaseEpoch, known bool, err error) {
	var copied int64
	switch err := db.row(ctx, selectEpoch).Scan(&e.Value, &copied); {
	case errors.Is(err, sql.ErrNoRows):
		return e, false, nil
	case err != nil:
		return e, false, fmt.Errorf("sqlstore: epoch: %w", err)
	}
	e.Copied = copied != 0
	return e, true, nil
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
