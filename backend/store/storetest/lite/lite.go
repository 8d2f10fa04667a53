// Package lite makes SQLite files for tests.
package lite

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/storetest/scratch"
)

// NewFile writes the file of an empty SQLite store whose schema is up to date, and
// returns its path. The schema is made once for all tests of a package.
func NewFile(t testing.TB) string {
	t.Helper()
	content, err := emptyStore()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(scratch.Dir(t), "tabard.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// FileOf writes a SQLite file by statements, such as those of a dump, and returns its
// path.
func FileOf(t testing.TB, statements string) string {
	t.Helper()
	path := filepath.Join(scratch.Dir(t), "tabard.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statements); err != nil {
		t.Fatal(err)
	}
	return path
}

var emptyStore = sync.OnceValues(func() ([]byte, error) {
	folder, err := scratch.MkdirTemp("tabard-empty-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "tabard.db")
	store, err := sqlite.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := store.Close(); err != nil { // which writes the log back into the file
		return nil, err
	}
	return os.ReadFile(path)
})
