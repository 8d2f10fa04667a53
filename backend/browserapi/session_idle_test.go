package browserapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// idleRule sets the workspace's session_idle.
func idleRule(w *backend, limit time.Duration) {
	w.Helper()
	w.rule(map[string]policy.Rules{"": {SessionIdle: int64(limit / time.Second), SessionAge: policy.MaxSessionAge}})
}

func TestSessionIdle_UnusedSessionIsRefused(t *testing.T) {
	for name, device := range map[string]func() *httpbrowser.Device{
		"without a key": func() *httpbrowser.Device { return nil },
		"with a key":    func() *httpbrowser.Device { return httpbrowser.NewDevice(t) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			idleRule(w, 8*time.Hour)
			b := w.browser()
			if d := device(); d != nil {
				b = b.On(d)
			}
			w.signIn(b, "alice")
			w.mint(b, "acme")
			w.Pass(8 * time.Hour)
			w.mint(b, "acme")
			w.Pass(8*time.Hour + time.Second)
			answer := b.Post("/token", renews)
			w.wants(answer, http.StatusUnauthorized, api.SessionExpired)
			if len(cleared(answer)) != 1 || len(sessionCookies(b)) != 0 {
				t.Errorf("the browser keeps %v", sessionCookies(b))
			}
		})
	}
}

// TestSessionIdle_ReadingDoesNotCount checks that only a mint, which redeems the
// refresh token, counts as use.
func TestSessionIdle_ReadingDoesNotCount(t *testing.T) {
	w := newBackend(t, nil)
	idleRule(w, time.Hour)
	b := w.signedIn("alice")
	w.mint(b, "acme")
	for range 3 {
		w.Pass(20 * time.Minute)
		if got := b.Get("/session"); got.Status != http.StatusOK {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
	}
	w.Pass(time.Second)
	w.wants(b.Get("/sessions"), http.StatusUnauthorized, api.SessionExpired)
}

// TestSessionIdle_UsedSessionLives checks that a mint counts as use even if it writes
// no row.
func TestSessionIdle_UsedSessionLives(t *testing.T) {
	for _, limit := range []time.Duration{15 * time.Minute, time.Hour, 8 * time.Hour} {
		for _, between := range []time.Duration{time.Minute, 7 * time.Minute, 14 * time.Minute, limit} {
			w := newBackend(t, nil)
			idleRule(w, limit)
			b := w.browser().On(httpbrowser.NewDevice(t))
			w.signIn(b, "alice")
			for passed := time.Duration(0); passed < 3*limit; passed += min(between, limit) {
				w.mint(b, "acme")
				w.Pass(min(between, limit))
			}
			w.mint(b, "acme")
			w.Pass(limit + limit/8 + time.Second)
			w.wants(b.Post("/token", renews), http.StatusUnauthorized, api.SessionExpired)
		}
	}
}

// TestSessionIdle_NotAmongDevices checks that GET /sessions omits unused sessions.
func TestSessionIdle_NotAmongDevices(t *testing.T) {
	w := newBackend(t, nil)
	idleRule(w, time.Hour)
	w.mint(w.signedIn("alice"), "acme")
	w.Pass(time.Hour + time.Second)
	b := w.signedIn("alice")
	var shown api.SessionsResponse
	b.Get("/sessions").JSON(t, &shown)
	if len(shown.Sessions) != 1 || !shown.Sessions[0].Current {
		t.Errorf("shown are %+v", shown.Sessions)
	}
}

// TestSessionIdle_NewWorkspace checks the default: eight hours for a new workspace, no
// limit for an existing one.
func TestSessionIdle_NewWorkspace(t *testing.T) {
	for name, test := range map[string]struct {
		existed bool
		says    int64
		lives   bool
	}{
		"a new workspace":               {},
		"a new one that wants no limit": {says: policy.NoLimit, lives: true},
		"one that existed":              {existed: true, lives: true},
		"one that existed and says so":  {existed: true, says: 8 * 3600},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			if test.existed {
				w.Change(`UPDATE workspace SET session_idle = 0`)
			}
			w.rule(map[string]policy.Rules{"": {SessionIdle: test.says}})
			w.Restart()
			b := w.signedIn("alice")
			w.mint(b, "acme")
			w.Pass(8*time.Hour + time.Second)
			if got := b.Post("/token", renews); (got.Status == http.StatusOK) != test.lives {
				t.Errorf("%d %s", got.Status, got.Body)
			}
		})
	}
}
