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
	r.look(fresh, "warning secret: replica a has ")
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
	r.look(old, "warning keys: keys sealed under another secret are not used: "+r.chain()[1].ID)
}
