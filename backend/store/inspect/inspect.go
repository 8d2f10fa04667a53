// Package inspect examines a database without changing what it holds.
package inspect

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/tabard-auth/tabard/backend/store/migrate"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// ErrMissing is the error for a database file that does not exist yet.
var ErrMissing = errors.New("inspect: there is no database yet")

// Database is the state of a database.
type Database struct {
	Store *sqlstore.Store
	migrate.State
	// ReadOnly is the reason why the database cannot be written, or nil. It is also nil
	// if there is no table yet to test with.
	ReadOnly error
	// Durability are the settings that decide whether a commit survives a crash.
	Durability []Setting
	// Ahead is how far the database's clock is ahead of this program's.
	Ahead time.Duration
	// Free is how many bytes the disk has left, or nil where that cannot be seen.
	Free *uint64
	// Pooler reports whether a pooler stands before the database, and Named whether
	// statements are sent by name nevertheless, because the address says so.
	Pooler, Named bool
	// Exposed is what the connection to a database on another machine lacks, or "".
	Exposed Exposure
	// Holding is what lets the disk fill although old entries are deleted.
	Holding []Trouble
	// Explain says in the place of an error of the database what stands in the way. Nil
	// leaves errors as they are.
	Explain func(error) error
}

// Trouble is something about a database that its operator should change.
type Trouble struct{ Text, Advice string }

// Exposure is what a connection lacks.
type Exposure string

// The exposures.
const (
	Unencrypted Exposure = "not encrypted" // or not necessarily
	Unverified  Exposure = "not verified"  // encrypted, for whoever answers
)

// Write returns the reason why no write lands in the database, or nil. Where the tables are
// this release's, it writes a row that takes room and gives the room back.
func (d *Database) Write(ctx context.Context) error {
	err := d.ReadOnly
	if err == nil && d.Migrated() {
		err = d.Store.ProbeWrite(ctx, 0)
	}
	if err != nil && d.Explain != nil {
		err = d.Explain(err)
	}
	return err
}

// Setting is the current value of a setting of the database.
type Setting struct {
	Name, Value string
	// Durable reports whether this setting lets an acknowledged commit survive a crash
	// of the machine.
	Durable bool
}

// Migrated reports whether the schema is the one that this program works with.
func (d *Database) Migrated() bool { return d.Schema == d.Release && len(d.Pending) == 0 }

// Queries are a dialect's queries for the examination.
type Queries struct {
	Dialect sqlstore.Dialect
	// Durability maps the name of a setting to the query for its value. Durable reports
	// which values keep commits.
	Durability []Question
	// Clock queries Unix seconds. It is "" if the database has no clock of its own.
	Clock string
}

// Question is the query for a setting.
type Question struct {
	Name, Query string
	Durable     func(value string) bool
}

// Look reads the state of a database.
func Look(ctx context.Context, db *sql.DB, q Queries) (*Database, error) {
	d := &Database{Store: sqlstore.New(db, q.Dialect)}
	var err error
	if d.State, err = migrate.Look(ctx, db, q.Dialect); err != nil {
		return nil, fmt.Errorf("inspect: %w", err)
	}
	if d.Schema > 0 {
		d.ReadOnly = write(ctx, db)
	}
	for _, question := range q.Durability {
		s := Setting{Name: question.Name}
		if err := db.QueryRowContext(ctx, question.Query).Scan(&s.Value); err != nil {
			return nil, fmt.Errorf("inspect: %s: %w", question.Name, err)
		}
		s.Durable = question.Durable(s.Value)
		d.Durability = append(d.Durability, s)
	}
	if q.Clock != "" {
		if d.Ahead, err = ahead(ctx, db, q.Clock); err != nil {
			return nil, fmt.Errorf("inspect: clock: %w", err)
		}
	}
	return d, nil
}

// write tries an update of no row, in a transaction that is rolled back.
func write(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, "UPDATE workspace SET revision = revision WHERE 1 = 0")
	return err
}

func ahead(ctx context.Context, db *sql.DB, clock string) (time.Duration, error) {
	asked := time.Now()
	var seconds float64
	if err := db.QueryRowContext(ctx, clock).Scan(&seconds); err != nil {
		return 0, err
	}
	middle := asked.Add(time.Since(asked) / 2)
	return time.UnixMicro(int64(seconds * 1e6)).Sub(middle), nil
}
