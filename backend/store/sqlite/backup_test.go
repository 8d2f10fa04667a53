package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest"
)

// filled is a store with people, some of them by now.
func filled(t *testing.T, path string, people ...string) *sqlstore.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if _, err := store.Apply(t.Context(), storetest.Desired(), storetest.Now); err != nil {
		t.Fatal(err)
	}
	signIn(t, store, people...)
	return store
}

func signIn(t *testing.T, store *sqlstore.Store, people ...string) {
	t.Helper()
	for _, sub := range people {
		if _, err := store.SignIn(t.Context(), directory.User{ID: "usr_" + sub, Issuer: "https://elsewhere.test", Subject: sub}, storetest.Now); err != nil {
			t.Fatal(err)
		}
	}
}

func knows(t *testing.T, path, sub string) bool {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	_, err = store.User(t.Context(), "usr_"+sub)
	if err != nil && !errors.Is(err, directory.ErrNoUser) {
		t.Fatal(err)
	}
	return err == nil
}

func epochOf(t *testing.T, path string) string {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	e, err := store.Epoch(t.Context(), "of nobody")
	if err != nil {
		t.Fatal(err)
	}
	return e.Value
}

// signInsMeanwhile has people sign in, one after the other and numbered, from before it
// returns until stop, which returns how many did.
func signInsMeanwhile(t *testing.T, store *sqlstore.Store) (stop func() int) {
	writing, cancel := context.WithCancel(t.Context())
	written := make(chan int)
	begun := make(chan bool, 1)
	go func() {
		n := 0
		for writing.Err() == nil {
			store.SignIn(context.Background(), directory.User{ID: fmt.Sprintf("usr_n%d", n), Issuer: "https://elsewhere.test", Subject: fmt.Sprintf("n%d", n)}, storetest.Now)
			n++
			select {
			case begun <- true:
			default:
			}
		}
		written <- n
	}()
	<-begun
	return func() int {
		cancel()
		return <-written
	}
}

// isOfOneMoment fails the test if a database lacks one of n numbered people and has a
// later one.
func isOfOneMoment(t *testing.T, path string, n int) {
	t.Helper()
	copied, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	users, err := copied.Users(t.Context(), "", n+10)
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]bool{}
	for _, u := range users {
		in[u.ID] = true
	}
	for i := 1; i < n; i++ {
		if in[fmt.Sprintf("usr_n%d", i)] && !in[fmt.Sprintf("usr_n%d", i-1)] {
			t.Errorf("n%d is in it and n%d is not", i, i-1)
		}
	}
}

// A backup is of one moment although the store is written meanwhile; it is its owner's
// alone, one file, and no server serves it.
func TestBackup_BesideWriters(t *testing.T) {
	folder := t.TempDir()
	path, to := filepath.Join(folder, "a file's name%20.db"), filepath.Join(folder, "backup 'of%20it.db")
	store := filled(t, path, "early")
	if _, err := store.Epoch(t.Context(), "own"); err != nil {
		t.Fatal(err)
	}
	stop := signInsMeanwhile(t, store)
	if err := sqlite.Backup(t.Context(), path, to); err != nil {
		t.Fatal(err)
	}
	n := stop()
	if err := sqlite.Backup(t.Context(), path, to); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second backup of the same name: %v", err)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v: %v", info, err)
	}
	for _, entry := range list(t, folder) {
		if entry != filepath.Base(to) && !strings.HasPrefix(entry, filepath.Base(path)) {
			t.Errorf("there is %s too", entry)
		}
	}
	if got := epochOf(t, to); !strings.HasPrefix(got, "backup:") {
		t.Errorf("its epoch is %q", got)
	}
	if got := epochOf(t, path); got != "own" {
		t.Errorf("the database's epoch is %q by now", got)
	}
	if !knows(t, to, "early") {
		t.Error("somebody is missing")
	}
	isOfOneMoment(t, to, n)
}

