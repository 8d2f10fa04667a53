// Package sqlstore stores sessions, directory and keys in SQL, with one text of every
// statement for SQLite, PostgreSQL and Cloudflare D1.
//
// No request of a browser needs a transaction, since D1 has none. Each changes one row
// by one statement, or several rows by statements that can be repeated.
package sqlstore

import (
	"context"
	"database/sql"
)

// Dialect is the differences between the databases.
type Dialect struct {
	// Migrations is the dialect's folder in the variable Migrations.
	Migrations string
	// dollar means that parameters are written $1, not ?1.
	dollar bool
}

// The dialects. D1 uses SQLite's.
var (
	SQLite   = Dialect{Migrations: "migrations/sqlite"}
	Postgres = Dialect{Migrations: "migrations/postgres", dollar: true}
)

// Store stores everything in one database. Each part is named after its content.
type Store struct {
	*database

	sessions
	organizationSessions
	workspace
	users
	subjects
	organizations
	members
	staff
	invitations
	connections
	domains
	signingKeys
	secretKeys
	apiKeys
	auditLog
	endings
	providerTokens
}

func storeIn(db *database) *Store {
	return &Store{
		db,
		sessions{db}, organizationSessions{db}, workspace{db}, users{db}, subjects{db}, organizations{db}, members{db}, staff{db},
		invitations{db}, connections{db}, domains{db}, signingKeys{db}, secretKeys{db}, apiKeys{db}, auditLog{db}, endings{db}, providerTokens{db},
	}
}

// New returns the store in a database whose schema is migrated.
func New(db *sql.DB, dialect Dialect) *Store {
	return NewReadingBy(readRow(db), db, dialect)
}

// RowReader reads a statement's first row into fields, like [sql.Row.Scan]. If there is
// no row, it returns sql.ErrNoRows. A caller that waits for a connection may give up. A
// read that has a connection takes microseconds, less than watching the context would.
type RowReader func(ctx context.Context, statement string, args, fields []any) error

// NewReadingBy is New for a driver that can read a row faster than database/sql.
func NewReadingBy(read RowReader, db *sql.DB, dialect Dialect) *Store {
	return storeIn(&database{pool: db, dialect: dialect, read: read})
}

// Statement is one of several statements that run in order.
type Statement struct {
	Text string
	Args []any
	// Fields receives the first row. Nil reads none.
	Fields []any
	// Found is set if there was a row.
	Found bool
}

// Batch runs statements in order, in one round trip and one transaction.
type Batch func(ctx context.Context, all []*Statement) error

// NewRemote is NewReadingBy for a database that is far away and takes several statements
// at once.
func NewRemote(read RowReader, batch Batch, db *sql.DB, dialect Dialect) *Store {
	return storeIn(&database{pool: db, dialect: dialect, read: read, batch: batch})
}

// readRow reads a row with database/sql.
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

// NewEmbedded is New for a database that runs in this process: statements are prepared
// once, and concurrent writes are committed together.
func NewEmbedded(db *sql.DB, dialect Dialect) *Store {
	s := New(db, dialect)
	s.embedded = newEmbedded(db)
	return s
}
