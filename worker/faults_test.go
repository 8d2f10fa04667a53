//go:build !js

package main_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// faults sets the database failures of a Worker of workerd/faulty.mjs.
type faults struct{ origin string }

func (f faults) next(t *testing.T, kind string, skip int) {
	t.Helper()
	body := fmt.Sprintf(`{"kind":%q,"skip":%d}`, kind, skip)
	response, err := http.Post(f.origin+"/fault", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

const enterAcme = `{"organization":"acme","enter":true}`

func decodeToken(t *testing.T, answer httpbrowser.Response) api.TokenResponse {
	t.Helper()
	var token api.TokenResponse
	if answer.JSON(t, &token); answer.Status != http.StatusOK || token.Organization.Slug != "acme" {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	return token
}

func TestADatabaseThatFails(t *testing.T) {
	target := start(t, "workerd/faulty.mjs")
	db := faults{target.Origin}
	signedIn := func(t *testing.T) *httpbrowser.Browser {
		b := httpbrowser.New(t, target.Origin, target.PublicURL)
		b.SignIn("alice")
		return b
	}
	t.Run("whose reply is lost loses no session", func(t *testing.T) { lostReplies(t, db, signedIn) })
	t.Run("and loses the reply to a sign-out says so, until it is done", func(t *testing.T) { lostSignOut(t, db, signedIn) })
	t.Run("and loses the reply to a sign-out of one organization says so, until it is done", func(t *testing.T) { lostLeaving(t, db, signedIn) })
	t.Run("and loses replies to a sign-in lets the person start again", func(t *testing.T) { lostSignIn(t, db, target) })
	t.Run("fails a clean-up, which the next one makes up for", func(t *testing.T) {
		cron := target.Origin + "/cdn-cgi/handler/scheduled"
		db.next(t, "drop", 0)
		if r := ask(t, http.MethodGet, cron, nil); r.StatusCode != http.StatusInternalServerError {
			t.Errorf("%d", r.StatusCode)
		}
		if r := ask(t, http.MethodGet, cron, nil); r.StatusCode != http.StatusOK {
			t.Errorf("%d", r.StatusCode)
		}
	})
	t.Run("or hangs does not stop the next request", func(t *testing.T) {
		b := signedIn(t)
		db.next(t, "hang", 0)
		if got := b.Post(api.PathToken, enterAcme); got.Status != http.StatusServiceUnavailable || got.Code() != string(api.TemporarilyUnavailable) {
			t.Errorf("%d %s", got.Status, got.Body)
		}
		decodeToken(t, b.Post(api.PathToken, enterAcme))
	})
	t.Run("or is slow for a client that goes away does not stop the next request", func(t *testing.T) {
		b := signedIn(t)
		db.next(t, "slow", 0)
		abandonMint(t, target)
		decodeToken(t, b.Post(api.PathToken, enterAcme))
	})
}

// lostReplies loses the reply to each statement of a mint in turn.
func lostReplies(t *testing.T, db faults, signedIn func(*testing.T) *httpbrowser.Browser) {
	for skip := 0; ; skip++ {
		b := signedIn(t)
		before := len(b.Cookies())
		db.next(t, "drop", skip)
		answer := b.Post(api.PathToken, enterAcme)
		if answer.Status == http.StatusOK {
			db.next(t, "none", 0)
			if skip < 2 {
				t.Errorf("a mint has %d statements", skip)
			}
			return
		}
		if answer.Code() != string(api.TemporarilyUnavailable) || len(b.Cookies()) != before {
			t.Errorf("statement %d: %d %s", skip, answer.Status, answer.Body)
		}
		first := decodeToken(t, b.Post(api.PathToken, enterAcme))
		if again := decodeToken(t, b.Post(api.PathToken, enterAcme)); again.Session != first.Session {
			t.Errorf("statement %d: another session", skip)
		}
	}
}

func lostSignOut(t *testing.T, db faults, signedIn func(*testing.T) *httpbrowser.Browser) {
	b := signedIn(t)
	db.next(t, "drop", 1) // after the read
	if got := b.Post(api.PathLogout, `{"scope":"session"}`); got.Code() != string(api.TemporarilyUnavailable) || len(got.Cookies()) != 0 {
		t.Errorf("%d %s %v", got.Status, got.Body, got.Cookies())
	}
	if got := b.Post(api.PathLogout, `{"scope":"session"}`); got.Status != http.StatusOK {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	if got := b.Post(api.PathToken, enterAcme); got.Status != http.StatusUnauthorized {
		t.Errorf("%d %s", got.Status, got.Body)
	}
}

// lostLeaving loses the reply to each round trip of a sign-out of one organization.
func lostLeaving(t *testing.T, db faults, signedIn func(*testing.T) *httpbrowser.Browser) {
	const leave = `{"scope":"organization","organization":"acme"}`
	for skip := range 2 {
		b := signedIn(t)
		decodeToken(t, b.Post(api.PathToken, enterAcme))
		db.next(t, "drop", skip)
		if got := b.Post(api.PathLogout, leave); got.Code() != string(api.TemporarilyUnavailable) {
			t.Errorf("round trip %d: %d %s", skip, got.Status, got.Body)
		}
		if got := b.Post(api.PathLogout, leave); got.Status != http.StatusOK {
			t.Errorf("round trip %d, again: %d %s", skip, got.Status, got.Body)
		}
		if got := b.Post(api.PathToken, `{"organization":"acme"}`); got.Code() != string(api.OrganizationSessionExpired) {
			t.Errorf("round trip %d, a renewal: %d %s", skip, got.Status, got.Body)
		}
		decodeToken(t, b.Post(api.PathToken, enterAcme))
	}
}

func lostSignIn(t *testing.T, db faults, target contract.Target) {
	for skip := range 4 {
		b := httpbrowser.New(t, target.Origin, target.PublicURL)
		page := b.Login("")
		db.next(t, "drop", skip)
		b.Choose(page, "alice")
		db.next(t, "none", 0)
		b.SignIn("alice")
		decodeToken(t, b.Post(api.PathToken, enterAcme))
	}
}

// abandonMint begins a mint and closes the connection before the response.
func abandonMint(t *testing.T, target contract.Target) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target.PublicURL+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := http.DefaultClient.Do(r); err == nil {
		response.Body.Close()
		t.Fatal("the client waited")
	}
}
