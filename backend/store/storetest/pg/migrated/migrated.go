//go:build unix

// Package migrated makes PostgreSQL databases of the current schema for tests.
package migrated

import (
	"context"
	"database/sql"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/tabard-auth/tabard/backend/store/migrate"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
)

// Postgres is [pg.Postgres] with a database whose schema is up to date. The schema is
// made once for all tests of a package; each database is a copy of it.
func Postgres(tb testing.TB) (dsn string) {
	tb.Helper()
	template.Do(func() { template.dsn, template.err = migrated(pg.Postgres(tb)) })
	if template.err != nil {
		tb.Fatal(template.err)
	}
	return pg.CopyOf(tb, template.dsn)
}

// template is the database that is copied. Nothing is connected to it.
var template struct {
	sync.Once
	dsn string
	err error
}

// migrated brings the schema of an empty database up to date.
func migrated(dsn string) (string, error) {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return "", err
	}
	defer db.Close()
	return dsn, migrate.Up(context.Background(), db, sqlstore.Postgres)
}
