package postgres_test

import (
	"context"
	"errors"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
)

// many is the number of concurrent reads that share round trips.
const many = 300

// open opens a store in which storetest's directory was applied at a time with as many
// digits as the other format of the number has bytes.
func open(t *testing.T, address string) *sqlstore.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if _, err := store.Apply(t.Context(), storetest.Desired(), eightDigits); err != nil {
		t.Fatal(err)
	}
	return store
}

// openBeside opens a store and a connection to its database.
func openBeside(t *testing.T) (*sqlstore.Store, *pgx.Conn) {
	t.Helper()
	address := pg.Postgres(t)
	other, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close(context.Background()) })
	return open(t, address), other
}

func exec(t *testing.T, conn *pgx.Conn, statement string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

const eightDigits = 18_000_000

// atOnce reads all organizations concurrently.
func atOnce(store *sqlstore.Store, refs []string, found func(ref string, o directory.OrganizationRecord, err error)) {
	var group sync.WaitGroup
	for i := range many {
		group.Go(func() {
			ref := refs[i%len(refs)]
			o, err := store.Organization(context.Background(), ref)
			found(ref, o, err)
		})
	}
	group.Wait()
}

// A pooler may require any of the driver's ways to run a statement. With the last of
// them, all values arrive as text.
func TestARowIsReadAlikeHoweverItsStatementRuns(t *testing.T) {
	address := pg.Postgres(t)
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			store := open(t, address+" default_query_exec_mode="+mode)
			atOnce(store, []string{"org_acme", "globex", "org_hooli", "org_nobody"}, func(ref string, o directory.OrganizationRecord, err error) {
				known := map[string]string{"org_acme": "org_acme", "globex": "org_globex", "org_hooli": "org_hooli"}
				switch {
				case ref == "org_nobody":
					if !errors.Is(err, directory.ErrNoOrganization) {
						t.Errorf("%s: %v", ref, err)
					}
				case err != nil || o.ID != known[ref] || o.CreatedAt != eightDigits || o.Disabled != (ref == "org_hooli") || o.Rules.AccessTTL != 60:
					t.Errorf("%s: %+v, %v", ref, o, err)
				}
			})
			if err := store.Ping(t.Context()); err != nil { // reads a column of another type
				t.Error(err)
			}
		})
	}
}

func TestAReadThatTheDatabaseRefusesFailsAlone(t *testing.T) {
	store := open(t, pg.Postgres(t))
	atOnce(store, []string{"acme", "a\x00b", "globex"}, func(ref string, o directory.OrganizationRecord, err error) {
		if refused := ref == "a\x00b"; refused != (err != nil) || o.Slug != ref && !refused {
			t.Errorf("%q: %+v, %v", ref, o, err)
		}
	})
}

func TestWhoWaitsForAReadMayGiveUp(t *testing.T) {
	store, other := openBeside(t)
	exec(t, other, "BEGIN; LOCK TABLE organizations IN ACCESS EXCLUSIVE MODE")
	var group sync.WaitGroup // of as many as read at once
	for reading := 1; reading <= 1+runtime.GOMAXPROCS(0)/4; reading++ {
		group.Go(func() {
			if _, err := store.Organization(t.Context(), "acme"); err != nil {
				t.Errorf("who did not give up: %v", err)
			}
		})
		for stuck := 0; stuck < reading; {
			if err := other.QueryRow(t.Context(), "SELECT COUNT(*) FROM pg_locks WHERE NOT granted").Scan(&stuck); err != nil {
				t.Fatal(err)
			}
		}
	}
	given, giveUp := context.WithCancel(t.Context())
	giveUp()
	if _, err := store.Organization(given, "acme"); !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up: %v", err)
	}
	exec(t, other, "ROLLBACK")
	group.Wait()
}

func TestAReadThatHangsIsGivenUp(t *testing.T) {
	store, other := openBeside(t)
	exec(t, other, "BEGIN; LOCK TABLE organizations IN ACCESS EXCLUSIVE MODE")
	given := make(chan error, 1)
	go func() {
		_, err := store.Organization(t.Context(), "acme")
		given <- err
	}()
	var timeout net.Error
	select {
	case err := <-given:
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("a read that hangs: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("nobody gives it up")
	}
	exec(t, other, "ROLLBACK")
	if _, err := store.Organization(t.Context(), "acme"); err != nil {
		t.Errorf("the next: %v", err)
	}
}
