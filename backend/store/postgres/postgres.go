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
	connections := perProcessor * runtime.GOMAXPROCS(0)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(connectionIdle)
	if err := migrate.Up(ctx, db, sqlstore.Postgres); err != nil {
		db.Close()
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return sqlstore.NewReadingBy(newReads(db, runtime.GOMAXPROCS(0)).row, db, sqlstore.Postgres), nil
}
