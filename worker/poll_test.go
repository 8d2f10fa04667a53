//go:build !js

package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// polled is the answer to a poll of the feed.
type polled struct {
	status int
	Sets   map[string]string
	After  int64
	took   time.Duration
}

func pollFeed(t *testing.T, target contract.Target, body string) (p polled) {
	began := time.Now()
	request, err := http.NewRequestWithContext(t.Context(), "POST", target.PublicURL+"/events/poll", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return p
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+target.Keys["events"])
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return p
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&p); err != nil {
		t.Error(err)
	}
	p.status, p.took = answer.StatusCode, time.Since(began)
	return p
}

// TestPoll_WaitsOutsideOfTheProgram: polls of the feed that wait, more of them than the
// program has instances, keep no other request waiting, and hear the next ending.
func TestPoll_WaitsOutsideOfTheProgram(t *testing.T) {
	target := start(t, "entry.mjs")
	b := httpbrowser.New(t, target.Origin, target.PublicURL)
	b.SignIn("alice")
	if answer := b.Post("/token", `{"organization":"acme","enter":true}`); answer.Status != 200 {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	now := pollFeed(t, target, `{"returnImmediately":true}`)
	const polls = 10
	answers := make(chan polled, polls)
	for range polls {
		go func() { answers <- pollFeed(t, target, fmt.Sprintf(`{"after":%d}`, now.After)) }()
	}
	began := time.Now()
	for range 3 {
		if answer := b.Post("/token", `{"organization":"acme"}`); answer.Status != 200 {
			t.Fatalf("while polls wait: %d %s", answer.Status, answer.Body)
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("while polls wait, three mints took %v", took)
	}
	if len(answers) > 0 {
		t.Errorf("a poll was answered without an ending: %+v", <-answers)
	}
	if answer := b.Post("/logout", `{"scope":"session"}`); answer.Status != 200 {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	ended := time.Now()
	for range polls {
		if p := <-answers; p.status != 200 || len(p.Sets) != 1 || p.After <= now.After {
			t.Errorf("%+v", p)
		}
	}
	t.Logf("%d polls heard the ending within %v", polls, time.Since(ended))
	if p := pollFeed(t, target, `{"maxEvents":0}`); p.status != 200 || p.took > 3*time.Second {
		t.Errorf("a poll for nothing: %+v", p)
	}
}

// TestPoll_DistantDatabase has a follower hear the endings of a Worker whose database is
// 200 ms away.
func TestPoll_DistantDatabase(t *testing.T) {
	const distance = 200 * time.Millisecond
	target := startAt(t, "workerd/distant.mjs", int(distance/time.Millisecond))
	verifier, err := token.NewVerifier(token.Config{
		Issuer: target.PublicURL, Audience: target.Origin + "/api", Keys: token.NewKeySet(target.PublicURL+"/.well-known/jwks.json", nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	follower, err := resource.Follow(t.Context(), resource.FollowConfig{Verifier: verifier, Key: target.Keys["events"]})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		b := httpbrowser.New(t, target.Origin, target.PublicURL)
		b.SignIn("alice")
		var minted api.TokenResponse
		b.Post("/token", `{"organization":"acme","enter":true}`).JSON(t, &minted)
		claims, err := verifier.Inspect(t.Context(), minted.AccessToken)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if answer := b.Post("/logout", `{"scope":"session"}`); answer.Status != 200 {
			t.Fatalf("%d %s", answer.Status, answer.Body)
		}
		answered := time.Now()
		for tick := time.NewTicker(5 * time.Millisecond); !follower.Ended(t.Context(), claims); <-tick.C {
			if time.Since(answered) > 20*time.Second {
				t.Fatal("the ending is not heard")
			}
		}
		heard := time.Since(answered)
		t.Logf("ending %d: answered after %v, heard %v later", i, answered.Sub(began), heard)
		if heard > 15*distance { // a poll that hears nothing waits for longer
			t.Errorf("ending %d is heard %v later", i, heard)
		}
	}
}
