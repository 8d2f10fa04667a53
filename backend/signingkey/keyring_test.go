package signingkey_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

const now = 1_800_000_000

func emptyStore(t *testing.T) *sqlstore.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "keys.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// An independent reader of key sets (RFC 7517) verifies with every published key.
func TestEveryAlgorithmsKeyIsPublishedAsItSigns(t *testing.T) {
	secret, _ := signingkey.NewSecret()
	for _, algorithm := range []signingkey.Algorithm{signingkey.ES256, signingkey.EdDSA, signingkey.RS256} {
		t.Run(string(algorithm), func(t *testing.T) {
			ring := signingkey.NewKeyRing(emptyStore(t), secret, algorithm)
			key, err := ring.Signing(t.Context(), "", 0, now)
			if err != nil {
				t.Fatal(err)
			}
			if key.Algorithm != algorithm || key.Generation != 1 || key.CreatedAt != now {
				t.Errorf("the key is %+v", key)
			}
			public := published(t, ring, key.ID)
			if public.Algorithm().String() != string(algorithm) || public.KeyUsage() != "sig" {
				t.Errorf("it is published for %s, use %q", public.Algorithm(), public.KeyUsage())
			}
			verify(t, key, public)
		})
	}
}

// published returns what the ring publishes under an id, as jwx reads it.
func published(t *testing.T, ring *signingkey.KeyRing, id string) jwk.Key {
	t.Helper()
	all, err := ring.Published(t.Context(), "", now)
	if err != nil {
		t.Fatal(err)
	}
	set, err := signingkey.Publish(all)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), `"d"`) {
		t.Fatal("a private part is published")
	}
	read, err := jwk.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	key, ok := read.LookupKeyID(id)
	if !ok {
		t.Fatalf("key %s is not published", id)
	}
	if err := key.Validate(); err != nil {
		t.Fatal(err)
	}
	return key
}

func verify(t *testing.T, key signingkey.Key, public jwk.Key) {
	t.Helper()
	var raw any
	if err := public.Raw(&raw); err != nil {
		t.Fatal(err)
	}
	method := jwt.GetSigningMethod(string(key.Algorithm))
	signature, err := method.Sign("signed", key.Private)
	if err != nil {
		t.Fatal(err)
	}
	if err := method.Verify("signed", signature, raw); err != nil {
		t.Error(err)
	}
	if err := method.Verify("another", signature, raw); err == nil {
		t.Error("the signature is of any text")
	}
}

func TestReplicasThatStartTogetherEndWithOneKey(t *testing.T) {
	store := emptyStore(t)
	secret, _ := signingkey.NewSecret()
	const replicas = 8
	ids := make([]string, replicas)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range replicas {
		done.Go(func() {
			start.Wait()
			key, err := signingkey.NewKeyRing(store, secret, signingkey.ES256).Signing(context.Background(), "", 0, now)
			if err != nil {
				t.Error(err)
			}
			ids[i] = key.ID
		})
	}
	start.Done()
	done.Wait()
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Fatalf("the replicas sign with %v", ids)
		}
	}
}

// racing is a store in which another replica adds its key between this one's read and
// write.
type racing struct {
	signingkey.Store
	other func()
}

func (r racing) AddSigningKey(ctx context.Context, k signingkey.Stored) error {
	r.other()
	return r.Store.AddSigningKey(ctx, k)
}

func TestAReplicaThatComesSecondTakesTheFirstOnesKey(t *testing.T) {
	store := emptyStore(t)
	secret, _ := signingkey.NewSecret()
	var first signingkey.Key
	second, err := signingkey.NewKeyRing(racing{store, func() {
		var err error
		if first, err = signingkey.NewKeyRing(store, secret, signingkey.ES256).Signing(t.Context(), "", 0, now); err != nil {
			t.Error(err)
		}
	}}, secret, signingkey.ES256).Signing(t.Context(), "", 0, now)
	if err != nil || second.ID != first.ID || first.ID == "" {
		t.Errorf("one signs with %q, the other with %q: %v", first.ID, second.ID, err)
	}
}

func TestAKeyUnderAMissingSecretIsAClearErrorAndStays(t *testing.T) {
	store := emptyStore(t)
	lost, _ := signingkey.NewSecret()
	key, err := signingkey.NewKeyRing(store, lost, signingkey.ES256).Signing(t.Context(), "", 0, now)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := signingkey.NewSecret()
	_, err = signingkey.NewKeyRing(store, other, signingkey.ES256).Signing(t.Context(), "", 0, now)
	if !errors.Is(err, signingkey.ErrSealed) || !strings.Contains(err.Error(), key.ID) ||
		!strings.Contains(err.Error(), "the secret that it was sealed under is missing") {
		t.Errorf("the error is %v", err)
	}
	if stored, err := store.SigningKeys(t.Context(), ""); err != nil || len(stored) != 1 {
		t.Errorf("%d keys are stored, not the one: %v", len(stored), err)
	}
}

