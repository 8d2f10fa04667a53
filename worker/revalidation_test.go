//go:build !js

package main_test

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/web-demo/idp"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// TestRevalidation_OnD1: on the Worker mints ask a provider about their sessions, each once
// in the interval; who has left is out, and nobody else; a provider that hangs is asked once about
// each session and holds no mint up for long.
func TestRevalidation_OnD1(t *testing.T) {
	port := ports.Hold(t)
	origin := fmt.Sprintf("http://localhost:%d", port)
	var left atomic.Bool
	tokens := &idp.RefreshTokens{Refuse: func(sub string) bool { return sub == "bob" && left.Load() }}
	provider := &hangingProvider{released: make(chan struct{}), asked: make(chan struct{}, 1)}
	issuer := refreshing(t, origin+"/auth", tokens, func(own http.Handler) http.Handler {
		provider.Handler = own
		return provider
	})
	desired := contract.Desired(issuer, origin)
	desired.Workspace.SignIn.Revalidation = directory.Revalidation{Revalidate: 1, RevalidateGrace: 3600}
	variables := workerd.Variables(origin+"/auth", issuer, contract.ClientID, contract.ClientSecret)
	workerd.Start(t, workerd.Options{Port: port, Variables: variables, Desired: desired})
	signedIn := func(person string) (all []*httpbrowser.Browser) {
		for range 6 {
			b := httpbrowser.New(t, origin, origin+"/auth")
			b.SignIn(person)
			all = append(all, b)
		}
		return all
	}
	began := time.Now()
	alice, bob := signedIn("alice"), signedIn("bob")
	mintAll(t, append(alice, bob...), 3)
	if asked, most := len(tokens.Asked()), 12*(2+int(time.Since(began)/time.Second)); asked > most {
		t.Errorf("the provider was asked %d times about 12 sessions, of which at most %d are due", asked, most)
	}
	left.Store(true)
	deadline := time.After(2 * time.Minute)
	for _, b := range bob {
		for out := false; !out; {
			select {
			case <-deadline:
				t.Fatal("a session of a person who has left goes on")
			case <-time.After(time.Second):
				out = b.Post("/token", `{"organization":"acme"}`).Status == http.StatusUnauthorized
			}
		}
	}
	provider.on.Store(true)
	mintAll(t, alice, 3)
	if provider.most > len(alice) {
		t.Errorf("the provider was asked %d times at once about %d sessions", provider.most, len(alice))
	}
	close(provider.released)
}

// mintAll has each browser mint so many times, all browsers at once.
func mintAll(t *testing.T, browsers []*httpbrowser.Browser, rounds int) {
	t.Helper()
	var all sync.WaitGroup
	for _, b := range browsers {
		all.Go(func() {
			for range rounds {
				if got := b.Post("/token", `{"organization":"acme","enter":true}`); got.Status != http.StatusOK {
					t.Errorf("%d %s", got.Status, got.Body)
				}
			}
		})
	}
	all.Wait()
}

// refreshing starts a provider that issues refresh tokens, behind what is put around it.
func refreshing(t *testing.T, publicURL string, tokens *idp.RefreshTokens, around func(http.Handler) http.Handler) (issuer string) {
	t.Helper()
	return startProvider(t, publicURL, &idp.Quirks{RefreshTokens: tokens}, around)
}

// startProvider starts a provider of alice and bob, behind what is put around it.
func startProvider(t *testing.T, publicURL string, quirks *idp.Quirks, around func(http.Handler) http.Handler) (issuer string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	issuer = "http://" + listener.Addr().String()
	provider, err := idp.NewWithQuirks(idp.Config{
		Issuer: issuer, ClientID: contract.ClientID, ClientSecret: contract.ClientSecret,
		RedirectURIs: []string{publicurl.Callback(publicURL)}, People: []idp.Person{{Subject: "alice", Name: "Alice"}, {Subject: "bob", Name: "Bob"}},
	}, quirks)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: around(provider)}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return issuer
}
