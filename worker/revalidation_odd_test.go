//go:build !js

package main_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/web-demo/idp"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// oddRefreshes answers refreshes as providers and what is before them do in bad hours.
type oddRefreshes struct {
	http.Handler
	mu     sync.Mutex
	answer http.HandlerFunc // nil is the provider's own
	asked  chan struct{}
}

func (o *oddRefreshes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	answer := o.answer
	o.mu.Unlock()
	if answer == nil || r.URL.Path != "/token" {
		answer = o.Handler.ServeHTTP
	}
	if answer(w, r); r.URL.Path != "/token" {
		return
	}
	select {
	case o.asked <- struct{}{}:
	default:
	}
}

// set changes the answer and forgets that the provider was asked.
func (o *oddRefreshes) set(answer http.HandlerFunc) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = answer
	select {
	case <-o.asked:
	default:
	}
}

// TestRevalidation_OddAnswersOnD1: no answer but a refusal signs a person out, whatever the
// platform's fetch makes of it.
func TestRevalidation_OddAnswersOnD1(t *testing.T) {
	t.Parallel()
	port := ports.Hold(t)
	origin := fmt.Sprintf("http://localhost:%d", port)
	odd := &oddRefreshes{asked: make(chan struct{}, 1)}
	issuer := refreshing(t, origin+"/auth", &idp.RefreshTokens{}, func(own http.Handler) http.Handler {
		odd.Handler = own
		return odd
	})
	desired := contract.Desired(issuer, origin)
	desired.Workspace.SignIn.Revalidation = directory.Revalidation{Revalidate: 1, RevalidateGrace: 3600}
	workerd.Start(t, workerd.Options{Port: port, Variables: workerd.Variables(origin+"/auth", issuer, contract.ClientID, contract.ClientSecret), Desired: desired})
	b := httpbrowser.New(t, origin, origin+"/auth")
	b.SignIn("alice")
	b.Post("/token", `{"organization":"acme","enter":true}`)
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
	}{
		{"a page", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<html>maintenance</html>")
		}},
		{"to itself", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/token", http.StatusTemporaryRedirect)
		}},
		{"to a login page", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }},
		{"cut off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, `{"access_token":`)
		}},
		{"far too large", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"access_token":"`+strings.Repeat("a", 20<<20)+`"}`)
		}},
		{"a refusal of the client", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			io.WriteString(w, `{"error":"invalid_client"}`)
		}},
	} {
		odd.set(c.answer)
		if !mintsUntil(t, b, odd.asked) {
			t.Fatalf("%s: signed out", c.name)
		}
	}
	odd.set(nil) // a refusal after an answer that was lost proves nothing
	if !mintsUntil(t, b, odd.asked) {
		t.Fatal("the provider's own answer: signed out")
	}
	odd.set(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"error":"invalid_grant"}`)
	})
	if mintsUntil(t, b, odd.asked) {
		t.Error("a refusal ends nothing")
	}
}

// mintsUntil mints every half second until the provider was asked and once more after it, and
// reports whether the session goes on.
func mintsUntil(t *testing.T, b *httpbrowser.Browser, asked <-chan struct{}) bool {
	t.Helper()
	deadline, tick := time.After(2*time.Minute), time.NewTicker(time.Second/2)
	defer tick.Stop()
	for heard := false; ; {
		got := b.Post("/token", `{"organization":"acme"}`)
		switch {
		case got.Status == http.StatusUnauthorized:
			return false
		case got.Status != http.StatusOK:
			t.Errorf("%d %s", got.Status, got.Body)
		case heard:
			return true
		}
		select {
		case <-asked:
			heard = true
		case <-tick.C:
		case <-deadline:
			t.Fatal("the provider is not asked")
		}
	}
}
