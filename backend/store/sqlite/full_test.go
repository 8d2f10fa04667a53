package sqlite_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// A file that cannot grow takes no probe, and neither does a full disk; one that can
// takes any number of them, in the same room.
func TestProbeWrite_FullDisk(t *testing.T) {
	file := t.TempDir() + "/tabard.db"
	store, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := store.ProbeWrite(t.Context(), time.Now().Unix()); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=max_page_count(1)") // no more than there are
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	var pages, free int
	if err := db.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow("PRAGMA freelist_count").Scan(&free); err != nil || free > 5 {
		t.Errorf("twenty probes left %d of %d pages free: %v", free, pages, err)
	}
	if _, err := db.Exec("VACUUM"); err != nil {
		t.Fatal(err)
	}
	var allowed int
	if err := db.QueryRow("PRAGMA max_page_count = 1").Scan(&allowed); err != nil {
		t.Fatal(err)
	}
	full := sqlstore.New(db, sqlstore.SQLite)
	if err := full.Ping(t.Context()); err != nil {
		t.Errorf("it does not even read: %v", err)
	}
	if err := full.ProbeWrite(t.Context(), time.Now().Unix()); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("the probe of a full file says %v", err)
	}
}
