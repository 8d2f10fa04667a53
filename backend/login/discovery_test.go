package login_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// hangingProvider is a provider that does not answer at one path, and counts the requests
// there.
type hangingProvider struct {
	*logintest.Provider
	path string

	mu               sync.Mutex
	asked, out, most int
}

func (h *hangingProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != h.path {
		h.Provider.ServeHTTP(w, r)
		return
	}
	h.mu.Lock()
	h.asked++
	h.out++
	h.most = max(h.most, h.out)
	h.mu.Unlock()
	<-r.Context().Done()
	h.mu.Lock()
	h.out--
	h.mu.Unlock()
}

// TestProvider_ForgedLogoutTokensShareRequest checks that unauthenticated tokens do not
// each hold a connection to a hanging provider.
func TestProvider_ForgedLogoutTokensShareRequest(t *testing.T) {
	for _, path := range []string{"/.well-known/openid-configuration", "/jwks.json"} {
		synctest.Test(t, func(t *testing.T) {
			p := &hangingProvider{Provider: provider(t), path: path}
			c, began := client(p), time.Now()
			forged := logintest.New(t, issuer).LogoutToken("logout+jwt", nil)
			for range 3 {
				var all sync.WaitGroup
				for range 200 {
					all.Go(func() {
						if _, err := c.ReadLogoutToken(t.Context(), forged, now); !errors.Is(err, login.ErrUnavailable) {
							t.Errorf("%s: %v", path, err)
						}
					})
				}
				all.Wait()
			}
			failed := time.Now()
			for range 100 {
				c.ReadLogoutToken(t.Context(), forged, now)
			}
			if took := time.Since(failed); took > 0 {
				t.Errorf("%s: right after it failed it was asked again, for %v", path, took)
			}
			if most := int(time.Since(began)/(10*time.Second)) + 1; p.most != 1 || p.asked > most {
				t.Errorf("%s: asked %d times in %v, %d at once", path, p.asked, time.Since(began), p.most)
			}
			time.Sleep(time.Minute) // let requests in progress end
		})
	}
}

// TestProvider_HangingHoldsFewConnections checks that callbacks with arbitrary codes do
// not hold all connections to a hanging provider.
func TestProvider_HangingHoldsFewConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &hangingProvider{Provider: provider(t), path: "/token"}
		c, began := client(p), time.Now()
		attempt := login.NewAttempt("web", "https://app.example/", now)
		var all sync.WaitGroup
		for range 500 {
			all.Go(func() {
				_, err := c.Identify(t.Context(), attempt, url.Values{"code": {"guess"}, "iss": {issuer}}, now)
				if !errors.Is(err, login.ErrUnavailable) || time.Since(began) > 10*time.Second {
					t.Errorf("after %v: %v", time.Since(began), err)
				}
			})
		}
		all.Wait()
		if p.most > 32 {
			t.Errorf("%d requests were under way at once", p.most)
		}
		p.path = ""
		for range 100 { // all slots are free again
			if _, err := signInAt(t, c, p.Provider, nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestProvider_DiscoveryOutlivesCaller checks that other callers get the result after
// the first one has disconnected.
func TestProvider_DiscoveryOutlivesCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := provider(t)
		c := client(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(time.Second):
				p.ServeHTTP(w, r)
			case <-r.Context().Done():
				w.WriteHeader(http.StatusBadGateway)
			}
		}))
		gone, cancel := context.WithCancel(t.Context())
		go c.AuthorizationURL(gone, login.NewAttempt("web", "https://app.example/", now), login.Request{})
		synctest.Wait()
		second := make(chan error)
		go func() {
			_, err := c.AuthorizationURL(t.Context(), login.NewAttempt("web", "https://app.example/", now), login.Request{})
			second <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-second; err != nil {
			t.Error(err)
		}
	})
}
