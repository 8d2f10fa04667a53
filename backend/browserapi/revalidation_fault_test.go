package browserapi_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp"
)

// lost is an answer that does not arrive.
func lost(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

// TestRevalidation_LostAnswer: a provider that accepts the replaced token for some seconds
// signs nobody out.
func TestRevalidation_LostAnswer(t *testing.T) {
	for name, grace := range map[string]time.Duration{"a grace": time.Minute, "no grace": 0} {
		t.Run(name, func(t *testing.T) {
			w := revalidating(t, nil)
			b := w.signedIn("alice")
			w.mint(b, "acme")
			w.Provider.RefreshTokens.Grace = grace
			w.Provider.RefreshTokens.Answer = onlyOnce(lost)
			w.Hosts[providerHost] = breaking(w.Provider)
			w.Pass(5 * time.Minute)
			w.mint(b, "acme")
			w.asked(2)
			if grace > 0 {
				w.Pass(5 * time.Minute)
				w.mint(b, "acme")
				w.asked(3)
				leave(w.Provider.RefreshTokens, "alice")
				w.Pass(5 * time.Minute)
				w.ended(b)
				return
			}
			w.counts(`tabard_revalidations_total{outcome="token_lost"} 1`)
			w.Pass(54 * time.Minute)
			w.mint(b, "acme")
			w.asked(2) // there is nothing to ask with
			w.Pass(2 * time.Minute)
			w.ended(b)
		})
	}
}

func onlyOnce(answer func(http.ResponseWriter, *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	done := false
	return func(w http.ResponseWriter, r *http.Request) bool {
		if done {
			return false
		}
		done = true
		return answer(w, r)
	}
}

// breaking turns an aborted answer into one that a gateway lost.
func breaking(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				w.WriteHeader(http.StatusBadGateway)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// TestRevalidation_CrashAfterTheAnswer: another mint asks with the replaced token. Within
// the provider's grace it is accepted; later nobody is signed out at once.
func TestRevalidation_CrashAfterTheAnswer(t *testing.T) {
	for name, grace := range map[string]time.Duration{"a grace": time.Minute, "no grace": 0} {
		t.Run(name, func(t *testing.T) {
			w := revalidating(t, nil)
			b := w.signedIn("alice")
			w.mint(b, "acme")
			w.Provider.RefreshTokens.Grace = grace
			// What the replica that stops has done: the lease, the use, the provider's answer.
			w.Pass(5 * time.Minute)
			w.Change(`UPDATE sessions SET revalidate_at = ?1`, w.Now().Unix()+30)
			w.Change(`UPDATE provider_tokens SET unanswered = 1`)
			w.replaceToken()
			w.mint(b, "acme")
			w.asked(1)
			w.Pass(31 * time.Second)
			w.mint(b, "acme")
			w.asked(2)
			w.Pass(20 * time.Minute)
			w.mint(b, "acme")
			if grace > 0 {
				leave(w.Provider.RefreshTokens, "alice")
				w.Pass(5 * time.Minute)
				w.ended(b)
				return
			}
			w.Pass(40 * time.Minute)
			w.ended(b)
		})
	}
}

// replaceToken spends the only provider's token at the provider.
func (w *backend) replaceToken() {
	w.Helper()
	tokens := w.Provider.RefreshTokens
	token := tokens.Current()
	form := strings.NewReader("grant_type=refresh_token&refresh_token=" + token + "&client_id=tabard&client_secret=the+client%27s+secret")
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, issuer+"/token", form)
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if answer, err := w.Hosts.RoundTrip(r); err != nil || answer.StatusCode != http.StatusOK {
		w.Fatal(answer, err)
	}
}

// TestRevalidation_StorageFault: whatever write fails, or loses its reply, nobody is signed
// out, and who leaves later is.
func TestRevalidation_StorageFault(t *testing.T) {
	prepare := func() (*backend, *lite.Faulty, *httpbrowser.Browser) {
		w := newBackend(t, nil)
		w.Provider.RefreshTokens = &idp.RefreshTokens{Grace: time.Minute}
		w.signsIn(directory.SignIn{Revalidation: fiveMinutes})
		faulty := w.Failing()
		b := w.signedIn("alice")
		w.mint(b, "acme")
		w.Pass(5 * time.Minute)
		return w, faulty, b
	}
	_, faulty, b := prepare()
	faulty.Fail(0, false)
	b.Post("/token", renews)
	calls := faulty.Calls()
	if !slices.Contains(calls, "RecordRevalidation") {
		t.Fatalf("the mint calls %v", calls)
	}
	for i, method := range calls {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, lost %t", method, lost), func(t *testing.T) {
				w, faulty, b := prepare()
				faulty.Fail(i+1, lost)
				if got := b.Post("/token", renews); got.Status != http.StatusOK && got.Status < 500 {
					t.Errorf("%d %s", got.Status, got.Body)
				}
				faulty.Fail(0, false)
				w.Pass(31 * time.Second)
				w.mint(b, "acme")
				leave(w.Provider.RefreshTokens, "alice")
				w.Pass(6 * time.Minute)
				w.ended(b)
			})
		}
	}
}

// TestRevalidation_WaitIsBounded: a mint waits for a slow provider for a few seconds, the
// others not at all, and the answer counts when it comes.
func TestRevalidation_WaitIsBounded(t *testing.T) {
	w := revalidating(t, nil)
	b := w.signedIn("alice")
	w.mint(b, "acme")
	release := make(chan struct{})
	w.Provider.RefreshTokens.Answer = func(http.ResponseWriter, *http.Request) bool { <-release; return false }
	w.Pass(5 * time.Minute)
	began := time.Now()
	w.mint(b, "acme")
	if waited := time.Since(began); waited < 2*time.Second || waited > 8*time.Second {
		t.Errorf("the mint waited %v", waited)
	}
	for range 20 {
		w.mint(b, "acme")
	}
	w.asked(1)
	close(release)
	for w.Count(fmt.Sprintf(`SELECT COUNT(*) FROM sessions WHERE revalidate_at = %d`, w.Now().Unix()+300)) == 0 {
		<-time.After(10 * time.Millisecond)
	}
	leave(w.Provider.RefreshTokens, "alice")
	w.Pass(5 * time.Minute)
	w.ended(b)
}
