package migrate

import (
	"context"
	"database/sql"
	"errors"
	"regexp"
	"strings"
)

// noTransaction is goose's annotation of a migration that must not run in a transaction.
// PostgreSQL makes an index in one only while all writes to its table wait.
const noTransaction = "-- +goose NO TRANSACTION"

// createIndex is the only statement that such a migration may have.
var createIndex = regexp.MustCompile(`^CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS (\w+) ON `)

// index is an index that a migration makes.
type index struct{ name, statement string }

// indexes returns the indexes of a migration that has the annotation.
func indexes(text string) (all []index, err error) {
	var statements strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "--") {
			statements.WriteString(line)
		}
	}
	for statement := range strings.SplitSeq(statements.String(), ";") {
		if statement = strings.TrimSpace(statement); statement == "" {
			continue
		}
		found := createIndex.FindStringSubmatch(statement)
		if found == nil {
			return nil, errors.New("a migration without a transaction may only have CREATE INDEX CONCURRENTLY IF NOT EXISTS: it may be run again")
		}
		all = append(all, index{found[1], statement})
	}
	return all, nil
}

// makeIndexes makes the indexes of a migration on another connection, while tx holds the
// lock of migrations. PostgreSQL waits for all transactions that began before, and
// requests go on meanwhile. tx is idle and sees only what is committed, so that it has no
// snapshot that the index would wait for.
func (r *run) makeIndexes(db *sql.DB, tx *sql.Tx, name, text string) error {
	all, err := indexes(text)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(r.ctx, "SET LOCAL idle_in_transaction_session_timeout = 0"); err != nil {
		return err
	}
	for _, i := range all {
		r.log.Info("making an index; requests go on, and it waits for transactions that began before", "migration", name, "index", i.name)
		for pause := firstPause; ; pause = min(2*pause, longestPause) {
			err := i.make(r.ctx, db)
			if !locked(err) {
				if r.ctx.Err() != nil {
					err = errors.Join(errors.New("another transaction holds up an index; find it in pg_stat_activity by xact_start"), err)
				}
				if err != nil {
					return err
				}
				break
			}
			r.wait(pause, "an index is made again because another transaction was in its way", "migration", name, "cause", err.Error())
		}
	}
	return nil
}

// make makes the index unless it exists. An attempt that was interrupted leaves an index
// behind that no query uses, and that IF NOT EXISTS would find.
func (i index) make(ctx context.Context, db *sql.DB) error {
	var unfinished int
	if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relname = $1 AND n.nspname = ANY (current_schemas(false)) AND NOT x.indisvalid`, i.name).Scan(&unfinished); err != nil {
		return err
	}
	if unfinished > 0 {
		if _, err := db.ExecContext(ctx, "DROP INDEX CONCURRENTLY IF EXISTS "+i.name); err != nil {
			return err
		}
	}
	_, err := db.ExecContext(ctx, i.statement)
	return err
}
