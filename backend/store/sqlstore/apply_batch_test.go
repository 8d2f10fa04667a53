package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
)

// crowd is a file of organizations with so many members each: p0, p1 …
func crowd(t *testing.T, members ...int) directory.Desired {
	t.Helper()
	var text strings.Builder
	for i, n := range members {
		fmt.Fprintf(&text, "- {slug: org%d, name: Organization, members: [", i)
		for j := range n {
			fmt.Fprintf(&text, "{sub: p%d, roles: [viewer]}, ", j)
		}
		text.WriteString("]}\n")
	}
	return file(t, text.String())
}

// Whoever signs in while a file names them waits for nothing: a person who is known is
// not written.
func TestApply_WritesNobodyWhoIsKnown(t *testing.T) {
	dsn := pg.Postgres(t)
	store, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	apply(t, store, "- {slug: acme, name: Acme, members: [{sub: alice, roles: [viewer]}]}")
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin() // alice signs in, and has not finished
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("UPDATE users SET seen_at = 1 WHERE sub = 'alice'"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	changes, err := store.Apply(ctx, file(t, `
- {slug: acme, name: Acme, members: [{sub: alice, roles: [editor]}, {sub: bob, roles: [viewer]}]}
- {slug: globex, name: Globex, members: [{sub: alice, roles: [viewer]}]}
`), applied)
	if err != nil || changes.Members != (directory.Count{Added: 2, Changed: 1}) {
		t.Errorf("%+v: %v", changes, err)
	}
}

// What is more than one transaction may be interrupted between two: what was written
// stands, is told, and the next apply does the rest.
func TestApply_InterruptedIsCompletedByTheNext(t *testing.T) {
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		ctx, interrupt := context.WithCancel(t.Context())
		told := 0
		done, err := store.ApplyReporting(ctx, crowd(t, 700, 700, 700), applied, func(int) {
			if told++; told == 2 {
				interrupt()
			}
		})
		if !errors.Is(err, context.Canceled) || done.Members.Added < 500 || done.Members.Added > 1400 || !done.Workspace {
			t.Fatalf("%+v, %v", done, err)
		}
		rest, err := store.Apply(t.Context(), crowd(t, 700, 700, 700), applied)
		if err != nil || rest.Workspace || rest.Members.Added+done.Members.Added != 2100 {
			t.Errorf("after %+v: %+v, %v", done, rest, err)
		}
		fewer, err := store.Apply(t.Context(), crowd(t, 700, 40, 0), applied)
		if err != nil || fewer != (directory.Changes{Members: directory.Count{Removed: 1360}}) {
			t.Errorf("%+v, %v", fewer, err)
		}
		if again, err := store.Apply(t.Context(), crowd(t, 700, 40, 0), applied); err != nil || !again.None() {
			t.Errorf("again: %+v, %v", again, err)
		}
	})
}

// Two who apply at once apply one after the other, each from a process of its own.
func TestApply_OneAtATime(t *testing.T) {
	path, dsn := filepath.Join(t.TempDir(), "tabard.db"), pg.Postgres(t)
	for name, open := range map[string]func() (*sqlstore.Store, error){
		"SQLite":     func() (*sqlstore.Store, error) { return sqlite.Open(t.Context(), path) },
		"PostgreSQL": func() (*sqlstore.Store, error) { return postgres.Open(t.Context(), dsn) },
	} {
		t.Run(name, func(t *testing.T) {
			first, err := open()
			if err != nil {
				t.Fatal(err)
			}
			defer first.Close()
			second, err := open()
			if err != nil {
				t.Fatal(err)
			}
			defer second.Close()
			waits, done := make(chan struct{}), make(chan error, 1)
			var order []string
			_, err = first.ApplyWith(t.Context(), crowd(t, 3, 3), applied, sqlstore.ApplyOptions{OnProgress: func(members int) {
				if members == 3 {
					go func() {
						_, err := second.ApplyWith(t.Context(), crowd(t, 2, 3), applied, sqlstore.ApplyOptions{
							OnWait: func() { close(waits) }, OnProgress: func(int) { order = append(order, "second") },
						})
						done <- err
					}()
					<-waits
				}
				order = append(order, "first")
			}})
			if err := errors.Join(err, <-done); err != nil {
				t.Error(err)
			}
			if want := []string{"first", "first", "second", "second"}; !slices.Equal(order, want) {
				t.Errorf("%v", order)
			}
		})
	}
}

// A dry run tells each difference, and makes none.
func TestApply_DryRun(t *testing.T) {
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		apply(t, store, acmeAndGlobex)
		wanted := file(t, `
- {id: org_acme, slug: acme, name: Acme Ltd, members: [{sub: alice, roles: [viewer]}, {sub: carol}]}
- {slug: initech, name: Initech}
`)
		wanted.Workspace.Apps[0].Audience = "another"
		var lines []string
		dry := sqlstore.ApplyOptions{DryRun: true, OnDifference: func(d directory.Difference) { lines = append(lines, d.String()) }}
		changes, err := store.ApplyWith(t.Context(), wanted, applied, dry)
		want := directory.Changes{
			Workspace: true, Organizations: directory.Count{Added: 1, Changed: 1}, Members: directory.Count{Added: 1, Changed: 1, Removed: 1},
		}
		if err != nil || changes != want {
			t.Errorf("%+v, %v", changes, err)
		}
		text := strings.Join(lines, "\n")
		for _, line := range []string{
			`~ workspace apps `, `~ organization acme {slug: acme, name: "Acme", policy: {}} -> {slug: acme, name: "Acme Ltd", policy: {}}`,
			`+ organization initech {slug: initech, name: "Initech", policy: {}}`, `~ membership acme alice ["editor"] (file) -> ["viewer"] (file)`,
			`+ membership acme carol []`, `- membership acme bob`,
		} {
			if !strings.Contains(text, line) {
				t.Errorf("%q is not in:\n%s", line, text)
			}
		}
		if again := apply(t, store, acmeAndGlobex); !again.None() {
			t.Errorf("the dry run changed %+v", again)
		}
	})
}
