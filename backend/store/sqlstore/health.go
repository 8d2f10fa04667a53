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

// probeRoom fails on PostgreSQL if the database's disk is full: a result of more than
// 64 KB goes to a temporary file of 28 KB, which ends with the statement. A row fits into
// the free space of a table, and does not show it.
const probeRoom = `
SELECT COUNT(*) FROM (
	SELECT set_config('work_mem', '64kB', true), set_config('temp_tablespaces', '', true) OFFSET 0
) AS spilled, LATERAL generate_series(1, 2000)`

// diskFull is PostgreSQL's code of a full disk.
const diskFull = "53100"

// ProbeWrite tests whether a write succeeds that allocates disk space, and frees the
// space again. A replica passes the time, and a command that is none passes 0.
func (db *database) ProbeWrite(ctx context.Context, now int64) error {
	if err := db.change(ctx, "probe", probeWrite, now, probeFill); err != nil {
		return err
	}
	if err := db.change(ctx, "probe", probeWrite, now, ""); err != nil || !db.dialect.dollar {
		return err
	}
	// Other databases of PostgreSQL's dialect, and its limits of temporary files, may
	// refuse the statement.
	if err := db.change(ctx, "probe", probeRoom); err != nil && sqlState(err) == diskFull {
		return err
	}
	return nil
}

// PoolStats returns the state of the pool of connections.
func (db *database) PoolStats() sql.DBStats { return db.pool.Stats() }
