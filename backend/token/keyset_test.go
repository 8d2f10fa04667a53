package token_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
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

// published serves a key set without a network.
type published struct {
	asked atomic.Int32
	down  atomic.Bool
	slow  atomic.Bool // answers only when the request gives up
	text  atomic.Value
}

func (p *published) RoundTrip(r *http.Request) (*http.Response, error) {
	p.asked.Add(1)
	answer := httptest.NewRecorder()
	switch text := p.text.Load(); {
	case p.slow.Load():
		<-r.Context().Done()
		return nil, r.Context().Err()
	case p.down.Load():
		http.Error(answer, "away", http.StatusBadGateway)
	case text != nil:
		fmt.Fprint(answer, text)
	default:
		fmt.Fprint(answer, publishedKey)
	}
	return answer.Result(), nil
}

func (p *published) set() *token.KeySet {
	return token.NewKeySet("https://app.example.com/jwks.json", &http.Client{Transport: p})
}

func TestAHundredThousandUnknownKeysMakeFewFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p published
		set, began := p.set(), time.Now()
		for i := range 100_000 {
			if _, err := set.PublicKey(t.Context(), fmt.Sprint("random", i)); !errors.Is(err, token.ErrUnknownKey) {
				t.Fatal(err)
			}
			if i%1000 == 0 {
				<-time.After(time.Second)
			}
		}
		// One at once, then one every ten seconds.
		if n, most := p.asked.Load(), int32(time.Since(began)/(10*time.Second))+1; n > most {
			t.Errorf("%d fetches in %v, want at most %d", n, time.Since(began), most)
		}
		if _, err := set.PublicKey(t.Context(), "not for signatures"); !errors.Is(err, token.ErrUnknownKey) {
			t.Error(err)
		}
		if _, err := set.PublicKey(t.Context(), "k1"); err != nil {
			t.Error(err)
		}
	})
}

// TestKeySet_KeyWithdrawnAgain: a key that the issuer itself names is fetched at once, and
// after a withdrawal one that a token names within a second, both in the pause that forged
// tokens bring about.
func TestKeySet_KeyWithdrawnAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p published
		v, err := token.NewVerifier(token.Config{Issuer: "https://app.example.com", Audience: "https://api.example.com", Keys: p.set()})
		if err != nil {
			t.Fatal(err)
		}
		publish := func(kid string) { p.text.Store(strings.ReplaceAll(publishedKey, "k1", kid)) }
		v.PublicKey(t.Context(), "k1")
		publish("k2")
		if _, err := v.PublicKey(t.Context(), "k2"); !errors.Is(err, token.ErrUnknownKey) {
			t.Fatalf("a token caused a fetch within the pause: %v", err)
		}
		if _, err := v.NamedKey(t.Context(), "k2"); err != nil {
			t.Errorf("the issuer named it: %v", err)
		}
		v.Withdraw("k2")
		asked := p.asked.Load()
		if _, err := v.NamedKey(t.Context(), "k2"); !errors.Is(err, token.ErrUnknownKey) || p.asked.Load() != asked {
			t.Errorf("a withdrawn key: %v after %d fetches", err, p.asked.Load()-asked)
		}
		publish("k3")
		<-time.After(time.Second)
		if _, err := v.PublicKey(t.Context(), "k3"); err != nil {
			t.Errorf("a second after a withdrawal: %v", err)
		}
		<-time.After(time.Minute)
		v.PublicKey(t.Context(), "forged")
		publish("k4")
		<-time.After(9 * time.Second)
		if _, err := v.PublicKey(t.Context(), "k4"); !errors.Is(err, token.ErrUnknownKey) {
			t.Errorf("the hurry goes on: %v", err)
		}
	})
}

func TestAKeySetOutlivesItsIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p published
		set := p.set()
		if _, err := set.PublicKey(t.Context(), "k1"); err != nil {
			t.Fatal(err)
		}
		p.down.Store(true)
		<-time.After(24 * time.Hour)
		if _, err := set.PublicKey(t.Context(), "k1"); err != nil {
			t.Errorf("with its issuer away, a known key is gone: %v", err)
		}
		p.down.Store(false)
		p.text.Store(`{"keys":[]}`)
		for range 2 { // the second time after the empty answer
			<-time.After(time.Hour)
			if _, err := set.PublicKey(t.Context(), "k1"); err != nil {
				t.Errorf("an empty answer took the keys: %v", err)
			}
			synctest.Wait()
		}
	})
}

func TestKnownKeysDoNotWaitForASlowIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p published
		set := p.set()
		set.PublicKey(t.Context(), "k1")
		p.slow.Store(true)
		<-time.After(11 * time.Minute)
		for range 100 {
			began := time.Now()
			if _, err := set.PublicKey(t.Context(), "k1"); err != nil || time.Since(began) > 0 {
				t.Fatalf("after %v: %v", time.Since(began), err)
			}
			<-time.After(time.Second)
		}
		<-time.After(time.Minute)
	})
}

func TestARetiredKeyIsForgotten(t *testing.T) {
	for _, idle := range []time.Duration{15 * time.Minute, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			var p published
			set := p.set()
			set.PublicKey(t.Context(), "k1")
			p.text.Store(strings.ReplaceAll(publishedKey, "k1", "k2"))
			<-time.After(idle)
			if idle < 20*time.Minute { // fetched in the background
				set.PublicKey(t.Context(), "k1")
				synctest.Wait()
			}
			if _, err := set.PublicKey(t.Context(), "k1"); !errors.Is(err, token.ErrUnknownKey) {
				t.Errorf("%v after it was retired: %v", idle, err)
			}
			if _, err := set.PublicKey(t.Context(), "k2"); err != nil {
				t.Errorf("%v after it was published: %v", idle, err)
			}
		})
	}
}