func TestAReplacedSecretStillOpensTheSigningKeys(t *testing.T) {
	store := emptyStore(t)
	old, oldText := signingkey.NewSecret()
	_, freshText := signingkey.NewSecret()
	key, err := signingkey.NewKeyRing(store, old, signingkey.ES256).Signing(t.Context(), "", 0, now)
	if err != nil {
		t.Fatal(err)
	}
	both, err := signingkey.ParseSecret(freshText + "\n" + oldText)
	if err != nil {
		t.Fatal(err)
	}
	again, err := signingkey.NewKeyRing(store, both, signingkey.ES256).Signing(t.Context(), "", 0, now)
	if err != nil || again.ID != key.ID {
		t.Errorf("signs with %q, not %q: %v", again.ID, key.ID, err)
	}
}

func TestAStoredKeyOpensUnderItsOwnIDOnly(t *testing.T) {
	store := emptyStore(t)
	secret, _ := signingkey.NewSecret()
	ring := signingkey.NewKeyRing(store, secret, signingkey.ES256)
	if _, err := ring.Signing(t.Context(), "", 0, now); err != nil {
		t.Fatal(err)
	}
	stored, err := store.SigningKeys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	copied := stored[0]
	copied.ID = "renamed"
	copied.Generation, copied.SignsAt = 2, now+1
	if err := store.AddSigningKey(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{now, now + 1, now + signingkey.Keep} { // it is passed over
		signing, err := signingkey.NewKeyRing(store, secret, signingkey.ES256).Signing(t.Context(), "", 0, at)
		if err != nil || signing.ID != stored[0].ID {
			t.Errorf("%s signs, %v", signing.ID, err)
		}
		published, err := signingkey.NewKeyRing(store, secret, signingkey.ES256).Published(t.Context(), "", at)
		if err != nil || len(published) != 1 || published[0].ID != stored[0].ID {
			t.Errorf("published are %+v, %v", published, err)
		}
	}
	if _, err := signingkey.NewKeyRing(store, secret, signingkey.ES256).Signing(t.Context(), "", 0, now+1+signingkey.Keep); !errors.Is(err, signingkey.ErrSealed) {
		t.Errorf("a key opens under another's id: %v", err)
	}
}

func TestLookingAtTheStoredKeysMakesNone(t *testing.T) {
	store := emptyStore(t)
	secret, _ := signingkey.NewSecret()
	for range 2 {
		if stored, err := signingkey.NewKeyRing(store, secret, signingkey.ES256).Stored(t.Context(), "", now); err != nil || len(stored) != 0 {
			t.Errorf("%d keys, %v", len(stored), err)
		}
	}
}

// silent is a store that does not answer.
type silent struct{ signingkey.Store }

func (silent) SigningKeys(context.Context, string) (signingkey.Chain, error) {
	return nil, errors.New("no answer")
}

func TestAStoreThatDoesNotAnswerMakesNoKey(t *testing.T) {
	secret, _ := signingkey.NewSecret()
	if _, err := signingkey.NewKeyRing(silent{}, secret, signingkey.ES256).Signing(t.Context(), "", 0, now); err == nil {
		t.Error("signs with a key that nobody else knows")
	}
}

// TestServed_KeyOfAnEmergency: what APIs fetch of one replica has the key that another made in
// place of a compromised one a second ago, and outlives a store that does not answer.
func TestServed_KeyOfAnEmergency(t *testing.T) {
	store := &quietStore{Store: emptyStore(t)}
	secret, _ := signingkey.NewSecret()
	one, other := signingkey.NewKeyRing(store, secret, signingkey.ES256), signingkey.NewKeyRing(store, secret, signingkey.ES256)
	first, err := one.Signing(t.Context(), "", 1, now)
	if err != nil {
		t.Fatal(err)
	}
	served := func(now int64) (ids []string) {
		all, err := other.Served(t.Context(), "", now)
		if err != nil {
			t.Error(err)
		}
		for _, key := range all {
			ids = append(ids, key.ID)
		}
		return ids
	}
	if got := served(now + 1); !slices.Equal(got, []string{first.ID}) {
		t.Errorf("at first: %v", got)
	}
	if retired, err := store.RetireSigningKey(t.Context(), first.ID, "test", now+1); err != nil || !retired {
		t.Fatal(retired, err)
	}
	second, err := one.Signing(t.Context(), "", 2, now+1)
	if err != nil {
		t.Fatal(err)
	}
	if got := served(now + 2); !slices.Equal(got, []string{second.ID}) {
		t.Errorf("a second later: %v, want %s", got, second.ID)
	}
	store.quiet = true
	if got := served(now + 30); !slices.Equal(got, []string{second.ID}) {
		t.Errorf("without the store: %v", got)
	}
}

// quietStore is a store that may not answer.
type quietStore struct {
	*sqlstore.Store
	quiet bool
}

func (s *quietStore) SigningKeys(ctx context.Context, organization string) (signingkey.Chain, error) {
	if s.quiet {
		return nil, errors.New("no answer")
	}
	return s.Store.SigningKeys(ctx, organization)
}

func TestAlgorithmsAreNamedExactly(t *testing.T) {
	for _, name := range []string{"ES256", "EdDSA", "RS256"} {
		if a, err := signingkey.ParseAlgorithm(name); err != nil || string(a) != name {
			t.Errorf("%s: %v, %v", name, a, err)
		}
	}
	for _, name := range []string{"", "none", "HS256", "es256", "ES384"} {
		if _, err := signingkey.ParseAlgorithm(name); err == nil || !strings.Contains(err.Error(), "ES256, EdDSA or RS256") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
