package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/tabard-auth/tabard/backend/store/inspect"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// Inspect examines the file at path as Open would use it, without creating it. If the
// file does not exist, it returns inspect.ErrMissing.
func Inspect(ctx context.Context, path string) (*inspect.Database, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, inspect.ErrMissing
	}
	db, err := sql.Open("sqlite", address(path)+"&mode=rw")
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	found, err := inspect.Look(ctx, db, inspect.Queries{
		Dialect: sqlstore.SQLite,
		Durability: []inspect.Question{
			{Name: "journal_mode", Query: "PRAGMA journal_mode", Durable: func(v string) bool { return v == "wal" }},
			{Name: "synchronous", Query: synchronous, Durable: func(v string) bool { return v == "full" || v == "extra" }},
		},
	})
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("sqlite: %w", explain(path, err))
	}
	found.Explain = func(err error) error { return explain(path, err) }
	found.Free = room(path)
	return found, nil
}

const synchronous = `
SELECT CASE synchronous WHEN 0 THEN 'off' WHEN 1 THEN 'normal' WHEN 2 THEN 'full' ELSE 'extra' END FROM pragma_synchronous`
