// Package postgres opens a store in a PostgreSQL database.
package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/tabard-auth/tabard/backend/store/migrate"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

const (
	// perProcessor is the number of connections for each processor. Most of the time
	// they wait for the database. More would only reduce the database's cache hits.
	perProcessor   = 4
	connectionIdle = 5 * time.Minute
	// connectTimeout limits the time to connect to each of a host's addresses.
	connectTimeout = 5 * time.Second

	// processorsPerReader is the number of processors that share one connection for
	// reading rows: fewer connections read more rows together.
	processorsPerReader = 4
)

// Open opens the store in the database at address (postgres://…) and brings its
// schema up to date.
func Open(ctx context.Context, address string) (*sqlstore.Store, error) {
	return OpenAs(ctx, address, migrate.Opening{Schema: migrate.UpToDate})
}

// OpenAs is Open with options for the schema and for a database that is unavailable.
func OpenAs(ctx context.Context, address string, opening migrate.Opening) (*sqlstore.Store, error) {
	config, err := parse(address)
	if err != nil {
		return nil, err
	}
	connections, err := takePool(config)
	if err != nil {
		return nil, err
	}
	if config.ConnectTimeout == 0 { // not set in the address
		config.ConnectTimeout = connectTimeout
	}
	var live liveness
	processors := runtime.GOMAXPROCS(0)
	open := func() *sql.DB {
		db := stdlib.OpenDB(*config, stdlib.OptionShouldPing(live.suspects))
		connections.apply(db)
		return db
	}
	db := open()
	err = await(ctx, db, config, opening)
	if err == nil {
		db, err = withoutNames(ctx, db, address, config, open)
	}
	if err == nil {
		err = opening.Prepare(ctx, db, sqlstore.Postgres)
	}
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("postgres: %w", explain(err, address, config))
	}
	rows := newReads(db, &live, 1+processors/processorsPerReader)
	return sqlstore.NewReadingBy(rows.row, db, sqlstore.Postgres), nil
}
