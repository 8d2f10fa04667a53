// Package sqlstore keeps sessions, directory and keys in SQL: one text of every
// statement for SQLite, PostgreSQL and Cloudflare D1.
//
// No request of a browser needs a transaction, for D1 has none: each changes one
// row by one statement, or several by statements that can be run again.
package sqlstore

import (
	"context"
	"database/sql"
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

// Store keeps everything in one database: each part what its name says.
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
	signingKeys
	secretKeys
	apiKeys
	auditTrail
}

func storeIn(db *database) *Store {
	return &Store{
		db,
		sessions{db}, organizationSessions{db}, workspace{db}, users{db}, subjects{db}, organizations{db}, members{db}, staff{db},
		invitations{db}, connections{db}, signingKeys{db}, secretKeys{db}, apiKeys{db}, auditTrail{db},
	}
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
	return storeIn(&database{pool: db, dialect: dialect, read: read})
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
