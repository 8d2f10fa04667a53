// Package migrate brings a database's schema up to date. The Worker does not link
// it: wrangler applies the same files to D1.
package migrate

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// Up applies the migrations that the database does not have yet.
func Up(ctx context.Context, db *sql.DB, dialect sqlstore.Dialect) error {
	files, err := fs.Sub(sqlstore.Migrations, dialect.Migrations)
	if err != nil {
		return err
	}
	database := goose.DialectSQLite3
	if dialect == sqlstore.Postgres {
		database = goose.DialectPostgres
	}
	provider, err := goose.NewProvider(database, db, files)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}
