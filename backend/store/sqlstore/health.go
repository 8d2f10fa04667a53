package sqlstore

import (
	"context"
	"database/sql"
	"strings"
)

// probeWrite writes the one row whose size changes.
const probeWrite = `
INSERT INTO health (id, at, fill) VALUES (1, ?1, ?2)
ON CONFLICT (id) DO UPDATE SET at = excluded.at, fill = excluded.fill`

// probeFill is larger than two pages: a row that only changed would find room in a file
// that cannot grow.
var probeFill = strings.Repeat("0", 10_000)

// ProbeWrite writes something of no meaning, which takes room on the disk, and gives the
// room back.
func (db *database) ProbeWrite(ctx context.Context, now int64) error {
	if err := db.change(ctx, "probe", probeWrite, now, probeFill); err != nil {
		return err
	}
	return db.change(ctx, "probe", probeWrite, now, "")
}

// PoolStats returns the state of the pool of connections.
func (db *database) PoolStats() sql.DBStats { return db.pool.Stats() }
