package platformtest

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/worker/d1"
)

func TestD1_ValuesComeBackAsTheyWent(t *testing.T) {
	db := d1.Open()
	run(t, db, "CREATE TABLE IF NOT EXISTS driver_values (n INTEGER, f REAL, s TEXT, b BLOB)")
	defer run(t, db, "DROP TABLE driver_values")
	for _, row := range [][]any{
		{int64(1)<<53 - 1, 1.5, "é \"\\\n\x00\u2028", []byte{0, 1, 255}},
		{-(int64(1)<<53 - 1), 2.0, "", []byte{}},
		{nil, nil, nil, nil},
	} {
		run(t, db, "DELETE FROM driver_values")
		if _, err := db.ExecContext(t.Context(), "INSERT INTO driver_values VALUES (?1, ?2, ?3, ?4)", row...); err != nil {
			t.Fatal(err)
		}
		got := make([]any, 4)
		into := []any{&got[0], &got[1], &got[2], &got[3]}
		if err := db.QueryRowContext(t.Context(), "SELECT * FROM driver_values").Scan(into...); err != nil {
			t.Fatal(err)
		}
		if row[1] == 2.0 {
			row[1] = int64(2) // JavaScript has one type of numbers
		}
		if !reflect.DeepEqual(got, row) {
			t.Errorf("%#v, want %#v", got, row)
		}
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO driver_values (n) VALUES (?1)", int64(math.MaxInt64)); !errors.Is(err, d1.ErrInexact) {
		t.Errorf("an integer that D1 rounds: %v", err)
	}
	var n int64
	if err := db.QueryRowContext(t.Context(), "SELECT 9007199254740993").Scan(&n); !errors.Is(err, d1.ErrInexact) {
		t.Errorf("an integer that D1 rounded: %d %v", n, err)
	}
}

func TestD1_NoRows(t *testing.T) {
	rows, err := d1.Open().QueryContext(t.Context(), "SELECT one, revision FROM workspace WHERE one = 2")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if rows.Next() || rows.Err() != nil || err != nil || !reflect.DeepEqual(columns, []string{"one", "revision"}) {
		t.Errorf("%v %v %v", columns, rows.Err(), err)
	}
}

func TestD1_ABatchIsATransaction(t *testing.T) {
	db := d1.Open()
	run(t, db, "CREATE TABLE IF NOT EXISTS driver_batch (n INTEGER PRIMARY KEY)")
	defer run(t, db, "DROP TABLE driver_batch")
	insert := func(n int) *sqlstore.Statement {
		return &sqlstore.Statement{Text: "INSERT INTO driver_batch VALUES (?1)", Args: []any{n}}
	}
	count := 0
	counted := &sqlstore.Statement{Text: "SELECT COUNT(*) AS n FROM driver_batch", Fields: []any{&count}}
	none := &sqlstore.Statement{Text: "SELECT n FROM driver_batch WHERE n = 5", Fields: []any{new(int)}}
	if err := d1.Batch(t.Context(), db, []*sqlstore.Statement{insert(1), insert(2), none, counted}); err != nil || count != 2 || !counted.Found || none.Found {
		t.Errorf("%d %v %v %v", count, counted.Found, none.Found, err)
	}
	if err := d1.Batch(t.Context(), db, []*sqlstore.Statement{insert(3), insert(2)}); err == nil {
		t.Error("a batch that fails gave no error")
	}
	if err := db.QueryRowContext(t.Context(), counted.Text).Scan(&count); err != nil || count != 2 {
		t.Errorf("%d rows after a batch that failed: %v", count, err)
	}
}

func TestD1_ACallerGivesUp(t *testing.T) {
	db := d1.Open()
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := db.ExecContext(ctx, "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3000000) SELECT MAX(n) FROM c")
		failed <- err
	}()
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := db.QueryRowContext(t.Context(), "SELECT one FROM workspace WHERE one = 2").Scan(new(int)); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("the next statement: %v", err)
	}
}
