package migrate

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// Opening says what is done when a store is opened.
type Opening struct {
	Schema Schema
	// Wait is how long a database is waited for that does not answer; 0 is not at all.
	Wait time.Duration
	// Log is told what is waited for, what is applied, and that the schema is of a newer
	// release; nil discards it.
	Log *slog.Logger
}

// Schema is what is done about a schema when a store is opened.
type Schema int

const (
	// AsItIs refuses a database that has migrations pending.
	AsItIs Schema = iota
	// AsItIsOrNew is AsItIs, but makes the tables of a database that has none.
	AsItIsOrNew
	// UpToDate applies the migrations that are pending.
	UpToDate
)

// Prepare does with the schema of a database what the opening says.
//
// A schema of a newer release is no reason to refuse: during a rolling upgrade the
// replicas of the release before run beside it, and columns are demanded only by the
// release after the one that adds them. The log is told.
func (o Opening) Prepare(ctx context.Context, db *sql.DB, dialect sqlstore.Dialect) error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := o.bring(ctx, db, dialect); err != nil {
		return err
	}
	state, err := Look(ctx, db, dialect)
	if err == nil && state.Newer() {
		o.Log.Warn("the database's tables are of a newer release: this one runs beside the next during an upgrade, and beside no later one",
			"schema", state.Schema, "known", state.Release)
	}
	return err
}

func (o Opening) bring(ctx context.Context, db *sql.DB, dialect sqlstore.Dialect) error {
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
