package sqlstore_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// withDomains returns a file in which acme has these domains.
func withDomains(t *testing.T, names ...string) directory.Desired {
	t.Helper()
	d := file(t, `
- {id: org_acme, slug: acme, name: Acme}
- {id: org_globex, slug: globex, name: Globex}
`)
	d.Organizations[0].Domains = names
	return d
}

// domainsOf returns acme's domains, with their source and whether they are verified.
func domainsOf(t *testing.T, store *sqlstore.Store) string {
	t.Helper()
	all, err := store.DomainsOf(t.Context(), "org_acme", "", 10)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, d := range all {
		text := d.Name
		if !d.FromFile {
			text += " admin"
		}
		if d.VerifiedAt != 0 {
			text += " verified"
		}
		if d.Token == "" {
			t.Errorf("%s has no token", d.Name)
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

// appliesDomains holds what an apply makes of domains.
func appliesDomains(t *testing.T, store *sqlstore.Store, apply func(directory.Desired)) {
	t.Helper()
	steps := func(want string, names ...string) {
		t.Helper()
		apply(withDomains(t, names...))
		if got := domainsOf(t, store); got != want {
			t.Errorf("%v: %s; want %s", names, got, want)
		}
	}
	steps("a.example, b.example", "a.example", "b.example")
	for _, d := range []directory.Domain{{OrganizationID: "org_acme", Name: "c.example", Token: "c"}, {OrganizationID: "org_acme", Name: "d.example", Token: "d"}} {
		if err := store.CreateDomain(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if verified, err := store.VerifyDomain(t.Context(), d, applied); err != nil || !verified {
			t.Fatal(verified, err)
		}
	}
	before, _ := store.Domain(t.Context(), "org_acme", "a.example")
	steps("a.example, c.example verified, d.example admin verified", "a.example", "c.example")
	if after, err := store.Domain(t.Context(), "org_acme", "a.example"); err != nil || after != before {
		t.Errorf("the record changed: %+v, %+v", before, after)
	}
	steps("d.example admin verified")
}

func TestApply_Domains(t *testing.T) {
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		appliesDomains(t, store, func(d directory.Desired) {
			if _, err := store.Apply(t.Context(), d, applied); err != nil {
				t.Fatal(err)
			}
			if again, err := store.Apply(t.Context(), d, applied); err != nil || !again.None() {
				t.Errorf("again: %+v, %v", again, err)
			}
		})
		var told []string
		_, err := store.ApplyWith(t.Context(), withDomains(t, "d.example", "e.example"), applied, sqlstore.ApplyOptions{
			DryRun: true, OnDifference: func(d directory.Difference) { told = append(told, strings.TrimSpace(d.String())) },
		})
		if err != nil || !slices.Equal(told, []string{"~ domain acme d.example (admin) -> (file)", "+ domain acme e.example"}) {
			t.Errorf("%q, %v", told, err)
		}
	})
}

func TestScript_Domains(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	appliesDomains(t, store, func(d directory.Desired) { runScript(t, db, d); runScript(t, db, d) })
}
