package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg/migrated"
)

const applied = 1_800_000_000

// onEmptyStores runs a test against an empty store of each database.
func onEmptyStores(t *testing.T, test func(t *testing.T, store *sqlstore.Store)) {
	opened := func(store *sqlstore.Store, err error) func(*testing.T) {
		return func(t *testing.T) {
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			test(t, store)
		}
	}
	t.Run("SQLite", opened(sqlite.Open(t.Context(), lite.NewFile(t))))
	t.Run("PostgreSQL", opened(postgres.Open(t.Context(), migrated.Postgres(t))))
}

const head = `
issuer: https://id.test
apps: [{id: a, origins: [https://a.test], audience: api}]
roles: {viewer: [read], editor: [read, write]}
organizations:
`

// file reads a workspace file with these organizations, from line 6 on.
func file(t *testing.T, organizations string) directory.Desired {
	t.Helper()
	d, err := workspacefile.Parse([]byte(head + organizations))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func apply(t *testing.T, store *sqlstore.Store, organizations string) directory.Changes {
	t.Helper()
	changes, err := store.Apply(t.Context(), file(t, organizations), applied)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

// access returns the organizations that a person may enter: roles by slug.
func access(t *testing.T, store *sqlstore.Store, sub string) map[string][]string {
	t.Helper()
	u, err := store.SignIn(t.Context(), directory.User{ID: directory.NewID("usr_"), Issuer: "https://id.test", Subject: sub}, applied)
	if err != nil {
		t.Fatal(err)
	}
	token, _ := beginFor(t, store, u.ID)
	all, err := store.Memberships(t.Context(), token.Session, 100, applied)
	if err != nil {
		t.Fatal(err)
	}
	roles := map[string][]string{}
	for _, m := range all {
		roles[m.Organization.Slug] = m.Roles
	}
	return roles
}

const acmeAndGlobex = `
- {id: org_acme, slug: acme, name: Acme, members: [{sub: alice, roles: [editor]}, {sub: bob, roles: [viewer]}]}
- {id: org_globex, slug: globex, name: Globex, members: [{sub: alice, roles: [viewer]}]}
`

func TestApplyingAgainChangesNothing(t *testing.T) {
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		first := apply(t, store, acmeAndGlobex)
		want := directory.Changes{Workspace: true, Organizations: directory.Count{Added: 2}, Members: directory.Count{Added: 3}}
		if first != want {
			t.Errorf("first: %+v, not %+v", first, want)
		}
		before, err := store.Workspace(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if again := apply(t, store, acmeAndGlobex); !again.None() {
			t.Errorf("again: %+v", again)
		}
		if after, err := store.Workspace(t.Context()); err != nil || after.Revision != before.Revision {
			t.Errorf("the revision went from %d to %d: %v", before.Revision, after.Revision, err)
		}
	})
}

func TestApplyFollowsTheFile(t *testing.T) {
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		apply(t, store, acmeAndGlobex)
		changes := apply(t, store, `
- {id: org_acme, slug: acme, name: Acme Ltd, members: [{sub: alice, roles: [viewer]}, {sub: carol}]}
- {slug: initech, name: Initech}
`)
		want := directory.Changes{
			Organizations: directory.Count{Added: 1, Changed: 1},
			Members:       directory.Count{Added: 1, Changed: 1, Removed: 1},
		}
		if changes != want {
			t.Errorf("%+v, not %+v", changes, want)
		}
		for sub, roles := range map[string]map[string][]string{
			"alice": {"acme": {"viewer"}, "globex": {"viewer"}}, // globex is not named, so it stays
			"bob":   {},
			"carol": {"acme": {}},
		} {
			if got := access(t, store, sub); !reflect.DeepEqual(got, roles) {
				t.Errorf("%s: %v, not %v", sub, got, roles)
			}
		}
	})
}

func TestMoreMembersThanABatchHoldsAreAllApplied(t *testing.T) {
	const people = 321
	text := "- {slug: acme, name: Acme, members: ["
	for i := range people {
		text += fmt.Sprintf("{sub: p%d, roles: [viewer]}, ", i)
	}
	text += "]}"
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		var reported []int
		changes, err := store.ApplyReporting(t.Context(), file(t, text), applied, func(n int) { reported = append(reported, n) })
		if err != nil || changes.Members.Added != people {
			t.Errorf("%+v: %v", changes, err)
		}
		if !reflect.DeepEqual(reported, []int{people}) {
			t.Errorf("reported %v", reported)
		}
		if again := apply(t, store, text); !again.None() {
			t.Errorf("again: %+v", again)
		}
		if got := access(t, store, "p320"); len(got) != 1 {
			t.Errorf("the last one belongs to %v", got)
		}
	})
}

