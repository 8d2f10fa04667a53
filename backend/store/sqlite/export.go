package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// Import reads an export of Cloudflare D1 into a store in memory, to be looked at. Its
// triggers are left out: an export has them before the views that they are of.
func Import(ctx context.Context, export io.Reader) (*sqlstore.Store, error) {
	text, err := io.ReadAll(export)
	if err != nil {
		return nil, fmt.Errorf("sqlite: import: %w", err)
	}
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, fmt.Errorf("sqlite: import: %w", err)
	}
	db.SetMaxOpenConns(1) // each connection has a memory of its own
	if _, err := db.ExecContext(ctx, withoutTriggers(string(text))); err != nil {
		db.Close()
		return nil, fmt.Errorf("sqlite: import: %w", err)
	}
	return sqlstore.New(db, sqlstore.SQLite), nil
}

const createTrigger = "CREATE TRIGGER "

// withoutTriggers returns an export without the statements that create triggers.
// Statements begin at the start of a line, and those of a trigger's body are indented.
func withoutTriggers(export string) string {
	var text strings.Builder
	trigger := false
	for line := range strings.Lines(export) {
		if slices.ContainsFunc([]string{"PRAGMA ", "CREATE ", "INSERT ", "DELETE "}, func(begin string) bool {
			return strings.HasPrefix(line, begin)
		}) {
			trigger = strings.HasPrefix(line, createTrigger)
		}
		if !trigger {
			text.WriteString(line)
		}
	}
	return text.String()
}
