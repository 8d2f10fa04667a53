package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"sync"
)

// database runs the statements of every part of the store.
type database struct {
	pool     *sql.DB
	dialect  Dialect
	read     RowReader
	batch    Batch     // nil for a database that takes one statement at a time
	dollars  sync.Map  // statements → as PostgreSQL writes them
	embedded *embedded // nil for a database in another process

	applyLock TryLock // nil for a database with its own lock
}

var parameter = regexp.MustCompile(`\?(\d+)`)

// text returns a statement in the dialect's form.
func (db *database) text(statement string) string {
	if !db.dialect.dollar {
		return statement
	}
	text, known := db.dollars.Load(statement)
	if !known {
		text, _ = db.dollars.LoadOrStore(statement, parameter.ReplaceAllString(statement, `$$$1`))
	}
	return text.(string)
}

// exec runs a statement that writes and returns no row.
func (db *database) exec(ctx context.Context, statement string, args ...any) (sql.Result, error) {
	if db.embedded != nil {
		w := &write{ctx: ctx, statement: statement, args: args}
		err := db.embedded.write(w)
		return w.result, err
	}
	var result sql.Result
	err := retried(ctx, func() (err error) {
		result, err = db.pool.ExecContext(ctx, db.text(statement), args...)
		return err
	})
	return result, err
}

// returning runs a statement that writes and returns one row, into fields.
func (db *database) returning(ctx context.Context, fields []any, statement string, args ...any) error {
	if db.embedded != nil {
		return db.embedded.write(&write{ctx: ctx, statement: statement, args: args, fields: fields})
	}
	return retried(ctx, func() error {
		return db.pool.QueryRowContext(ctx, db.text(statement), args...).Scan(fields...)
	})
}

// query reads rows.
func (db *database) query(ctx context.Context, statement string, args ...any) (*sql.Rows, error) {
	return db.pool.QueryContext(ctx, db.text(statement), args...)
}

// row reads one row, when it is scanned.
func (db *database) row(ctx context.Context, statement string, args ...any) row {
	return row{db, ctx, statement, args}
}

// row is a row that is read by Scan.
type row struct {
	db        *database
	ctx       context.Context
	statement string
	args      []any
}

// Scan reads the row into fields.
func (r row) Scan(fields ...any) error {
	if e := r.db.embedded; e != nil {
		return e.row(r.ctx, r.statement, r.args...).Scan(fields...)
	}
	err := r.db.read(r.ctx, r.db.text(r.statement), r.args, fields)
	if retryable(err) { // not in retried, whose closure would cost each mint an allocation
		err = retried(r.ctx, func() error { return r.db.read(r.ctx, r.db.text(r.statement), r.args, fields) })
	}
	return err
}

// together runs statements in order: in one round trip where the database takes several at
// once, else each by itself. After an error it is unknown which of them took effect, so
// that all have to be repeatable.
func (db *database) together(ctx context.Context, what string, all ...*Statement) error {
	err := db.runTogether(ctx, all)
	if err != nil {
		err = fmt.Errorf("sqlstore: %s: %w", what, err)
	}
	return err
}

func (db *database) runTogether(ctx context.Context, all []*Statement) error {
	if db.batch != nil {
		return db.batch(ctx, all)
	}
	for _, s := range all {
		if err := db.runOne(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (db *database) runOne(ctx context.Context, s *Statement) (err error) {
	switch {
	case s.Fields == nil:
		_, err = db.exec(ctx, s.Text, s.Args...)
	case returns(s.Text):
		err = db.returning(ctx, s.Fields, s.Text, s.Args...)
	default:
		err = db.row(ctx, s.Text, s.Args...).Scan(s.Fields...)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	s.Found = err == nil && s.Fields != nil
	return err
}

// change runs a statement that writes.
func (db *database) change(ctx context.Context, what, statement string, args ...any) error {
	if _, err := db.exec(ctx, statement, args...); err != nil {
		return fmt.Errorf("sqlstore: %s: %w", what, err)
	}
	return nil
}

// changed is change, and reports whether a row changed.
func (db *database) changed(ctx context.Context, what, statement string, args ...any) (bool, error) {
	result, err := db.exec(ctx, statement, args...)
	if err != nil {
		return false, fmt.Errorf("sqlstore: %s: %w", what, err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// Ping checks that the database answers. It reads, because D1's driver has no
// connection to check.
func (db *database) Ping(ctx context.Context) error {
	var one int
	return db.row(ctx, "SELECT 1").Scan(&one)
}

// Pool returns the connections, for what reads or writes whole tables.
func (db *database) Pool() *sql.DB { return db.pool }

// Close closes the database.
func (db *database) Close() error {
	if db.embedded != nil {
		db.embedded.close()
	}
	return db.pool.Close()
}

// scanner is a row to read, single or one of several.
type scanner interface{ Scan(fields ...any) error }

// found returns the error of reading one row: absent if there is none.
func found(what string, err, absent error) error {
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return absent
	case err != nil:
		return fmt.Errorf("sqlstore: %s: %w", what, err)
	}
	return nil
}

// querier is the database, and every part of the store over it.
type querier interface {
	query(ctx context.Context, statement string, args ...any) (*sql.Rows, error)
}

// collect returns the rows that a statement answers with.
func collect[T any](ctx context.Context, q querier, what string, scan func(scanner) (T, error), statement string, args ...any) (all []T, err error) {
	err = retried(ctx, func() error {
		all, err = collectOnce(ctx, q, scan, statement, args)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sqlstore: %s: %w", what, err)
	}
	return all, nil
}

func collectOnce[T any](ctx context.Context, q querier, scan func(scanner) (T, error), statement string, args []any) ([]T, error) {
	rows, err := q.query(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
