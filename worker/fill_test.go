//go:build !js

package main_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/scratch"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// TestFill_LeavesWhatWranglerLeaves: tests fill their databases without wrangler, and have
// the rows that an operator's apply leaves.
func TestFill_LeavesWhatWranglerLeaves(t *testing.T) {
	t.Parallel()
	script, err := sqlstore.Script(contract.Desired("https://id.example.com", "https://app.example.com"), time.Now().Unix())
	workerd.Must(t, err)
	var left []map[string][]string
	for _, run := range []func(state, script string) error{workerd.Execute, workerd.Fill} {
		state := scratch.Dir(t)
		workerd.Must(t, workerd.Migrate(state))
		workerd.Must(t, run(state, script))
		left = append(left, rowsIn(t, state))
	}
	if len(left[0]["organizations"]) == 0 {
		t.Error("wrangler left no organization")
	}
	for table, rows := range left[0] {
		if !reflect.DeepEqual(rows, left[1][table]) {
			t.Errorf("%s: wrangler left\n%q\nand Fill\n%q", table, rows, left[1][table])
		}
	}
}

// rowsIn returns the rows of all tables in the database of a state folder.
func rowsIn(t *testing.T, state string) map[string][]string {
	t.Helper()
	file, err := workerd.DatabaseFile(state)
	workerd.Must(t, err)
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(file))
	workerd.Must(t, err)
	defer db.Close()
	rows := map[string][]string{}
	for _, table := range texts(t, db, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\_cf\_%' ESCAPE '\' AND name <> 'd1_migrations'`) {
		columns := ""
		for _, column := range texts(t, db, fmt.Sprintf(`SELECT name FROM pragma_table_info('%s')`, table)) {
			columns += fmt.Sprintf(` || '|' || quote(%q)`, column)
		}
		rows[table] = texts(t, db, fmt.Sprintf(`SELECT '' %s AS line FROM %q ORDER BY line`, columns, table))
	}
	return rows
}

// texts returns the rows of a query with one column.
func texts(t *testing.T, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.Query(query)
	workerd.Must(t, err)
	defer rows.Close()
	for rows.Next() {
		var text string
		workerd.Must(t, rows.Scan(&text))
		all = append(all, text)
	}
	workerd.Must(t, rows.Err())
	return all
}
