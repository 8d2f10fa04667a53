package postgres_test

import (
	"testing"

	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/storetest"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg/migrated"
)

func TestPostgreSQLKeepsTheStoresPromises(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store {
		store, err := postgres.Open(t.Context(), migrated.Postgres(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		if _, err := store.Apply(t.Context(), storetest.Desired(), storetest.Now); err != nil {
			t.Fatal(err)
		}
		return store
	})
}
