package sqlstore

import (
	"context"
	"database/sql"
	"strings"
)

// probeWrite writes a row that changes in size. The time 0 leaves that of the last replica's
// probe, by which a restored database is dated.
const probeWrite = `
INSERT INTO health (id, at, fill) VALUES (1, ?1, ?2)
ON CONFLICT (id) DO UPDATE SET at = CASE WHEN excluded.at = 0 THEN health.at ELSE excluded.at END, fill = excluded.fill`

// probeFill is larger than two pages, so that the row does not fit into the free space
// of a file that cannot grow.
var probeFill = strings.Repeat("0", 10_000)

// ProbeWrite tests whether a write succeeds that allocates disk space, and frees the
// space again. A replica passes the time, and a command that is none passes 0.
func (db *database) ProbeWrite(ctx context.Context, now int64) error {
	if err := db.change(ctx, "probe", probeWrite, now, probeFill); err != nil {
		return err
	}
	return db.change(ctx, "probe", probeWrite, now, "")
}

// PoolStats returns the state of the pool of connections.
func (db *database) PoolStats() sql.DBStats { return db.pool.Stats() }
