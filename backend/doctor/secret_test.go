package doctor_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/doctor"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/inspect"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// replaced is a deployment whose secret is being replaced.
type replaced struct {
	*testing.T
	database func(context.Context) (*inspect.Database, error)
	store    *sqlstore.Store
}

// look fails the test unless the doctor finds that of a secret file.
func (r *replaced) look(s signingkey.Secret, want string) {
	r.Helper()
	found := examine(r.T, doctor.Config{Database: r.database, Secret: &s})
	if !strings.Contains(found, want) {
		r.Errorf("%q is not among\n%s", want, found)
	}
}

// never fails the test if the doctor finds that of a secret file.
func (r *replaced) never(s signingkey.Secret, unwanted string) {
	r.Helper()
	if found := examine(r.T, doctor.Config{Database: r.database, Secret: &s}); strings.Contains(found, unwanted) {
		r.Errorf("%q is among\n%s", unwanted, found)
	}
}

func idOf(t *testing.T, s signingkey.Secret) string {
	t.Helper()
	ids, err := s.IDs()
	if err != nil {
		t.Fatal(err)
	}
	return ids[0]
}

// records records what a replica has of the secret.
func (r *replaced) records(replica string, s signingkey.Secret) {
	r.Helper()
	ids, err := s.IDs()
	if err == nil {
		err = r.store.RecordSecretKeys(r.Context(), replica, ids, now-10, now-10)
	}
	if err != nil {
		r.Fatal(err)
	}
}

func (r *replaced) chain() signingkey.Chain {
	r.Helper()
	stored, err := r.store.SigningKeys(r.Context(), "")
	if err != nil {
		r.Fatal(err)
	}
	return stored
}

func TestTheSecretIsComparedWithTheReplicas(t *testing.T) {
	database := stored(t, app("http://127.0.0.1:1"))
	d, err := database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Store.Close()
	old, oldText := signingkey.NewSecret()
	fresh, freshText := signingkey.NewSecret()
	added, err := signingkey.ParseSecret(oldText + "\n" + freshText)
	if err != nil {
		t.Fatal(err)
	}
	promoted, err := signingkey.ParseSecret(freshText + "\n" + oldText)
	if err != nil {
		t.Fatal(err)
	}
	r := &replaced{t, database, d.Store}
	r.look(added, "look secret: the file holds 2 values, and no replica has been seen with them")
	r.records("a", old)
	r.records("b", old)
	r.look(old, "ok secret: every running replica has the values of the secret file")
	r.look(fresh, "problem secret: the secret file has "+idOf(t, fresh)+", and every running replica (2) has other values: "+idOf(t, old)+" → This file is the wrong one")
	r.never(fresh, "Give it the same file")
	r.look(added, "look secret: it is being replaced, and step 2 of 3, which starts to use the new value, is not safe yet: replica a does not have")
	r.records("a", added)
	r.records("b", added)
	r.look(added, "look secret: it is being replaced, and step 2 of 3, which starts to use the new value, is safe now")
	r.look(promoted, "warning secret: replica a has ")
	for _, ended := range []string{"a", "b"} {
		if err := d.Store.RecordShutdown(t.Context(), ended, now); err != nil {
			t.Fatal(err)
		}
		r.records(ended+"'", promoted)
	}
	r.look(promoted, "look secret: it is being replaced, and step 3 of 3, which removes the old value, is not safe yet: sign-ins that began under the old secret may be under way")
	// A signing key of the new value, at a replica that went back to the old one.
	if _, err := signingkey.NewKeyRing(d.Store, old, signingkey.ES256).Signing(t.Context(), "", 0, now); err != nil {
		t.Fatal(err)
	}
	if err := signingkey.NewKeyRing(d.Store, promoted, signingkey.ES256).Rotate(t.Context(), "", r.chain(), 0, now); err != nil {
		t.Fatal(err)
	}
	r.look(old, "warning keys: keys sealed under another secret are not used: "+r.chain()[1].ID+" → Give every replica, and the commands that make keys, the same secret file. Where all have it, a server made these keys with a file that is gone: retire each")
}

