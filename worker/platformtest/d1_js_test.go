package platformtest

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest"
	"github.com/tabard-auth/tabard/worker/d1"
)

func TestTheStoreKeepsItsPromises(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store { return empty(t) })
}

func TestTheStatementIsTheVerdict(t *testing.T) { storetest.Histories(t, empty(t), 200) }

func TestSixteenPresentationsOfOneSuccessorAdvanceOnce(t *testing.T) {
	storetest.OneSuccessorAtOnce(t, empty(t), 10)
}

func TestSixteenSuccessorsAdvanceOnce(t *testing.T) { storetest.SuccessorsAtOnce(t, empty(t), 10) }

func TestSessionsAreForgottenAfterTheirEnd(t *testing.T) { storetest.Forgets(t, empty(t)) }

// empty returns the store of a database that contains only the suite's directory.
func empty(t *testing.T) *sqlstore.Store {
	t.Helper()
	db := d1.Open()
	for _, table := range tables(t, db) {
		run(t, db, "DELETE FROM "+table)
	}
	script, err := sqlstore.Script(storetest.Desired(), storetest.Now)
	if err != nil {
		t.Fatal(err)
	}
	for statement := range strings.SplitSeq(strings.TrimSpace(script), ";\n") {
		run(t, db, statement)
	}
	return d1.Store()
}

// tables returns the names of the store's tables, those that refer to others first.
func tables(t *testing.T, db *sql.DB) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT name FROM sqlite_schema WHERE type = 'table'
		AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'd1_%' AND name NOT LIKE '_cf_%' ORDER BY rowid DESC`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		all = append(all, name)
	}
	return all
}

func run(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%v\n%s", err, statement)
	}
}
