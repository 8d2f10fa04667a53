package browserapi_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// crowd is many tabs of one browser that come back together. No page of the app asks for
// anything meanwhile. Answers arrive in any order.
type crowd struct {
	*backend
	*rand.Rand
	jar     *httpbrowser.Browser
	device  *httpbrowser.Device
	callers []string // the callbacks, by tab
	seconds int      // how many pass, less than the life of a code
}

// tab is a tab whose answer is on its way.
type tab struct {
	n      int
	answer httpbrowser.Response
}

// comeBack lets all tabs come back, with so many requests on their way at most.
func (s *crowd) comeBack(atOnce int) {
	s.Helper()
	var away []tab
	next := 0
	for next < len(s.callers) || len(away) > 0 {
		if free := min(atOnce-len(away), len(s.callers)-next); free > 0 && (len(away) == 0 || s.IntN(2) == 0) {
			sent := s.send(next, 1+s.IntN(free))
			away, next = append(away, sent...), next+len(sent)
			continue
		}
		i := s.IntN(len(away))
		s.arrive(away[i])
		away = append(away[:i], away[i+1:]...)
	}
}

// send lets tabs send their callbacks at once.
func (s *crowd) send(from, n int) []tab {
	if s.seconds > 0 && s.IntN(2) == 0 {
		s.Pass(time.Second)
		s.seconds--
	}
	sent := make([]tab, n)
	var all sync.WaitGroup
	for i := range sent {
		b := s.jar.Copy() // with the cookies of now
		all.Go(func() { sent[i] = tab{from + i, b.Step(s.callers[from+i])} })
	}
	all.Wait()
	return sent
}

// arrive lets an answer arrive: the tab is where it began, and signed in.
func (s *crowd) arrive(t tab) {
	s.Helper()
	want := fmt.Sprintf("%s/tab-%d", origin, t.n)
	if got := t.answer.Header.Get("Location"); t.answer.Status != http.StatusSeeOther || got != want {
		s.Fatalf("tab %d: %d to %s: %s", t.n, t.answer.Status, got, t.answer.Body)
	}
	s.jar.Receive(t.answer)
	if s.IntN(10) == 0 {
		s.signedIn()
	}
	if size := cookieBytes(s.jar); size > 2560 {
		s.Fatalf("with tab %d the browser keeps %d bytes, %d sessions", t.n, size, len(sessionCookies(s.jar)))
	}
}

// signedIn checks that a page of the browser would be signed in now.
func (s *crowd) signedIn() {
	s.Helper()
	b := s.jar.Copy()
	if s.device != nil {
		b = b.On(s.device)
	}
	if got := b.Get("/session"); got.Status != http.StatusOK {
		s.Fatalf("a page is not signed in: %d %s", got.Status, got.Body)
	}
}

// begin lets tabs begin, each at its own page.
func (s *crowd) begin(n int, query string) {
	s.Helper()
	for i := range n {
		query, page := fmt.Sprintf("%s&return_to=/tab-%d", query, i), httpbrowser.Response{}
		if s.device != nil {
			page = s.jar.Begin(publicURL + "/login?" + query)
		} else {
			page = s.jar.Login(query)
		}
		s.callers = append(s.callers, publicURL+"/callback?"+s.Provider.SignIn(page.URL.String(), "alice").Encode())
	}
}

func keyedCrowd(w *backend) *crowd {
	device := httpbrowser.NewDevice(w)
	return &crowd{backend: w, jar: w.browser().On(device), device: device}
}

// crowdsOf is how a browser's tabs begin.
var crowdsOf = map[string]func(t *testing.T, n int) *crowd{
	"without a device key": func(t *testing.T, n int) *crowd {
		w := newBackend(t, nil)
		s := &crowd{backend: w, jar: w.browser()}
		s.begin(n, "app=web")
		return s
	},
	"with a device key": func(t *testing.T, n int) *crowd {
		w := newBackend(t, nil)
		s := keyedCrowd(w)
		s.begin(n, "app=web")
		return s
	},
	"with eleven sessions from before": func(t *testing.T, n int) *crowd {
		w := newBackend(t, nil)
		s := keyedCrowd(w)
		for range 11 {
			s.jar.SignIn("alice")
			s.Pass(time.Minute)
		}
		s.begin(n, "app=web")
		return s
	},
	"for step-ups": func(t *testing.T, n int) *crowd {
		w, b, e := stepUpRequired(t)
		s := &crowd{backend: w, jar: b}
		s.begin(n, strings.TrimPrefix(e.LoginURL, publicURL+"/login?"))
		return s
	},
}

// TestCookies_CrowdComesBack: whatever the order of requests and answers, the cookies of
// many tabs that come back together stay within 2.5 KB, and each tab lands signed in.
// TestCookies_CrowdsComeBack has further crowds.
func TestCookies_CrowdComesBack(t *testing.T) {
	crowdsComeBack(t, []gathering{{60, 6, 50}, {60, 60, 0}, {150, 150, 0}})
}

