package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/storetest"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
)

func TestSQLiteKeepsTheStoresPromises(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store {
		file := lite.NewFile(t)
		path := filepath.Join(filepath.Dir(file), "a file's name%20.db")
		if err := os.Rename(file, path); err != nil {
			t.Fatal(err)
		}
		store, err := sqlite.Open(t.Context(), path)
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

// Closing the last connection writes the log back into the file and removes the log.
func TestAClosedStoreIsOneFile(t *testing.T) {
	folder := t.TempDir()
	store, err := sqlite.Open(t.Context(), filepath.Join(folder, "tabard.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.SignIn(t.Context(), directory.User{ID: "usr_1", Issuer: "https://id.test", Subject: "alice"}, storetest.Now); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
		t.Errorf("there are %v: %v", left, err)
	}
}

// Other accounts on the machine can read neither the file nor the files that SQLite
// keeps beside it while it is open.
func TestTheFilesAreTheirOwnersAlone(t *testing.T) {
	for _, linked := range []bool{false, true} {
		folder := t.TempDir()
		path := filepath.Join(folder, "tabard.db")
		if linked {
			link := filepath.Join(t.TempDir(), "link")
			if err := os.Symlink(path, link); err != nil {
				t.Fatal(err)
			}
			path = link
		}
		store, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		if _, err := store.SignIn(t.Context(), directory.User{ID: "usr_1", Issuer: "https://id.test", Subject: "alice"}, storetest.Now); err != nil {
			t.Fatal(err)
		}
		made, err := os.ReadDir(folder)
		if err != nil || len(made) != 3 {
			t.Fatalf("there are %v: %v", made, err)
		}
		for _, file := range made {
			if info, err := file.Info(); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("linked: %t: %s: %v, %v", linked, file.Name(), info.Mode(), err)
			}
		}
	}
}
