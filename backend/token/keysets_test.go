package token_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/token"
)

// issuers serves the key sets of the named organizations, without a network.
type issuers struct {
	mu    sync.Mutex
	there map[string]bool // by the path of the set
	asked int
	takes time.Duration

	out, most int // concurrent fetches
}

func (i *issuers) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked++
	i.out++
	i.most = max(i.most, i.out)
	i.mu.Unlock()
	time.Sleep(i.takes) // in synctest's clock
	i.mu.Lock()
	i.out--
	answer := httptest.NewRecorder()
	if i.there[r.URL.String()] {
		fmt.Fprint(answer, publishedKey)
	} else {
		http.NotFound(answer, r)
	}
	return answer.Result(), nil
}

func (i *issuers) have(url string, there bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.there = map[string]bool{url: there}
}

const acmeKeys = issuer + "/o/org_acme/.well-known/jwks.json"

func TestAnOrganizationsKeysEndWithItsIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var i issuers
		sets := token.NewKeySets(issuer, &http.Client{Transport: &i})
		known := func(organization string) error {
			_, err := sets.OrganizationKey(t.Context(), organization, "k1")
			return err
		}
		i.have(acmeKeys, true)
		if err := known("org_acme"); err != nil {
			t.Errorf("its key: %v", err)
		}
		if err := known("org_globex"); !errors.Is(err, token.ErrUnknownKey) {
			t.Errorf("the key of an organization that is no issuer: %v", err)
		}
		i.have(acmeKeys, false)
		time.Sleep(10 * time.Minute) // in synctest's clock
		known("org_acme")
		synctest.Wait()
		if err := known("org_acme"); !errors.Is(err, token.ErrUnknownKey) {
			t.Errorf("a key whose issuer has ended: %v", err)
		}
	})
}

// TestAHundredThousandOrganizationsMadeUpMakeFewFetches: they arrive faster than the
// issuer answers.
func TestAHundredThousandOrganizationsMadeUpMakeFewFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := issuers{takes: 100 * time.Millisecond}
		i.have(acmeKeys, true)
		sets := token.NewKeySets(issuer, &http.Client{Transport: &i})
		known := func(organization string) error {
			_, err := sets.OrganizationKey(t.Context(), organization, "k1")
			return err
		}
		if err := known("org_acme"); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for n := range 100_000 {
			all.Go(func() { known(fmt.Sprint("org_", n)) })
			if n%5000 == 0 {
				time.Sleep(time.Second)
				if err := known("org_acme"); err != nil {
					t.Errorf("one that was known: %v", err)
				}
			}
		}
		all.Wait()
		if i.most > 16 || i.asked > 30*16*10 {
			t.Errorf("%d fetches within 20 s, %d at once", i.asked, i.most)
		}
		if err := known("org_late"); !errors.Is(err, token.ErrUnknownKey) {
			t.Errorf("one that comes late: %v", err)
		}
	})
}

func TestAnIssuerNamesAnOrganizationByItsIDAlone(t *testing.T) {
	key, public := newKey(t)
	ring := keyRing{"k1": public}
	v, err := token.NewVerifier(token.Config{
		Issuer: issuer, Audience: audience, Keys: keyRing{}, Organizations: everybodys{ring}, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		issuer, organization string
		want                 token.Reason
	}{
		{issuer + "/o/org_acme", "org_acme", ""},
		{issuer + "/o/org_acme", "org_globex", token.WrongIssuer},
		{issuer + "/o/org_acme/", "org_acme", token.WrongIssuer},
		{issuer + "/o/acme", "acme", token.WrongIssuer},
		{issuer + "/o/org_a/../org_b", "org_a/../org_b", token.WrongIssuer},
		{issuer + "/o/org_a?", "org_a?", token.WrongIssuer},
		{issuer + "/o/org_a%2f", "org_a%2f", token.WrongIssuer},
		{"https://evil.example/o/org_acme", "org_acme", token.WrongIssuer},
		{issuer, "org_acme", token.UnknownKey},
	} {
		c := claims()
		c.Issuer, c.OrganizationID = test.issuer, test.organization
		_, err := v.Verify(t.Context(), sign(t, c, key))
		refusedFor(t, err, test.want)
	}
}

// everybodys are keys that every organization has.
type everybodys struct{ keyRing }

func (k everybodys) OrganizationKey(ctx context.Context, _, kid string) (token.PublicKey, error) {
	return k.PublicKey(ctx, kid)
}
