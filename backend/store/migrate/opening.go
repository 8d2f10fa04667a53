package migrate

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// Opening is the options for opening a store.
type Opening struct {
	Schema Schema
	// Alone makes no tables beside those of another program: [ErrForeign].
	Alone bool
	// Wait is how long to wait for a database that does not answer. 0 does not wait.
	Wait time.Duration
	// Log records waiting, applied migrations, and a schema of a newer release. Nil
	// discards it.
	Log *slog.Logger
}

// Schema is the treatment of a schema when a store is opened.
type Schema int

const (
	// AsItIs refuses a database with pending migrations.
	AsItIs Schema = iota
	// AsItIsOrNew is AsItIs, but creates the tables of an empty database.
	AsItIsOrNew
	// UpToDate applies the pending migrations.
	UpToDate
)

// Prepare treats the schema of a database as the opening says.
//
// A schema of a newer release is accepted and logged: during a rolling upgrade,
// replicas of the previous release run beside it, and a column is required only by the
// release after the one that adds it.
func (o Opening) Prepare(ctx context.Context, db *sql.DB, dialect sqlstore.Dialect) error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := o.bring(ctx, db, dialect); err != nil {
		return err
	}
	state, err := Look(ctx, db, dialect)
	if err == nil && state.Newer() {
		o.Log.Warn("the database's tables are of a newer release: a release runs only beside the next one, during an upgrade",
			"schema", state.Schema, "known", state.Release)
	}
	return err
}

func (o Opening) bring(ctx context.Context, db *sql.DB, dialect sqlstore.Dialect) error {
	if o.Alone {
		if err := refuseForeign(ctx, db, dialect); err != nil {
			return err
		}
	}
	if o.Schema == AsItIsOrNew {
		state, err := Look(ctx, db, dialect)
		if err != nil {
			return err
		}
		if state.Schema == 0 {
			o.Schema = UpToDate
		}
	}
	if o.Schema == UpToDate {
		_, err := Migrator{Dialect: dialect, Log: o.Log}.Up(ctx, db)
		return err
	}
	return require(ctx, db, dialect)
}
