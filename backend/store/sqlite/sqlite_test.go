package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/storetest"
)

func TestSQLiteKeepsTheStoresPromises(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store {
		store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "a file's name%20.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		if _, err := store.Apply(t.Context(), storetest.Desired(), storetest.Now); err != nil {
			t.Fatal(err)
		}
		return store
	})
}
