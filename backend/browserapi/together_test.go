package browserapi_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// tabs are tabs of one browser that begin sign-ins together, before any answer arrived.
// Each answer sets the browser value when it is delivered.
type tabs struct {
	w     *backend
	jar   *httpbrowser.Browser
	began []httpbrowser.Kept
	tab   []*httpbrowser.Browser
	page  []httpbrowser.Response
}

func (w *backend) together(queries ...string) *tabs {
	all := &tabs{w: w, jar: w.browser()}
	for i, query := range queries {
		first := w.browser()
		all.page = append(all.page, first.Login(fmt.Sprintf("%sreturn_to=/tab-%d", query, i)))
		all.began = append(all.began, first.Keep())
		all.tab = append(all.tab, first.Sharing(all.jar))
	}
	return all
}

// deliver lets the answer arrive that began a tab's sign-in.
func (s *tabs) deliver(i int) { s.jar.Restore(s.began[i]) }

func (s *tabs) landed(i int) bool {
	return s.page[i].URL.String() == fmt.Sprintf("%s/tab-%d", origin, i)
}

// comeBack lets a tab return from the provider once.
func (s *tabs) comeBack(i int) { s.page[i] = s.tab[i].Choose(s.page[i], "alice") }

// ends lets all tabs return until they stay where they are, and checks where that is.
func (s *tabs) ends(name string) {
	s.w.Helper()
	for range len(s.tab) + 1 {
		for i := range s.tab {
			s.comeBack(i)
		}
	}
	for i := range s.tab {
		if !s.landed(i) {
			s.w.Errorf("%s: tab %d is at %.80s: %d %s", name, i, s.page[i].URL, s.page[i].Status, s.page[i].Body)
		}
	}
	s.w.mint(s.jar, "acme")
	s.w.theSession(s.jar)
}

// TestAttempts_AnswersInAnyOrder: three tabs that begin together all come back, in every
// order of the answers that set their browser values and of their returns.
func TestAttempts_AnswersInAnyOrder(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{JustInTime: true})
	for at, query := range map[string]string{"the workspace's provider": "", "an organization's own": "organization=acme&"} {
		orders := 0
		interleavings([]int{2, 2, 2}, func(order []int) {
			orders++
			s := w.together(query, query, query)
			delivered := make([]bool, 3)
			for _, i := range order {
				if !delivered[i] {
					delivered[i] = true
					s.deliver(i)
				} else {
					s.comeBack(i)
				}
			}
			s.ends(fmt.Sprint(at, order))
		})
		if orders != 90 {
			t.Errorf("%d orders", orders)
		}
	}
}

// interleavings calls run with every order of actors, each of which acts so many times.
func interleavings(acts []int, run func(order []int)) {
	var extend func(order []int)
	extend = func(order []int) {
		done := true
		for i := range acts {
			if acts[i] > 0 {
				done = false
				acts[i]--
				extend(append(slices.Clone(order), i))
				acts[i]++
			}
		}
		if done {
			run(order)
		}
	}
	extend(nil)
}

// TestAttempts_TwelveInRandomOrder is TestAttempts_AnswersInAnyOrder with twelve tabs and
// with answers that arrive while tabs return for the second and third time.
func TestAttempts_TwelveInRandomOrder(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{JustInTime: true})
	for seed := range uint64(20) {
		r, query := rand.New(rand.NewPCG(15, seed)), ""
		var arrived []int
		if seed%2 == 1 {
			query = "organization=acme&"
		}
		s := w.together(slices.Repeat([]string{query}, 12)...)
		for n, i := range r.Perm(12) {
			s.deliver(i)
			arrived = append(arrived[:n], i)
			for range r.IntN(4) {
				s.comeBack(arrived[r.IntN(n+1)])
			}
		}
		s.ends(fmt.Sprint("seed ", seed))
	}
}

// TestAttempts_AtDifferentProviders: tabs that begin together at different providers come
// back, or to a page that leads on. What one tab began is no reason for the browser to
// trust another organization's provider.
func TestAttempts_AtDifferentProviders(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{JustInTime: true})
	interleavings([]int{2, 2, 2}, func(order []int) {
		s := w.together("", "organization=acme&", "")
		delivered := make([]bool, 3)
		for _, i := range order {
			if !delivered[i] {
				delivered[i] = true
				s.deliver(i)
			} else {
				s.comeBack(i)
			}
		}
		if on := linksOf(s.page[1]); strings.Contains(s.page[1].Body, "another browser") {
			asked := s.tab[1].Follow(on["Sign in again"])
			s.page[1] = s.tab[1].Follow(linksOf(asked)["Continue to sign in"])
		}
		s.ends(fmt.Sprint(order))
	})
}

// TestAttempts_TogetherAtTheLimit: tabs that begin together are one browser to the limit
// of browsers, also where their browser values differ.
func TestAttempts_TogetherAtTheLimit(t *testing.T) {
	w := newBackend(t, nil)
	w.signsIn(directory.SignIn{MaxSessions: 1, AtLimit: directory.RefuseSignIn})
	s := w.together("", "", "")
	s.deliver(0)
	s.comeBack(0)
	s.deliver(1)
	s.comeBack(1)
	s.deliver(2)
	s.ends("at the limit")
}

// TestAttempt_SetsNoOlderValue: an answer that is late must not put back a value that
// another answer replaced. A value is set again only when it is older than every answer
// on its way.
func TestAttempt_SetsNoOlderValue(t *testing.T) {
	w := newBackend(t, nil)
	s := w.together("", "")
	s.deliver(0)
	s.deliver(1)
	restarted := s.tab[0].Step(publicURL + "/callback?" + w.Provider.SignIn(s.page[0].URL.String(), "alice").Encode())
	if restarted.Status != http.StatusSeeOther || len(restarted.Cookies()) != 0 {
		t.Errorf("a restart: %d %v", restarted.Status, restarted.Header)
	}
	for _, want := range []int{0, 1} {
		begun := w.browser().Sharing(s.jar).Step(publicURL + "/login")
		if begun.Status != http.StatusSeeOther || len(begun.Cookies()) != want {
			t.Errorf("%d, %v are set, want %d", begun.Status, begun.Cookies(), want)
		}
		w.Pass(11 * time.Minute)
	}
}
