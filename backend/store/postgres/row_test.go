package postgres_test

import (
	"errors"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
)

// A pooler before the database may demand any of the driver's ways to run a statement;
// by the last of them all values come as texts.
func TestARowIsReadAlikeHoweverTheStatementRuns(t *testing.T) {
	address := pg.Postgres(t)
	open := func(mode string) *sqlstore.Store {
		t.Helper()
		store, err := postgres.Open(t.Context(), address+" default_query_exec_mode="+mode)
		if err != nil {
			t.Fatal(mode, err)
		}
		t.Cleanup(func() { store.Close() })
		return store
	}
	const eightDigits = 18_000_000 // as many bytes as the other form of the number has
	if _, err := open("cache_statement").Apply(t.Context(), storetest.Desired(), eightDigits); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		store := open(mode)
		for id, disabledAt := range map[string]int64{"org_acme": 0, "org_hooli": eightDigits} {
			got, err := store.Organization(t.Context(), id)
			if err != nil || got.ID != id || got.DisabledAt != disabledAt || got.Rules.AccessTTL != 60 {
				t.Errorf("%s: %+v, %v", mode, got, err)
			}
		}
		if _, err := store.Organization(t.Context(), "org_nobody"); !errors.Is(err, directory.ErrNoOrganization) {
			t.Errorf("%s: an organisation that is not there: %v", mode, err)
		}
		if err := store.Ping(t.Context()); err != nil { // reads a column of another type
			t.Errorf("%s: %v", mode, err)
		}
	}
}
