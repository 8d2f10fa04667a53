package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg/migrated"
)

// undoing is a driver of PostgreSQL that undoes every statement when it is first run, as
// a database may because of others: by a serialization failure, or to end a deadlock.
type undoing struct {
	driver.Connector
	mu   sync.Mutex
	seen map[string]int
}

func (u *undoing) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := u.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return undoingConn{conn.(*stdlib.Conn), u}, nil
}

// undone is the error of a statement that is run for the first time, or the fourth.
func (u *undoing) undone(statement string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if statement == "SELECT 1" { // by which an apply asks whether it still has its lock; it reads nothing
		return nil
	}
	n := u.seen[statement]
	u.seen[statement]++
	code, is := map[int]string{0: "40001", 3: "40P01"}[n]
	if !is {
		return nil
	}
	return &pgconn.PgError{Severity: "ERROR", Code: code, Message: "undone"}
}

type undoingConn struct {
	*stdlib.Conn
	by *undoing
}

func (c undoingConn) ExecContext(ctx context.Context, statement string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.by.undone(statement); err != nil {
		return nil, err
	}
	return c.Conn.ExecContext(ctx, statement, args)
}

func (c undoingConn) QueryContext(ctx context.Context, statement string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.by.undone(statement); err != nil {
		return nil, err
	}
	return c.Conn.QueryContext(ctx, statement, args)
}

// Every statement of the store, also those of an apply, is run again where the database
// undid it. TestEveryStatementThatTheDatabaseUndidIsRunAgain tries all of them.
func TestStatementsThatTheDatabaseUndidAreRunAgain(t *testing.T) {
	storetest.RunOneOf(t, 6, openUndoing)
}

// openUndoing returns a store on a database that undoes statements.
func openUndoing(t *testing.T) storetest.Store {
	t.Helper()
	config, err := pgx.ParseConfig(migrated.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	u := &undoing{Connector: stdlib.GetConnector(*config), seen: map[string]int{}}
	db := sql.OpenDB(u)
	t.Cleanup(func() { db.Close() })
	store := sqlstore.New(db, sqlstore.Postgres)
	if _, err := store.Apply(t.Context(), storetest.Desired(), storetest.Now); err != nil {
		t.Fatal(err)
	}
	return store
}

// A database whose default is the strictest isolation undoes what is done at once, and
// nobody notices.
func TestTheStrictestIsolationIsNotNoticed(t *testing.T) {
	store, err := postgres.Open(t.Context(), pg.Postgres(t)+" default_transaction_isolation=serializable")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 30 {
				u := directory.User{ID: fmt.Sprintf("usr_%d_%d", i, j), Issuer: "https://id.test", Subject: "alice"}
				if _, err := store.SignIn(t.Context(), u, applied); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
