package sqlstore_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/keys"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// What is printed for D1 does what the commands do elsewhere.
func TestTheScriptsOfSigningKeysRotateAndRetire(t *testing.T) {
	const now = 1_800_000_000
	file := filepath.Join(t.TempDir(), "keys.db")
	store, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	run := func(script string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), script); err != nil {
			t.Fatalf("%v\n%s", err, script)
		}
	}
	secret, _ := keys.NewSecret()
	ring := keys.NewRing(store, secret, keys.ES256)
	rotate := func(organization string, soon bool, at int64) {
		t.Helper()
		k, err := ring.Draft(organization, keys.Lead, at, audit.CommandLine)
		if err != nil {
			t.Fatal(err)
		}
		run(sqlstore.NextKeyScript(k, soon))
	}
	signs := func(organization string) (all []int64) {
		t.Helper()
		chain, err := store.SigningKeys(t.Context(), organization)
		if err != nil {
			t.Fatal(err)
		}
		for i, k := range chain {
			if k.Generation != int64(i+1) {
				t.Errorf("key %d has generation %d", i+1, k.Generation)
			}
			all = append(all, k.SignsAt-now)
		}
		return all
	}
	want := func(got []int64, want ...int64) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("they sign from %v, want %v", got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("they sign from %v, want %v", got, want)
			}
		}
	}
	rotate("org_acme", true, now)
	want(signs("org_acme"))
	if _, err := ring.Signing(t.Context(), "", 0, now); err != nil {
		t.Fatal(err)
	}
	rotate("", false, now+10)
	rotate("", false, now+20) // one is prepared
	want(signs(""), 0, 10+keys.Lead)
	rotate("", true, now+30)
	want(signs(""), 0, 10+keys.Soonest)
	rotate("", true, now+5000) // signs already
	want(signs(""), 0, 10+keys.Soonest, 5000+keys.Soonest)

	key, err := keys.NewRing(store, secret, keys.ES256).Signing(t.Context(), "", 0, now+4999)
	if err != nil || key.Generation != 2 {
		t.Fatalf("%+v, %v", key.Stored, err)
	}
	run(sqlstore.RetireKeyScript(key.ID, audit.CommandLine, now+6000))
	chain, err := store.SigningKeys(t.Context(), "")
	if err != nil || chain[1].RetiresAt != now+6000 || chain[0].RetiresAt != 0 || chain[2].RetiresAt != 0 {
		t.Errorf("%+v, %v", chain, err)
	}
}
