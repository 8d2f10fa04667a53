package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/tabard-auth/tabard/backend/store/inspect"
)

// patience are the limits beyond which something holds back what PostgreSQL would remove.
type patience struct {
	transaction time.Duration
	slot        int64 // bytes of the log
}

// usual is far more than this program's transactions and a replica that runs take.
var usual = patience{time.Hour, 1 << 30}

const (
	// The archiver's last failure counts until a segment is archived.
	selectArchiver = `
SELECT last_failed_wal, to_char(last_failed_time AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI"Z"') FROM pg_stat_archiver
WHERE last_failed_time > COALESCE(last_archived_time, '-infinity')`

	selectSlots = `
SELECT slot_name, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint >> 20 FROM pg_replication_slots
WHERE NOT active AND pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) > $1`

	// An account sees its own transactions, and those of others with pg_read_all_stats.
	selectTransactions = `
SELECT pid::text, (extract(epoch FROM clock_timestamp() - xact_start) / 60)::bigint FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start < clock_timestamp() - make_interval(secs => $1)
	AND (backend_xid IS NOT NULL OR backend_xmin IS NOT NULL)`

	selectAutovacuum = `SELECT setting, 0 FROM pg_settings WHERE name = 'autovacuum' AND setting = 'off'`
)

// holding returns what lets the database's disk fill although this program cleans up. A
// database that does not tell it, such as one that only speaks PostgreSQL's protocol, has
// none of it.
func holding(ctx context.Context, db *sql.DB, p patience) (found []inspect.Trouble) {
	for _, ask := range []struct {
		statement string
		args      []any
		trouble   func(name string, n int64) inspect.Trouble
	}{
		{selectSlots, []any{p.slot}, func(name string, mb int64) inspect.Trouble {
			return inspect.Trouble{
				Text:   fmt.Sprintf("the replication slot %s is not in use and keeps %d MB of the log, which grows until the disk is full", name, mb),
				Advice: "Start its replica again, or drop it: SELECT pg_drop_replication_slot('" + name + "')",
			}
		}},
		{selectTransactions, []any{p.transaction.Seconds()}, func(pid string, minutes int64) inspect.Trouble {
			return inspect.Trouble{
				Text:   fmt.Sprintf("a transaction has been open for %d minutes (process %s): no space of what is deleted meanwhile is used again", minutes, pid),
				Advice: "See whose it is in pg_stat_activity, and end it: SELECT pg_terminate_backend(" + pid + ")",
			}
		}},
		{selectAutovacuum, nil, func(string, int64) inspect.Trouble {
			return inspect.Trouble{Text: "autovacuum is off: no space of what is deleted is used again", Advice: "Set autovacuum = on in postgresql.conf."}
		}},
	} {
		found = append(found, troubles(ctx, db, ask.statement, ask.args, ask.trouble)...)
	}
	var segment, since string
	if db.QueryRowContext(ctx, selectArchiver).Scan(&segment, &since) == nil {
		found = append(found, inspect.Trouble{
			Text:   fmt.Sprintf("its log is not archived (%s failed at %s): the disk fills, and no recovery to a point in time goes beyond that", segment, since),
			Advice: "See archive_command, and PostgreSQL's log for why it fails.",
		})
	}
	return found
}

func troubles(ctx context.Context, db *sql.DB, statement string, args []any, trouble func(string, int64) inspect.Trouble) (found []inspect.Trouble) {
	rows, err := db.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var n int64
		if rows.Scan(&name, &n) == nil {
			found = append(found, trouble(name, n))
		}
	}
	return found
}
