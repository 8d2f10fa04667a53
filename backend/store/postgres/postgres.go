// Package postgres opens a store in a PostgreSQL database.
package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"time"

	"github.com/tabard-auth/tabard/backend/store/migrate"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

const (
	// perProcessor is how many connections there are to each processor, which all wait for
	// the database most of their time. More would only cool the database's caches.
	perProcessor   = 4
	connectionIdle = 5 * time.Minute
)

// Open opens the store in the database at address (postgres://…) and brings its
// schema up to date.
func Open(ctx context.Context, address string) (*sqlstore.Store, error) {
	db, err := sql.Open("pgx", address)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	processors := runtime.GOMAXPROCS(0)
	db.SetMaxOpenConns(perProcessor * processors)
	db.SetMaxIdleConns(perProcessor * processors)
	db.SetConnMaxIdleTime(connectionIdle)
	if err := migrate.Up(ctx, db, sqlstore.Postgres); err != nil {
		db.Close()
		return nil, fmt.Errorf("postgres: %w", err)
	}
	// The fewer read rows, the more is read together; of two none waits for one that hangs.
	rows := newReads(db, max(2, processors))
	return sqlstore.NewReadingBy(rows.row, db, sqlstore.Postgres), nil
}
