package postgres_test

import (
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/storetest"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg/migrated"
)

// TestApply_Attributes checks that a workspace file sets the attributes that it states and
// keeps others.
func TestApply_Attributes(t *testing.T) {
	store, err := postgres.Open(t.Context(), migrated.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	apply := func(organization, member directory.Attributes) directory.Changes {
		t.Helper()
		d := storetest.Desired()
		d.Organizations[0].Attributes, d.Organizations[0].Members[0].Attributes = organization, member
		changes, err := store.Apply(t.Context(), d, storetest.Now)
		if err != nil {
			t.Fatal(err)
		}
		return changes
	}
	apply(`{"plan":"pro"}`, `{"level":2}`)
	if changes := apply("", ""); !changes.None() {
		t.Errorf("a file that states none changes %+v", changes)
	}
	want := directory.Changes{Organizations: directory.Count{Changed: 1}, Members: directory.Count{Changed: 1}}
	if changes := apply(`{"plan":"free"}`, `{"level":3}`); changes != want {
		t.Errorf("other attributes change %+v", changes)
	}
	o, err := store.Organization(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	m, err := store.MemberNamed(t.Context(), "org_acme", "https://id.test", "alice")
	if err != nil {
		t.Fatal(err)
	}
	if o.Attributes != `{"plan":"free"}` || m.Attributes != `{"level":3}` {
		t.Errorf("they are %s and %s", o.Attributes, m.Attributes)
	}
}
