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