func list(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestBackup_OfNothing(t *testing.T) {
	folder := t.TempDir()
	if err := sqlite.Backup(t.Context(), filepath.Join(folder, "none.db"), filepath.Join(folder, "to.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it says %v", err)
	}
	if names := list(t, folder); len(names) > 0 {
		t.Errorf("there are %v", names)
	}
}

func TestRestore_RefusesAServerAndWhatIsThere(t *testing.T) {
	folder := t.TempDir()
	path, backup, kept := filepath.Join(folder, "tabard.db"), filepath.Join(folder, "backup.db"), filepath.Join(folder, "kept.db")
	store := filled(t, path, "early")
	if err := sqlite.Backup(t.Context(), path, backup); err != nil {
		t.Fatal(err)
	}
	signIn(t, store, "late")
	if _, err := sqlite.Restore(t.Context(), backup, path, kept); !errors.Is(err, sqlite.ErrInUse) {
		t.Fatalf("beside an open store: %v", err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Restore(t.Context(), backup, path, ""); !errors.Is(err, sqlite.ErrNotEmpty) {
		t.Fatalf("over a database: %v", err)
	}
	if !knows(t, path, "late") {
		t.Fatal("a refused restore changed the database")
	}
	if _, err := sqlite.Restore(t.Context(), backup, path, kept); err != nil {
		t.Fatal(err)
	}
	if !knows(t, path, "early") || knows(t, path, "late") || !knows(t, kept, "late") {
		t.Error("it is not the backup's content, or the one before was not kept")
	}
	if got := epochOf(t, path); !strings.HasPrefix(got, "restore:") {
		t.Errorf("its epoch is %q", got)
	}
	fresh := filepath.Join(folder, "fresh.db")
	if _, err := sqlite.Restore(t.Context(), backup, fresh, ""); err != nil || !knows(t, fresh, "early") {
		t.Errorf("into a new file: %v", err)
	}
	if info, err := os.Stat(fresh); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v: %v", info, err)
	}
	if names := list(t, folder); len(names) != 4 {
		t.Errorf("there are %v", names)
	}
}

// Writes that a crash left in the log beside the file are neither lost from the kept copy
// nor applied to the restored database.
func TestRestore_AfterACrash(t *testing.T) {
	folder := t.TempDir()
	path, backup, kept := filepath.Join(folder, "tabard.db"), filepath.Join(folder, "backup.db"), filepath.Join(folder, "kept.db")
	store := filled(t, path, "early")
	if err := sqlite.Backup(t.Context(), path, backup); err != nil {
		t.Fatal(err)
	}
	signIn(t, store, "late")
	crashed := filepath.Join(folder, "crashed.db")
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		if err == nil {
			err = os.WriteFile(crashed+suffix, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := sqlite.Restore(t.Context(), backup, crashed, kept); err != nil {
		t.Fatal(err)
	}
	if !knows(t, kept, "late") || knows(t, crashed, "late") || !knows(t, crashed, "early") {
		t.Error("the log was lost, or applied to the restored content")
	}
}

func TestRestore_RefusesWhatIsNoBackup(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "tabard.db")
	filled(t, path, "early").Close()
	foreign := filepath.Join(folder, "foreign.db")
	db, err := sql.Open("sqlite", "file:"+foreign)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE notes (id INTEGER)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"text.db": []byte("not a database"), "empty.db": nil, "half.db": content[:len(content)/2]} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"foreign.db", "text.db", "empty.db", "half.db", "none.db"} {
		if _, err := sqlite.Restore(t.Context(), filepath.Join(folder, name), path, filepath.Join(folder, "kept.db")); err == nil {
			t.Errorf("%s was restored", name)
		}
		if !knows(t, path, "early") {
			t.Fatalf("%s harmed the database", name)
		}
	}
	if names := list(t, folder); len(names) != 5 {
		t.Errorf("there are %v", names)
	}
}
