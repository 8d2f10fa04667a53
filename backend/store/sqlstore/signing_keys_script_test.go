package sqlstore_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// The script printed for D1 has the effect of the commands elsewhere.
func TestTheScriptsOfSigningKeysRotateAndRetire(t *testing.T) {
	const now = 1_800_000_000
	s := newScripted(t)
	s.rotate("org_acme", true, now)
	s.signFrom("org_acme", now)
	if _, err := s.ring.Signing(t.Context(), "", 0, now); err != nil {
		t.Fatal(err)
	}
	s.rotate("", false, now+10)
	s.rotate("", false, now+20) // one is prepared
	s.signFrom("", now, 0, 10+signingkey.Lead)
	s.rotate("", true, now+30)
	s.signFrom("", now, 0, 10+signingkey.Soonest)
	s.rotate("", true, now+5000) // signs already
	s.signFrom("", now, 0, 10+signingkey.Soonest, 5000+signingkey.Soonest)

	key, err := signingkey.NewKeyRing(s.store, s.secret, signingkey.ES256).Signing(t.Context(), "", 0, now+4999)
	if err != nil || key.Generation != 2 {
		t.Fatalf("%+v, %v", key.Stored, err)
	}
	s.run(sqlstore.RetireKeyScript(key.ID, audit.CommandLine, now+6000))
	chain, err := s.store.SigningKeys(t.Context(), "")
	if err != nil || chain[1].RetiresAt != now+6000 || chain[0].RetiresAt != 0 || chain[2].RetiresAt != 0 {
		t.Errorf("%+v, %v", chain, err)
	}
}

// scripted is a store whose signing keys are changed by scripts.
type scripted struct {
	*testing.T
	store  *sqlstore.Store
	db     *sql.DB
	secret signingkey.Secret
	ring   *signingkey.KeyRing
}

func newScripted(t *testing.T) *scripted {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys.db")
	store, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	secret, _ := signingkey.NewSecret()
	return &scripted{t, store, db, secret, signingkey.NewKeyRing(store, secret, signingkey.ES256)}
}

func (s *scripted) run(script string) {
	s.Helper()
	if _, err := s.db.ExecContext(s.Context(), script); err != nil {
		s.Fatalf("%v\n%s", err, script)
	}
}

func (s *scripted) rotate(organization string, soon bool, at int64) {
	s.Helper()
	k, err := s.ring.Draft(organization, signingkey.Lead, at, audit.CommandLine)
	if err != nil {
		s.Fatal(err)
	}
	s.run(sqlstore.NextKeyScript(k, soon))
}

// signFrom fails the test unless an issuer's keys sign from those seconds after now on
// and have consecutive generations.
func (s *scripted) signFrom(organization string, now int64, want ...int64) {
	s.Helper()
	chain, err := s.store.SigningKeys(s.Context(), organization)
	if err != nil {
		s.Fatal(err)
	}
	var got []int64
	for i, k := range chain {
		if k.Generation != int64(i+1) {
			s.Errorf("key %d has generation %d", i+1, k.Generation)
		}
		got = append(got, k.SignsAt-now)
	}
	if !slices.Equal(got, want) {
		s.Fatalf("they sign from %v, want %v", got, want)
	}
}
