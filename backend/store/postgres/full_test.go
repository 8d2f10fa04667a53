package postgres_test

import (
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/storetest"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
)

// A disk without room takes no probe, although tables have room for a row.
func TestProbeWrite_FullDisk(t *testing.T) {
	c := pg.NewSmallCluster(t, 100)
	store, err := postgres.Open(t.Context(), c.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	probe := func() error { return store.ProbeWrite(t.Context(), storetest.Now) }
	if err := probe(); err != nil {
		t.Fatal(err)
	}
	empty := c.FillDisk()
	if err := probe(); err == nil || !strings.Contains(err.Error(), "No space left on device") {
		t.Errorf("on a full disk: %v", err)
	}
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("it does not even read: %v", err)
	}
	empty()
	if err := probe(); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// A role that may have no temporary files is no full disk.
func TestProbeWrite_NoTemporaryFiles(t *testing.T) {
	dsn := pg.Postgres(t)
	pg.Exec(t, dsn, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET temp_file_limit = 0', current_database()); END $$")
	store, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.ProbeWrite(t.Context(), storetest.Now); err != nil {
		t.Error(err)
	}
}