// TestSecret_WrongFile: where no key opens and the replicas agree, nothing tells the
// operator to change a replica.
func TestSecret_WrongFile(t *testing.T) {
	database := stored(t, app("http://127.0.0.1:1"))
	d, err := database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Store.Close()
	served, _ := signingkey.NewSecret()
	other, _ := signingkey.NewSecret()
	if _, err := signingkey.NewKeyRing(d.Store, served, signingkey.ES256).Signing(t.Context(), "", 0, now); err != nil {
		t.Fatal(err)
	}
	if err := d.Store.SetEpoch(t.Context(), "of the served"); err != nil {
		t.Fatal(err)
	}
	r := &replaced{t, database, d.Store}
	r.look(other, "problem keys: none of them (1) can be opened with this secret file")
	r.look(other, "If its value was replaced, add the previous one as a further line")
	r.records("a", served)
	r.records("b", served)
	r.look(other, "problem keys: none of them (1) can be opened with this secret file")
	r.look(other, "→ This file is the wrong one: give this command, and every command, the file that the replicas have. Change none of them.")
	for _, wrong := range []string{"Give it the same file", "add the previous one", "restore --accept", "replica a has"} {
		r.never(other, wrong)
	}
	third, _ := signingkey.NewSecret()
	r.records("c", third) // the replicas do not agree: this file may be right
	r.look(other, "warning secret: replica c has ")
}

// TestSecret_SilentReplica: a replica that was killed is told from one that runs.
func TestSecret_SilentReplica(t *testing.T) {
	database := stored(t, app("http://127.0.0.1:1"))
	d, err := database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Store.Close()
	old, _ := signingkey.NewSecret()
	fresh, _ := signingkey.NewSecret()
	r := &replaced{t, database, d.Store}
	r.records("a", fresh)
	r.records("b", old)
	r.look(fresh, "warning secret: replica b has "+idOf(t, old)+", and the secret file "+idOf(t, fresh)+" → Give it the same file, and restart it, or reload it (SIGHUP) where it reads the file itself")
	late := examine(t, doctor.Config{Database: r.database, Secret: &fresh, Now: now + 100})
	if want := " (last heard at 07:59:50Z: it may have ended) → Give it the same file"; !strings.Contains(late, want) {
		t.Errorf("%q is not among\n%s", want, late)
	}
}

// TestEpoch_SeenBeforeTheStart: a database that no server with this secret serves is known
// before one is started. The doctor changes nothing in it.
func TestEpoch_SeenBeforeTheStart(t *testing.T) {
	database := stored(t, app("http://127.0.0.1:1"))
	d, err := database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Store.Close()
	_, text := signingkey.NewSecret()
	secret, err := signingkey.ParseSecret(signingkey.EpochLine("new") + "\n" + text)
	if err != nil {
		t.Fatal(err)
	}
	r := &replaced{t, database, d.Store}
	r.never(secret, "it is not served")
	if _, known, err := d.Store.KnownEpoch(t.Context()); known || err != nil {
		t.Errorf("the doctor gave the database an epoch: %v", err)
	}
	for epoch, want := range map[string]string{
		"new":                                    "",
		"old":                                    `problem database: it is not served: the database's epoch is "old" and the secret file's is "new": the database was restored, run: tabard restore --accept`,
		signingkey.EpochOfRestore + "x":          "problem database: it is not served: the database was restored from a backup; run: tabard restore --accept",
		signingkey.EpochMoved(`PostgreSQL, "a"`): `problem database: it is not served: this database was moved to PostgreSQL, "a" by tabard move`,
		strings.Split(signingkey.EpochMoved(""), " ")[0]: "this database was moved to another one by tabard move",
	} {
		if err := d.Store.SetEpoch(t.Context(), epoch); err != nil {
			t.Fatal(err)
		}
		if want == "" {
			r.never(secret, "it is not served")
		} else {
			r.look(secret, want)
		}
	}
}
