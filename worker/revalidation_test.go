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

// TestRevalidation_OnD1: on the Worker mints ask a provider about their sessions, one at a
// time of each, at most two at once; a provider that hangs holds no mint up for long, and
// who has left is out.
func TestRevalidation_OnD1(t *testing.T) {
	const sessions = 12
	port := ports.Hold(t)
	origin := fmt.Sprintf("http://localhost:%d", port)
	tokens := &idp.RefreshTokens{Grace: time.Minute}
	var left atomic.Bool
	tokens.Refuse = func(string) bool { return left.Load() }
	provider := &hangingProvider{released: make(chan struct{}), asked: make(chan struct{}, 1)}
	issuer := refreshing(t, origin+"/auth", tokens, provider)
	desired := contract.Desired(issuer, origin)
	desired.Workspace.SignIn.Revalidation = directory.Revalidation{Revalidate: 1, RevalidateGrace: 3600}
	variables := workerd.Variables(origin+"/auth", issuer, contract.ClientID, contract.ClientSecret)
	workerd.Start(t, workerd.Options{Port: port, Variables: variables, Desired: desired})

	browsers := make([]*httpbrowser.Browser, sessions)
	for i := range browsers {
		browsers[i] = httpbrowser.New(t, origin, origin+"/auth")
		browsers[i].SignIn("alice")
	}
	began := time.Now()
	mintAll(t, browsers, 3, http.StatusOK)
	if asked, most := len(tokens.Asked()), sessions*(2+int(time.Since(began)/time.Second)); asked > most {
		t.Errorf("the provider was asked %d times about %d sessions, at most %d are due", asked, sessions, most)
	}
	provider.on.Store(true)
	mintAll(t, browsers, 3, http.StatusOK)
	if provider.most > 4 { // two at a time; the provider may not have heard yet of the two that were given up
		t.Errorf("%d instances hung at the provider", provider.most)
	}
	provider.on.Store(false)
	close(provider.released)
	left.Store(true)
	deadline := time.After(2 * time.Minute)
	for _, b := range browsers {
		for out := false; !out; {
			select {
			case <-deadline:
				t.Fatal("a session of a person who has left goes on")
			case <-time.After(time.Second):
				out = b.Post("/token", `{"organization":"acme"}`).Status == http.StatusUnauthorized
			}
		}
	}
}

// mintAll has each browser mint so many times, all browsers at once.
func mintAll(t *testing.T, browsers []*httpbrowser.Browser, rounds, status int) {
	t.Helper()
	var all sync.WaitGroup
	for _, b := range browsers {
		all.Go(func() {
			for range rounds {
				if got := b.Post("/token", `{"organization":"acme","enter":true}`); got.Status != status {
					t.Errorf("%d %s", got.Status, got.Body)
				}
			}
		})
	}
	all.Wait()
}

// refreshing starts a provider that issues refresh tokens, behind one that can hang.
func refreshing(t *testing.T, publicURL string, tokens *idp.RefreshTokens, around *hangingProvider) (issuer string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	issuer = "http://" + listener.Addr().String()
	around.Handler, err = idp.NewWithQuirks(idp.Config{
		Issuer: issuer, ClientID: contract.ClientID, ClientSecret: contract.ClientSecret,
		RedirectURIs: []string{publicurl.Callback(publicURL)}, People: []idp.Person{{Subject: "alice", Name: "Alice"}},
	}, &idp.Quirks{RefreshTokens: tokens})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: around}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return issuer
}