// TestAnIssuerThatStartsLateIsHeardSoon: a deployment starts both at the same time.
func TestAnIssuerThatStartsLateIsHeardSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p published
		p.down.Store(true)
		set := p.set()
		for range 1000 {
			if _, err := set.PublicKey(t.Context(), "k1"); err == nil {
				t.Fatal("there is a key")
			}
		}
		if n := p.asked.Load(); n != 1 {
			t.Errorf("%d fetches at once", n)
		}
		p.down.Store(false)
		<-time.After(time.Second)
		if _, err := set.PublicKey(t.Context(), "k1"); err != nil {
			t.Errorf("a second after it started: %v", err)
		}
	})
}

// TestAKeyThatCouldNotBeAskedForIsNotUnknown: the issuer may have started to sign with
// it while it was unreachable.
func TestAKeyThatCouldNotBeAskedForIsNotUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p published
		set := p.set()
		if _, err := set.PublicKey(t.Context(), "k1"); err != nil {
			t.Fatal(err)
		}
		p.text.Store(strings.ReplaceAll(publishedKey, "k1", "k2"))
		p.down.Store(true)
		<-time.After(time.Hour)
		for range 2 {
			if _, err := set.PublicKey(t.Context(), "k2"); err == nil || errors.Is(err, token.ErrUnknownKey) {
				t.Errorf("out of reach: %v", err)
			}
		}
		p.down.Store(false)
		<-time.After(time.Second)
		if _, err := set.PublicKey(t.Context(), "k2"); err != nil {
			t.Errorf("in reach again: %v", err)
		}
		if _, err := set.PublicKey(t.Context(), "k1"); !errors.Is(err, token.ErrUnknownKey) {
			t.Errorf("one that it has not: %v", err)
		}
	})
}

func TestWhoGoesAwayDoesNotSpoilTheKeysOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p published
		set := p.set()
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		set.PublicKey(gone, "k1")
		if _, err := set.PublicKey(t.Context(), "k1"); err != nil {
			t.Error(err)
		}
		if n := p.asked.Load(); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

func TestOfAKeySetOnlyWhatFixesAnAlgorithmCounts(t *testing.T) {
	const xy = `"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"`
	var p published
	p.text.Store(`{"keys":[
		{"kty":"EC","kid":"no alg","crv":"P-256",` + xy + `},
		{"kty":"EC","alg":"ES256","crv":"P-256",` + xy + `},
		{"kty":"EC","alg":"none","kid":"none","crv":"P-256",` + xy + `},
		{"kty":"oct","alg":"HS256","kid":"secret","k":"c2VjcmV0"},
		{"kty":"from the future","alg":"ES256","kid":"future"},
		{"kty":"EC","alg":"ES256","kid":"good","crv":"P-256",` + xy + `}]}`)
	set := p.set()
	for kid, good := range map[string]bool{"good": true, "no alg": false, "": false, "none": false, "secret": false, "future": false} {
		if _, err := set.PublicKey(t.Context(), kid); (err == nil) != good {
			t.Errorf("%q: %v", kid, err)
		}
	}
}

func TestAKeySetThatWasNeverHadIsAnError(t *testing.T) {
	for name, spoil := range map[string]func(*published){
		"away":    func(p *published) { p.down.Store(true) },
		"garbage": func(p *published) { p.text.Store("<html>") },
		"empty":   func(p *published) { p.text.Store(`{"keys":[]}`) },
		"long":    func(p *published) { p.text.Store(`{"keys":[` + strings.Repeat(" ", 10<<20) + `]}`) },
	} {
		t.Run(name, func(t *testing.T) {
			var p published
			spoil(&p)
			set := p.set()
			for range 2 {
				if _, err := set.PublicKey(t.Context(), "k1"); err == nil || errors.Is(err, token.ErrUnknownKey) {
					t.Errorf("an issuer that is %s: %v", name, err)
				}
			}
		})
	}
}

// TestKeySet_FollowsNoRedirect: control over redirects of the issuer's host is not
// control over its keys.
func TestKeySet_FollowsNoRedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, publishedKey) }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		host := httptest.NewServer(http.RedirectHandler(elsewhere.URL, status))
		defer host.Close()
		if _, err := token.NewKeySet(host.URL, nil).PublicKey(t.Context(), "k1"); err == nil {
			t.Errorf("%d: the keys of where it points were taken", status)
		}
		if _, err := token.NewKeySets(host.URL, nil).OrganizationKey(t.Context(), "org_acme", "k1"); err == nil {
			t.Errorf("%d: the keys of where it points were taken for an organization's", status)
		}
	}
	if _, err := token.NewKeySet(elsewhere.URL, nil).PublicKey(t.Context(), "k1"); err != nil {
		t.Errorf("the address itself: %v", err)
	}
}

// TestKeySet_IsOfAQuarterOfAMegabyteAtMost: a larger set is refused even if its keys
// are valid.
func TestKeySet_IsOfAQuarterOfAMegabyteAtMost(t *testing.T) {
	for size, good := range map[int]bool{200 << 10: true, 300 << 10: false, 10 << 20: false} {
		var p published
		p.text.Store(strings.TrimSuffix(publishedKey, "}") + strings.Repeat(" ", size) + "}")
		if _, err := p.set().PublicKey(t.Context(), "k1"); (err == nil) != good {
			t.Errorf("one of %d bytes: %v", size, err)
		}
	}
}
