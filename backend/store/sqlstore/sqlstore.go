// Package sqlstore keeps sessions, directory and keys in SQL: one text of every
// statement for SQLite, PostgreSQL and Cloudflare D1.
//
// No request of a browser needs a transaction, for D1 has none: each changes one
// row by one statement, or several by statements that can be run again.
package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// Dialect is what the databases differ in.
type Dialect struct {
	// Migrations is the folder of the dialect's migrations in Migrations.
	Migrations string
	// dollar tells that parameters are written $1, not ?1.
	dollar bool
}

// The dialects. D1 speaks SQLite's.
var (
	SQLite   = Dialect{Migrations: "migrations/sqlite"}
	Postgres = Dialect{Migrations: "migrations/postgres", dollar: true}
)

// Store keeps everything in one database. It implements session.Store,
// directory.Store and keys.Store.
type Store struct {
	db       *sql.DB
	dialect  Dialect
	read     RowReader
	dollars  sync.Map  // statements → as PostgreSQL writes them
	embedded *embedded // nil where the database is another process
}

// New returns the store in a database whose schema is migrated.
func New(db *sql.DB, dialect Dialect) *Store {
	return NewReadingBy(readRow(db), db, dialect)
}

// RowReader reads a statement's first row into fields, as [sql.Row.Scan] does: without a
// row it is sql.ErrNoRows. Who waits for a connection may give up; a read that has one
// takes microseconds, less than watching over the context would.
type RowReader func(ctx context.Context, statement string, args, fields []any) error

// NewReadingBy is New for a driver that has a quicker way to read a row than by
// database/sql.
func NewReadingBy(read RowReader, db *sql.DB, dialect Dialect) *Store {
	return &Store{db: db, dialect: dialect, read: read}
}

// readRow is how database/sql reads a row.
func readRow(db *sql.DB) RowReader {
	return func(ctx context.Context, statement string, args, fields []any) error {
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		return conn.QueryRowContext(context.WithoutCancel(ctx), statement, args...).Scan(fields...)
	}
}

// NewEmbedded is New for a database that runs in this process, and prepares and
// commits at this process's expense: statements are prepared once, and writes that
// come at once are committed together.
func NewEmbedded(db *sql.DB, dialect Dialect) *Store {
	s := New(db, dialect)
	s.embedded = newEmbedded(db)
	return s
}

var parameter = regexp.MustCompile(`\?(\d+)`)

// text returns a statement as the dialect writes it.
func (s *Store) text(statement string) string {
	if !s.dialect.dollar {
		return statement
	}
	text, known := s.dollars.Load(statement)
	if !known {
		text, _ = s.dollars.LoadOrStore(statement, parameter.ReplaceAllString(statement, `$$$1`))
	}
	return text.(string)
}

// exec runs a statement that writes and returns no row.
func (s *Store) exec(ctx context.Context, statement string, args ...any) (sql.Result, error) {
	if s.embedded != nil {
		w := &write{ctx: ctx, statement: statement, args: args}
		err := s.embedded.write(w)
		return w.result, err
	}
	return s.db.ExecContext(ctx, s.text(statement), args...)
}

// returning runs a statement that writes and returns one row, into fields.
func (s *Store) returning(ctx context.Context, fields []any, statement string, args ...any) error {
	if s.embedded != nil {
		return s.embedded.write(&write{ctx: ctx, statement: statement, args: args, fields: fields})
	}
	return s.db.QueryRowContext(ctx, s.text(statement), args...).Scan(fields...)
}

// query reads rows.
func (s *Store) query(ctx context.Context, statement string, args ...any) (*sql.Rows, error) {
	return s.db.QueryContext(ctx, s.text(statement), args...)
}

// row reads one row, when it is scanned.
func (s *Store) row(ctx context.Context, statement string, args ...any) row {
	return row{s, ctx, statement, args}
}

// row is a row that is still to be read.
type row struct {
	store     *Store
	ctx       context.Context
	statement string
	args      []any
}

// Scan reads the row into fields.
func (r row) Scan(fields ...any) error {
	if e := r.store.embedded; e != nil {
		return e.row(r.ctx, r.statement, r.args...).Scan(fields...)
	}
	return r.store.read(r.ctx, r.store.text(r.statement), r.args, fields)
}

// Ping tells whether the database answers. It reads, for D1's driver holds no
// connection whose life would say anything.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return s.row(ctx, "SELECT 1").Scan(&one)
}

// Close closes the database.
func (s *Store) Close() error {
	if s.embedded != nil {
		s.embedded.close()
	}
	return s.db.Close()
}

// list is a list of strings, kept as JSON.
type list []string

// Scan reads what text writes. A list without escapes, as nearly all are, it reads
// without a parser.
func (l *list) Scan(value any) error {
	text, _ := value.(string)
	inner, opened := strings.CutPrefix(text, `["`)
	inner, closed := strings.CutSuffix(inner, `"]`)
	plain := strings.Split(inner, `","`)
	if !opened || !closed || strings.Contains(text, `\`) || strings.Count(text, `"`) != 2*len(plain) {
		return scanJSON(value, l)
	}
	*l = plain
	return nil
}

func (l list) text() string {
	if l == nil {
		return "[]"
	}
	text, _ := json.Marshal([]string(l)) // strings always encode
	return string(text)
}

func scanJSON(value, into any) error {
	switch value := value.(type) {
	case nil:
		return nil
	case string:
		if value == "{}" { // as most organisations' rules are
			return nil
		}
		return json.Unmarshal([]byte(value), into)
	case []byte:
		return json.Unmarshal(value, into)
	}
	return fmt.Errorf("sqlstore: a %T where JSON text was expected", value)
}
