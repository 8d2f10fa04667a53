package browserapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// assurance is an assurance level of NIST SP 800-63B-4, and what it asks of sessions
// (sections 2.2.3 and 2.3.3).
type assurance struct {
	preset        string
	overall, idle time.Duration
}

var assurances = []assurance{{"aal2", 24 * time.Hour, time.Hour}, {"aal3", 12 * time.Hour, 15 * time.Minute}}

// presetBackend returns a backend whose workspace has a preset, or acme alone, and no
// other rule but one that is laxer.
func presetBackend(t *testing.T, a assurance, workspace bool) *backend {
	t.Helper()
	w := newBackend(t, nil)
	lax := policy.Rules{SessionAge: policy.MaxSessionAge, SessionIdle: policy.NoLimit, IdleTimeout: 30 * 24 * 3600}
	if !workspace {
		rules, _ := policy.Rules{}.ForOrganization(a.preset)
		w.rule(map[string]policy.Rules{"": lax, "acme": rules})
		return w
	}
	rules, _ := lax.ForWorkspace(a.preset)
	w.rule(map[string]policy.Rules{"": rules})
	return w
}

func eachAssurance(t *testing.T, test func(*testing.T, assurance)) {
	for _, a := range assurances {
		t.Run(a.preset, func(t *testing.T) { test(t, a) })
	}
}

// over fails the test unless an answer says to sign in. The browser drops the cookie with
// the session.
func (w *answers) over(got httpbrowser.Response) {
	w.Helper()
	if code := api.Code(got.Code()); got.Status != http.StatusUnauthorized || code != api.SessionExpired && code != api.LoginRequired {
		w.Errorf("%d %s, want a sign-in", got.Status, got.Body)
	}
}

// TestPreset_ActiveUntilTheEnd checks that a person who is at work all the time signs in
// again at the overall limit and not before, and that no access token outlives it.
func TestPreset_ActiveUntilTheEnd(t *testing.T) {
	eachAssurance(t, func(t *testing.T, a assurance) {
		w := presetBackend(t, a, true)
		b := w.browser().On(httpbrowser.NewDevice(t))
		w.signIn(b, "alice")
		w.mint(b, "acme")
		end := w.Now().Add(a.overall).Unix()
		for passed := time.Duration(0); passed < a.overall-10*time.Minute; passed += 10 * time.Minute {
			w.Pass(10 * time.Minute)
			got := report(b, time.Second)
			if got.Status != http.StatusOK {
				t.Fatalf("after %v: %d %s", passed, got.Status, got.Body)
			}
			var minted api.TokenResponse
			if got.JSON(t, &minted); w.Now().Unix()+minted.ExpiresIn > end {
				t.Fatalf("after %v a token outlives the session", passed)
			}
		}
		w.Pass(10 * time.Minute)
		w.over(report(b, time.Second))
	})
}

// TestPreset_Unattended checks that a tab that renews by itself ends at the limit of
// inactivity, and that one that was closed does not come back.
func TestPreset_Unattended(t *testing.T) {
	eachAssurance(t, func(t *testing.T, a assurance) {
		for _, workspace := range []bool{true, false} {
			w := presetBackend(t, a, workspace)
			b := w.signedIn("alice")
			w.mint(b, "acme")
			for idle := time.Minute; idle <= a.idle; idle += time.Minute {
				w.Pass(time.Minute)
				if got := report(b, idle); got.Status != http.StatusOK {
					t.Fatalf("after %v: %d %s", idle, got.Status, got.Body)
				}
			}
			w.Pass(time.Second)
			w.endedFor(report(b, a.idle+time.Second), policy.Idle)
			w.challenged(b.Post("/token", enters)) // by a newer authentication alone
		}
		w := presetBackend(t, a, true)
		closed := w.signedIn("alice")
		w.mint(closed, "acme")
		w.Pass(a.idle + a.idle/8 + time.Second)
		w.wants(closed.Post("/token", enters), http.StatusUnauthorized, api.SessionExpired)
	})
}

// TestPreset_OldAuthentication checks that an authentication which the provider only
// remembers counts from when it happened, and that one of unknown age does not count.
func TestPreset_OldAuthentication(t *testing.T) {
	eachAssurance(t, func(t *testing.T, a assurance) {
		for name, test := range map[string]struct {
			authTime func(now int64) any
			enters   bool
		}{
			"just younger":    {func(now int64) any { return now - int64(a.overall/time.Second) + 60 }, true},
			"just older":      {func(now int64) any { return now - int64(a.overall/time.Second) - 1 }, false},
			"of years ago":    {func(int64) any { return 1_000_000_000 }, false},
			"negative":        {func(int64) any { return -5 }, false},
			"zero":            {func(int64) any { return 0 }, false},
			"of tomorrow":     {func(now int64) any { return now + 24*3600 }, false},
			"absent":          {func(int64) any { return nil }, false},
			"in words":        {func(int64) any { return "just now" }, false},
			"in milliseconds": {func(now int64) any { return now * 1000 }, false},
		} {
			for _, workspace := range []bool{true, false} {
				w := presetBackend(t, a, workspace)
				w.Provider.Claims = tells(map[string]any{"auth_time": test.authTime(w.Now().Unix())})
				b := w.signedIn("alice")
				got := b.Post("/token", enters)
				if test.enters != (got.Status == http.StatusOK) || !test.enters && got.Code() != string(api.InsufficientUserAuthentication) {
					t.Errorf("%s, workspace %v: %d %s", name, workspace, got.Status, got.Body)
				}
				if !workspace {
					w.mint(b, "globex") // acme's rule is acme's alone
				}
			}
		}
	})
}

// TestPreset_StepUpMovesNoEnd checks that stepping up, and switching, leaves the overall
// limit where it was.
func TestPreset_StepUpMovesNoEnd(t *testing.T) {
	eachAssurance(t, func(t *testing.T, a assurance) {
		w := presetBackend(t, a, true)
		b := w.browser().On(httpbrowser.NewDevice(t))
		w.signIn(b, "alice")
		began := w.Now()
		w.mint(b, "acme")
		for w.Now().Sub(began) < a.overall-10*time.Minute {
			w.Pass(9 * time.Minute)
			if got := report(b, time.Second); got.Status != http.StatusOK {
				t.Fatalf("%d %s", got.Status, got.Body)
			}
		}
		user := w.claims(w.mint(b, "globex")).Subject
		page := b.Begin(publicURL + "/login?max_age=0&prompt=login&user=" + user)
		if landed := b.Choose(page, "alice"); strings.Contains(landed.URL.RawQuery, api.ParamError) {
			t.Fatalf("landed on %s", landed.URL)
		}
		w.Pass(began.Add(a.overall).Sub(w.Now()) - time.Second)
		w.mint(b, "acme")
		w.Pass(2 * time.Second)
		w.over(b.Post("/token", enters))
	})
}
