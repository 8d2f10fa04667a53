package upgrade

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// released is the last migration of the last release: every deployment has applied it.
const released = 10

var (
	createsIndex = regexp.MustCompile(`(?i)\bCREATE\s+(?:UNIQUE\s+)?INDEX\s+(CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(\w+)\s+ON\s+(\w+)`)
	createsTable = regexp.MustCompile(`(?i)\bCREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+)`)
)

// TestMigrations_IndexesAreMadeConcurrently: PostgreSQL makes an index of a table that is
// there already while all writes to the table wait, unless it is made CONCURRENTLY, which
// a transaction does not allow.
func TestMigrations_IndexesAreMadeConcurrently(t *testing.T) {
	files, err := filepath.Glob("../../backend/store/sqlstore/migrations/postgres/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	seen := 0
	for _, file := range files {
		number, err := strconv.Atoi(filepath.Base(file)[:4])
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range indexFaults(string(text)) {
			if number > released {
				t.Errorf("%s: %s", filepath.Base(file), fault)
			} else {
				seen++
			}
		}
	}
	if seen == 0 {
		t.Error("the rule finds none of the released migrations that break it")
	}
}

// indexFaults returns what keeps a migration from running beside requests.
func indexFaults(text string) (faults []string) {
	created := map[string]bool{}
	for _, table := range createsTable.FindAllStringSubmatch(text, -1) {
		created[table[1]] = true
	}
	alone := strings.Contains(text, "-- +goose NO TRANSACTION")
	for _, index := range createsIndex.FindAllStringSubmatch(text, -1) {
		switch concurrently, name, table := index[1] != "", index[2], index[3]; {
		case created[table]:
		case !concurrently:
			faults = append(faults, name+" is made while writes to "+table+" wait: use CREATE INDEX CONCURRENTLY IF NOT EXISTS in a migration of its own")
		case !alone:
			faults = append(faults, name+" is made CONCURRENTLY within a transaction: add -- +goose NO TRANSACTION")
		}
	}
	return faults
}