// gathering is how many tabs come back, with how many requests at once, within which time.
type gathering struct{ tabs, atOnce, seconds int }

func crowdsComeBack(t *testing.T, gatherings []gathering) {
	t.Helper()
	for how, begun := range crowdsOf {
		for _, is := range gatherings {
			t.Run(fmt.Sprintf("%s %+v", how, is), func(t *testing.T) {
				s := begun(t, is.tabs)
				s.Rand, s.seconds = rand.New(rand.NewPCG(15, uint64(is.atOnce))), is.seconds
				s.comeBack(is.atOnce)
				s.signedIn()
				s.mint(s.jar, "acme")
				s.theSession(s.jar)
			})
		}
	}
}

// TestCookies_OneAfterTheOther: so they do if each tab begins after the one before has
// landed, all within a second.
func TestCookies_OneAfterTheOther(t *testing.T) {
	w := newBackend(t, nil)
	for how, s := range map[string]*crowd{"without a device key": {backend: w, jar: w.browser()}, "with one": keyedCrowd(w)} {
		for i := range 60 {
			if s.jar.SignIn("alice"); cookieBytes(s.jar) > 2560 {
				t.Fatalf("%s, after %d sign-ins: %d bytes", how, i+1, cookieBytes(s.jar))
			}
		}
		s.signedIn()
		w.mint(s.jar, "acme")
		w.theSession(s.jar)
	}
}

// TestLanding_WhatServesAlone: a callback lands on the session of another one only if that
// is what it would have begun: for the same person, with the same device key, at the same
// class, begun after its own attempt, and alive.
func TestLanding_WhatServesAlone(t *testing.T) {
	for name, test := range map[string]struct {
		first, second string // who comes back
		between       func(w *backend, b *httpbrowser.Browser)
		query         string // of the second attempt
		lands         bool
	}{
		"the same":             {first: "alice", second: "alice", lands: true},
		"another person":       {first: "alice", second: "bob"},
		"a signed-out session": {first: "alice", second: "alice", between: func(w *backend, b *httpbrowser.Browser) { b.Post("/logout", `{"scope":"session"}`) }},
		"bound to a key since": {first: "alice", second: "alice", between: func(w *backend, b *httpbrowser.Browser) {
			w.mint(b.On(httpbrowser.NewDevice(w)), "acme")
		}},
		"another class":                    {first: "alice", second: "alice", between: func(w *backend, _ *httpbrowser.Browser) { answersWith(w, "mfa") }},
		"asked for a newer authentication": {first: "alice", second: "alice", query: "&max_age=60"},
		"a minute later":                   {first: "alice", second: "alice", between: func(w *backend, _ *httpbrowser.Browser) { w.Pass(time.Minute) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			b := w.browser()
			one, two := b.Login("return_to=/1"), b.Login("return_to=/2"+test.query)
			w.Pass(time.Second)
			comesBack := func(page httpbrowser.Response, person string) string {
				b.Step(publicURL + "/callback?" + w.Provider.SignIn(page.URL.String(), person).Encode())
				all, err := w.Store.OfBrowser(t.Context(), w.fingerprint(b), w.Now().Unix(), 9)
				if err != nil || len(all) == 0 {
					t.Fatal(all, err)
				}
				return fmt.Sprint(len(all), all[0].ID)
			}
			before := comesBack(one, test.first)
			if test.between != nil {
				test.between(w, b)
			}
			if after := comesBack(two, test.second); (after == before) != test.lands {
				t.Errorf("the browser has the sessions %s, then %s", before, after)
			}
		})
	}
}

// fingerprint returns that of the browser's value.
func (w *backend) fingerprint(b *httpbrowser.Browser) string {
	for name, value := range b.Cookies() {
		if strings.HasPrefix(name, "__Host-Http-tabard-login.") {
			known, _ := login.ParseBrowser(value)
			return known.Fingerprint()
		}
	}
	return ""
}

// TestLanding_SignsInAgainAndAgain: a browser that signs in and out forty times within a
// minute, as a program does that tests the app, is refused none of them.
func TestLanding_SignsInAgainAndAgain(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser()
	for i := range 40 {
		page := b.Login("return_to=/")
		got := b.Step(publicURL + "/callback?" + w.Provider.SignIn(page.URL.String(), "alice").Encode())
		if location := got.Header.Get("Location"); got.Status != http.StatusSeeOther || strings.Contains(location, "tabard_error") {
			t.Fatalf("sign-in %d: %d %s %s", i, got.Status, location, got.Body)
		}
		if got := b.Post("/logout", `{"scope":"session"}`); got.Status != http.StatusOK {
			t.Fatalf("sign-out %d: %d %s", i, got.Status, got.Body)
		}
	}
}
