package token_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/token"
)

const publishedKey = `{"keys":[{"kty":"EC","use":"sig","alg":"ES256","kid":"k1","crv":"P-256",
"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
{"kty":"EC","use":"enc","alg":"ES256","kid":"not for signatures","crv":"P-256",
"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`

// published serves a key set without a network; down makes it fail.
type published struct {
	asked atomic.Int32
	down  atomic.Bool
}

func (p *published) RoundTrip(r *http.Request) (*http.Response, error) {
	p.asked.Add(1)
	answer := httptest.NewRecorder()
	if p.down.Load() {
		http.Error(answer, "away", http.StatusBadGateway)
	} else {
		fmt.Fprint(answer, publishedKey)
	}
	return answer.Result(), nil
}

func TestAKeySetIsFetchedBoundedlyAndOutlivesItsIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p published
		set := token.NewKeySet("https://app.example.com/jwks.json", &http.Client{Transport: &p})
		if _, err := set.PublicKey(t.Context(), "k1"); err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			if _, err := set.PublicKey(t.Context(), "random"); !errors.Is(err, token.ErrUnknownKey) {
				t.Fatal(err)
			}
		}
		if _, err := set.PublicKey(t.Context(), "not for signatures"); !errors.Is(err, token.ErrUnknownKey) {
			t.Error(err)
		}
		if n := p.asked.Load(); n != 1 {
			t.Errorf("1000 unknown keys made %d requests", n)
		}
		p.down.Store(true)
		<-time.After(24 * time.Hour)
		if _, err := set.PublicKey(t.Context(), "k1"); err != nil {
			t.Errorf("with its issuer away, a known key is gone: %v", err)
		}
	})
}

func TestAKeySetThatWasNeverHadIsAnError(t *testing.T) {
	var p published
	p.down.Store(true)
	set := token.NewKeySet("https://app.example.com/jwks.json", &http.Client{Transport: &p})
	for range 2 {
		if _, err := set.PublicKey(t.Context(), "k1"); err == nil || errors.Is(err, token.ErrUnknownKey) {
			t.Errorf("an issuer that is away: %v", err)
		}
	}
}
