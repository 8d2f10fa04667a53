package signingkey_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// rotate runs the schedule once.
func rotate(t *testing.T, store *sqlstore.Store, secret signingkey.Secret, a signingkey.Algorithm, at int64) signingkey.Chain {
	t.Helper()
	chain, err := store.SigningKeys(t.Context(), "")
	if err == nil {
		err = signingkey.NewKeyRing(store, secret, a).Rotate(t.Context(), "", chain, 90*day, at)
	}
	if err == nil {
		chain, err = store.SigningKeys(t.Context(), "")
	}
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

func TestTheNextKeyIsMadeAnHourBeforeItIsDue(t *testing.T) {
	store := emptyStore(t)
	secret, _ := signingkey.NewSecret()
	rotate(t, store, secret, signingkey.ES256, now)
	const due = now + 90*day
	if chain := rotate(t, store, secret, signingkey.ES256, due-signingkey.Lead-1); len(chain) != 1 {
		t.Fatalf("before its time there is %+v", chain[1:])
	}
	for range 2 {
		chain := rotate(t, store, secret, signingkey.ES256, due-signingkey.Lead)
		if len(chain) != 2 || chain[1].SignsAt != due || chain[1].MadeBy != audit.Server {
			t.Fatalf("there is %+v", chain)
		}
	}
	if key, err := signingkey.NewKeyRing(store, secret, signingkey.ES256).Signing(t.Context(), "", 0, due); err != nil || key.Generation != 2 {
		t.Errorf("then %+v signs, %v", key.Stored, err)
	}
}

func TestAnotherAlgorithmIsPublishedBeforeItSigns(t *testing.T) {
	store := emptyStore(t)
	secret, _ := signingkey.NewSecret()
	rotate(t, store, secret, signingkey.ES256, now)
	if key, err := signingkey.NewKeyRing(store, secret, signingkey.EdDSA).Signing(t.Context(), "", 0, now+1); err != nil || key.Algorithm != signingkey.ES256 {
		t.Fatalf("at once %s signs, %v", key.Algorithm, err)
	}
	chain := rotate(t, store, secret, signingkey.EdDSA, now+1)
	if len(chain) != 2 || chain[1].Algorithm != signingkey.EdDSA || chain[1].SignsAt != now+1+signingkey.Lead {
		t.Errorf("there is %+v", chain)
	}
}

// A key is replaced after the secret that it is sealed under: the next one is sealed
// under the new secret, and the old secret can be removed.
func TestAKeyUnderAnOldSecretIsReplaced(t *testing.T) {
	store := emptyStore(t)
	old, oldText := signingkey.NewSecret()
	fresh, freshText := signingkey.NewSecret()
	rotate(t, store, old, signingkey.ES256, now)
	both, err := signingkey.ParseSecret(freshText + "\n" + oldText)
	if err != nil {
		t.Fatal(err)
	}
	rotate(t, store, both, signingkey.ES256, now+10)
	if chain := rotate(t, store, both, signingkey.ES256, now+10+signingkey.Lead); len(chain) != 2 {
		t.Fatalf("there is %+v", chain)
	}
	const later = now + 10 + signingkey.Lead + signingkey.Keep
	if key, err := signingkey.NewKeyRing(store, fresh, signingkey.ES256).Signing(t.Context(), "", 0, later); err != nil || key.Generation != 2 {
		t.Errorf("without the old secret %+v signs, %v", key.Stored, err)
	}
}

// A key that another replica made under a secret that this one does not have yet does
// not interrupt service: this replica signs as before, reports it, and makes a next key
// that both can open.
func TestAPreparedKeyOfAnotherSecretIsPassedOver(t *testing.T) {
	store := emptyStore(t)
	old, oldText := signingkey.NewSecret()
	_, freshText := signingkey.NewSecret()
	first := rotate(t, store, old, signingkey.ES256, now)[0]
	both, err := signingkey.ParseSecret(freshText + "\n" + oldText)
	if err != nil {
		t.Fatal(err)
	}
	prepared := rotate(t, store, both, signingkey.ES256, now+10)[1]
	signs := func(secret signingkey.Secret, at int64, want signingkey.Stored, passed ...string) {
		t.Helper()
		ring := signingkey.NewKeyRing(store, secret, signingkey.ES256)
		key, err := ring.Signing(t.Context(), "", 0, at)
		if err != nil || key.ID != want.ID {
			t.Errorf("%s signs, not %s: %v", key.ID, want.ID, err)
		}
		if got := ring.PassedOver(); !slices.Equal(got, passed) {
			t.Errorf("passed over are %v, not %v", got, passed)
		}
	}
	signs(old, now+20, first, prepared.ID)
	signs(both, now+20, first)
	chain := rotate(t, store, old, signingkey.ES256, now+30)
	if len(chain) != 3 {
		t.Fatalf("there is %+v", chain)
	}
	soon, takesOver := prepared.SignsAt+5, chain[2].SignsAt
	signs(old, soon, first, prepared.ID)
	signs(both, soon, prepared)
	signs(old, takesOver, chain[2], prepared.ID)
	signs(both, takesOver, chain[2])
}

// Write access to the database allows moving rows, which has no effect.
func TestAKeyOfOneIssuerSignsForNoOther(t *testing.T) {
	secret, _ := signingkey.NewSecret()
	for name, move := range map[string]struct {
		from string
		to   func(signingkey.Stored) signingkey.Stored
	}{
		"the workspace's for an organization": {"", func(k signingkey.Stored) signingkey.Stored { k.Organization = "org_b"; return k }},
		"an organization's for another":       {"org_a", func(k signingkey.Stored) signingkey.Stored { k.Organization = "org_b"; return k }},
		"an organization's for the workspace": {"org_a", func(k signingkey.Stored) signingkey.Stored { k.Organization = ""; return k }},
		"an organization's, by its name": {"org_a", func(k signingkey.Stored) signingkey.Stored {
			k.ID, k.Organization = k.Organization+"/"+k.ID, ""
			return k
		}},
		"under another algorithm": {"", func(k signingkey.Stored) signingkey.Stored { k.Algorithm = signingkey.RS256; return k }},
	} {
		from, to := emptyStore(t), emptyStore(t)
		key, err := signingkey.NewKeyRing(from, secret, signingkey.ES256).Signing(t.Context(), move.from, 0, now)
		if err != nil {
			t.Fatal(err)
		}
		moved := move.to(key.Stored)
		if err := to.AddSigningKey(t.Context(), moved); err != nil {
			t.Fatal(err)
		}
		if got, err := signingkey.NewKeyRing(to, secret, signingkey.ES256).Signing(t.Context(), moved.Organization, 0, now); err == nil {
			t.Errorf("%s: it signs as %+v", name, got.Stored)
		}
	}
}

func TestAKeyThatWasRetiredByAClockAheadStaysSo(t *testing.T) {
	store := emptyStore(t)
	secret, _ := signingkey.NewSecret()
	ring := signingkey.NewKeyRing(store, secret, signingkey.ES256)
	stolen, err := ring.Signing(t.Context(), "", 0, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.RetireSigningKey(t.Context(), stolen.ID, audit.CommandLine, now+30); err != nil {
		t.Fatal(err)
	}
	for at := int64(now); at < now+60; at += 10 {
		rotate(t, store, secret, signingkey.ES256, at)
		if key, err := ring.Signing(t.Context(), "", at, at); err != nil || at >= now+30 && key.ID == stolen.ID {
			t.Errorf("after %d s %s signs, %v", at-now, key.ID, err)
		}
	}
}

func TestReplicasThatRotateAtOnceEndWithOneNextKey(t *testing.T) {
	store := emptyStore(t)
	secret, _ := signingkey.NewSecret()
	rotate(t, store, secret, signingkey.ES256, now)
	chain, err := store.SigningKeys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	errs := make([]error, 8)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			errs[i] = signingkey.NewKeyRing(store, secret, signingkey.ES256).Rotate(t.Context(), "", chain, 90*day, now+90*day)
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if chain, err := store.SigningKeys(t.Context(), ""); err != nil || len(chain) != 2 {
		t.Errorf("there is %+v, %v", chain, err)
	}
}
