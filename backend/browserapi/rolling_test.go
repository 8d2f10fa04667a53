package browserapi_test

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// previousRelease simulates a replica of the previous release: it reads and sets only unmarked
// cookies.
func previousRelease(next http.Handler) http.Handler {
	marked := func(name string) bool { return strings.Count(name, ".") == 3 }
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		carried := r.Cookies()
		r.Header.Del("Cookie")
		for _, c := range carried {
			if !marked(c.Name) {
				r.AddCookie(c)
			}
		}
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.Header().Del("Set-Cookie")
		for _, c := range answer.Result().Cookies() {
			same := func(had *http.Cookie) bool { return had.Name == c.Name && had.Value == c.Value }
			if !marked(c.Name) && !slices.ContainsFunc(carried, same) {
				http.SetCookie(w, c)
			}
		}
		w.WriteHeader(answer.Code)
		w.Write(answer.Body.Bytes())
	})
}

// served selects the release that answers a request.
type served struct {
	before, now http.Handler
	choose      func() (old bool)
}

func (s *served) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.choose() {
		s.before.ServeHTTP(w, r)
		return
	}
	s.now.ServeHTTP(w, r)
}

// upgrading returns a backend whose database was used by the previous release.
func upgrading(t *testing.T) (*backend, *served) {
	w := newBackend(t, nil)
	w.Change(`UPDATE workspace SET unmarked_cookies_until = ?`, w.Now().Add(7*24*time.Hour).Unix())
	w.Change(`UPDATE workspace SET document = json_set(document, '$.policy.session_age', 30 * 86400)`)
	w.Restart()
	handler := w.Hosts["localhost:8080"]
	s := &served{previousRelease(handler), handler, func() bool { return false }}
	w.Hosts["localhost:8080"] = s
	return w, s
}

// TestP6ARollingUpgradeSignsNobodyOut sends requests to replicas of both releases at
// random for days, with concurrent mints and lost answers.
func TestP6ARollingUpgradeSignsNobodyOut(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 3 {
		w, release := upgrading(t)
		for _, keyed := range []bool{false, true} {
			b, device := w.browser(), httpbrowser.NewDevice(t)
			if keyed {
				b = b.On(device)
			}
			release.choose = func() bool { return random.IntN(2) == 0 }
			signInAnywhere(w, b, release)
			w.mint(b, "acme")
			for range 200 {
				w.Pass(time.Duration(random.IntN(900)) * time.Second)
				if random.IntN(20) == 0 {
					lost := b.Copy() // its answers are lost
					if keyed {
						lost = lost.On(device)
					}
					lost.Post("/token", `{"organization":"acme"}`)
				}
				w.mint(b, "acme")
			}
		}
	}
}

// signInAnywhere signs alice in at one replica. The releases cannot complete each
// other's attempts.
func signInAnywhere(w *backend, b *httpbrowser.Browser, release *served) {
	w.Helper()
	choose := release.choose
	release.choose = func() bool { return false }
	b.SignIn("alice")
	release.choose = choose
}

// TestP6AReturnToTheReleaseBeforeSignsNobodyOut downgrades and upgrades again. After a
// week, unmarked cookies are cleared.
func TestP6AReturnToTheReleaseBeforeSignsNobodyOut(t *testing.T) {
	w, release := upgrading(t)
	w.Change(`UPDATE workspace SET session_idle = 0`) // as the previous release leaves it
	w.Restart()
	b := w.signedIn("alice")
	for _, old := range []bool{false, true, false, true, false} {
		release.choose = func() bool { return old }
		for range 40 {
			w.mint(b, "acme")
			w.Pass(20 * time.Minute)
		}
		if got := len(sessionCookies(b)); got != 2 {
			t.Errorf("the browser keeps %d cookies of the session, want one for each release", got)
		}
	}
	w.Pass(5 * 24 * time.Hour)
	w.mint(b, "acme")
	if name, _ := w.theSession(b); strings.Count(name, ".") != 3 {
		t.Errorf("the browser keeps %s", name)
	}
}

// TestCookies_BothReleasesStayFew checks that more than six sessions have one cookie
// each.
func TestCookies_BothReleasesStayFew(t *testing.T) {
	w, _ := upgrading(t)
	b := w.browser()
	for range 30 {
		w.Pass(time.Second)
		b.SignIn("alice")
	}
	w.mint(b, "acme")
	if size := cookieBytes(b); size > 2560 {
		t.Errorf("%d bytes: %v", size, b.Cookies())
	}
	w.mint(b, "acme")
	if got := len(sessionCookies(b)); got != 2 {
		t.Errorf("%d cookies", got)
	}
}
