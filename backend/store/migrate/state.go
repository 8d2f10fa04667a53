package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// State is the state of a database's schema.
type State struct {
	// Schema is the newest migration of the database, or 0. Release is the newest
	// migration of this program.
	Schema, Release int64
	// Pending are the names of the migrations that are not applied yet.
	Pending []string

	table bool // the table of applied migrations exists
}

// Newer reports whether the schema is of a newer release than this program.
func (s State) Newer() bool { return s.Schema > s.Release }

// errPending is the error for a database with pending migrations.
var errPending = errors.New("the database must be migrated first")

// require returns errPending, with the command to run, if migrations are pending.
func require(ctx context.Context, db *sql.DB, dialect sqlstore.Dialect) error {
	state, err := Look(ctx, db, dialect)
	switch {
	case err != nil:
		return err
	case len(state.Pending) == 0:
		return nil
	case state.Schema == 0:
		return fmt.Errorf("%w: it has no tables yet; run: tabard migrate", errPending)
	}
	return fmt.Errorf("%w: its tables are of an older release (%d of %d); make a backup, then run: tabard migrate",
		errPending, state.Schema, state.Release)
}

// Look reads the state of a schema without changing it.
func Look(ctx context.Context, db *sql.DB, dialect sqlstore.Dialect) (State, error) {
	state, err := Migrator{Dialect: dialect}.look(ctx, db)
	if err != nil {
		return State{}, fmt.Errorf("migrate: %w", err)
	}
	return state, nil
}

func (m Migrator) look(ctx context.Context, db database.DBTxConn) (s State, err error) {
	names, err := m.names()
	if err != nil {
		return s, err
	}
	applied, err := m.applied(ctx, db)
	if err != nil {
		return s, err
	}
	s.table = applied != nil
	for version := range applied {
		s.Schema = max(s.Schema, version)
	}
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return s, err
		}
		s.Release = max(s.Release, version)
		if !applied[version] {
			s.Pending = append(s.Pending, strings.TrimSuffix(name, ".sql"))
		}
	}
	return s, nil
}

// applied returns the applied versions, or nil if there is no table of them.
func (m Migrator) applied(ctx context.Context, db database.DBTxConn) (map[int64]bool, error) {
	exists := "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = '" + goose.DefaultTablename + "'"
	if m.Dialect == sqlstore.Postgres {
		// Not to_regclass: it answers from the connection's cache, which a table that was
		// created since the transaction began need not have reached.
		exists = "SELECT COUNT(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace" +
			" WHERE c.relname = '" + goose.DefaultTablename + "' AND n.nspname = ANY (current_schemas(false))"
	}
	var tables int
	if err := db.QueryRowContext(ctx, exists).Scan(&tables); err != nil || tables == 0 {
		return nil, err
	}
	versions, err := m.versionTable()
	if err != nil {
		return nil, err
	}
	all, err := versions.ListMigrations(ctx, db)
	applied := map[int64]bool{}
	for _, one := range all {
		applied[one.Version] = one.IsApplied
	}
	return applied, err
}

// versionTable returns the table of applied migrations.
func (m Migrator) versionTable() (database.Store, error) {
	if m.Dialect == sqlstore.Postgres {
		return database.NewStore(database.DialectPostgres, goose.DefaultTablename)
	}
	return database.NewStore(database.DialectSQLite3, goose.DefaultTablename)
}

func (m Migrator) files() (fs.FS, error) {
	if m.Files != nil {
		return m.Files, nil
	}
	return fs.Sub(sqlstore.Migrations, m.Dialect.Migrations)
}

// names returns the files' names in order of application.
func (m Migrator) names() (names []string, err error) {
	files, err := m.files()
	if err != nil {
		return nil, err
	}
	return fs.Glob(files, "*.sql")
}

// read returns a migration's version and statements.
func (m Migrator) read(name string) (version int64, text string, err error) {
	files, err := m.files()
	if err != nil {
		return 0, "", err
	}
	content, err := fs.ReadFile(files, name+".sql")
	if err != nil {
		return 0, "", err
	}
	version, err = goose.NumericComponent(name + ".sql")
	return version, string(content), err
}
