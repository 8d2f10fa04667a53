package doctor_test

import (
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/doctor"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

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
	look := func(s signingkey.Secret, want string) {
		t.Helper()
		found := examine(t, doctor.Config{Database: database, Secret: &s})
		if !strings.Contains(found, want) {
			t.Errorf("%q is not among\n%s", want, found)
		}
	}
	records := func(replica string, s signingkey.Secret) {
		t.Helper()
		ids, err := s.IDs()
		if err == nil {
			err = d.Store.RecordSecretKeys(t.Context(), replica, ids, now-10, now-10)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	look(added, "look secret: the file holds 2 values, and no replica has been seen with them")
	records("a", old)
	records("b", old)
	look(old, "ok secret: every running replica has the values of the secret file")
	look(fresh, "warning secret: replica a has ")
	look(added, "look secret: it is being replaced, and step 2 of 3, which starts to use the new value, is not safe yet: replica a does not have")
	records("a", added)
	records("b", added)
	look(added, "look secret: it is being replaced, and step 2 of 3, which starts to use the new value, is safe now")
	look(promoted, "warning secret: replica a has ")
	for _, ended := range []string{"a", "b"} {
		if err := d.Store.RecordShutdown(t.Context(), ended, now); err != nil {
			t.Fatal(err)
		}
		records(ended+"'", promoted)
	}
	look(promoted, "look secret: it is being replaced, and step 3 of 3, which removes the old value, is not safe yet: sign-ins that began under the old secret may be under way")
	// A signing key of the new value, at a replica that went back to the old one.
	chain := func() signingkey.Chain {
		stored, err := d.Store.SigningKeys(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		return stored
	}
	if _, err := signingkey.NewKeyRing(d.Store, old, signingkey.ES256).Signing(t.Context(), "", 0, now); err != nil {
		t.Fatal(err)
	}
	if err := signingkey.NewKeyRing(d.Store, promoted, signingkey.ES256).Rotate(t.Context(), "", chain(), 0, now); err != nil {
		t.Fatal(err)
	}
	look(old, "warning keys: keys sealed under another secret are not used: "+chain()[1].ID)
}