func TestOrganizationsExchangeTheirSlugs(t *testing.T) {
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		apply(t, store, acmeAndGlobex)
		exchanged := `
- {id: org_acme, slug: globex, name: Acme, members: [{sub: alice, roles: [editor]}, {sub: bob, roles: [viewer]}]}
- {id: org_globex, slug: acme, name: Globex, members: [{sub: alice, roles: [viewer]}]}
`
		changes := apply(t, store, exchanged)
		if want := (directory.Changes{Organizations: directory.Count{Changed: 2}}); changes != want {
			t.Errorf("%+v, not %+v", changes, want)
		}
		if got := access(t, store, "bob"); !reflect.DeepEqual(got, map[string][]string{"globex": {"viewer"}}) {
			t.Errorf("bob belongs to %v", got)
		}
		if again := apply(t, store, exchanged); !again.None() {
			t.Errorf("again: %+v", again)
		}
	})
}

func TestASlugOfAnotherOrganizationIsToldWithItsLineAndNothingIsApplied(t *testing.T) {
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		apply(t, store, acmeAndGlobex)
		_, err := store.Apply(t.Context(), file(t, `- {slug: initech, name: Initech, members: [{sub: carol}]}
- {id: org_new, slug: acme, name: Another}
- {id: org_newer, slug: globex, name: Another}
`), applied)
		var conflicts directory.Conflicts
		if !errors.As(err, &conflicts) || len(conflicts) != 2 || conflicts[0].Line != 7 || conflicts[1].Line != 8 {
			t.Fatalf("the error is %v", err)
		}
		if got := access(t, store, "carol"); len(got) != 0 {
			t.Errorf("carol belongs to %v all the same", got)
		}
	})
}

func TestApplyLeavesTheAdmittedUnlessTheFileNamesThem(t *testing.T) {
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		apply(t, store, acmeAndGlobex)
		signIn(t, store, "dana", applied)
		admit(t, store, "dana", "acme", "editor")
		if changes := apply(t, store, acmeAndGlobex); !changes.None() {
			t.Errorf("%+v", changes)
		}
		if got := access(t, store, "dana"); !reflect.DeepEqual(got, map[string][]string{"acme": {"editor"}}) {
			t.Fatalf("dana belongs to %v", got)
		}
		named := "- {slug: acme, name: Acme, members: [{sub: dana, roles: [viewer]}]}"
		apply(t, store, named)
		if got := access(t, store, "dana"); !reflect.DeepEqual(got, map[string][]string{"acme": {"viewer"}}) {
			t.Errorf("the file names dana, who belongs to %v", got)
		}
		apply(t, store, "- {slug: acme, name: Acme}")
		if got := access(t, store, "dana"); len(got) != 0 {
			t.Errorf("the file no longer names dana, who belongs to %v", got)
		}
	})
}

func TestApplyEnablesNothingThatAnAdministratorDisabled(t *testing.T) {
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		apply(t, store, acmeAndGlobex)
		if err := store.SetOrganizationDisabled(t.Context(), "org_acme", true, applied); err != nil {
			t.Fatal(err)
		}
		alice := signIn(t, store, "alice", applied)
		if err := store.SetMemberDisabled(t.Context(), "org_globex", alice.ID, true, applied); err != nil {
			t.Fatal(err)
		}
		if again := apply(t, store, acmeAndGlobex); !again.None() {
			t.Errorf("again: %+v", again)
		}
		apply(t, store, `
- {id: org_acme, slug: acme, name: Acme Ltd, members: [{sub: alice, roles: [viewer]}]}
- {id: org_globex, slug: globex, name: Globex, members: [{sub: alice, roles: [editor]}]}
`)
		if got := access(t, store, "alice"); len(got) != 0 {
			t.Errorf("alice belongs to %v", got)
		}
		if err := store.SetOrganizationDisabled(t.Context(), "org_acme", false, applied); err != nil {
			t.Fatal(err)
		}
		if got := access(t, store, "alice"); !reflect.DeepEqual(got, map[string][]string{"acme": {"viewer"}}) {
			t.Errorf("alice belongs to %v", got)
		}
	})
}

func TestTheIDOfADeletedOrganizationIsAConflict(t *testing.T) {
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		apply(t, store, acmeAndGlobex)
		if err := store.DeleteOrganization(t.Context(), "org_acme", applied); err != nil {
			t.Fatal(err)
		}
		_, err := store.Apply(t.Context(), file(t, acmeAndGlobex), applied)
		var conflicts directory.Conflicts
		if !errors.As(err, &conflicts) || len(conflicts) != 1 {
			t.Fatalf("the error is %v", err)
		}
		changes := apply(t, store, "- {slug: acme, name: Acme}")
		if want := (directory.Changes{Organizations: directory.Count{Added: 1}}); changes != want {
			t.Errorf("%+v, not %+v", changes, want)
		}
	})
}

func TestAnInterruptedApplyChangesNothing(t *testing.T) {
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		ctx, interrupt := context.WithCancel(t.Context())
		_, err := store.ApplyReporting(ctx, file(t, acmeAndGlobex), applied, func(int) { interrupt() })
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("the error is %v", err)
		}
		if w, err := store.Workspace(t.Context()); err != nil || len(w.Apps) != 0 {
			t.Errorf("apps %v: %v", w.Apps, err)
		}
		if got := access(t, store, "alice"); len(got) != 0 {
			t.Errorf("alice belongs to %v", got)
		}
	})
}
