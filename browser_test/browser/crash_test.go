package browser

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// TestACrashLosesNoSessionAndRevivesNone kills the server at random moments under load,
// after at least one sign-in and one sign-out were answered. A session with an answered
// sign-in goes on after the restart; one with an answered sign-out stays ended.
func TestACrashLosesNoSessionAndRevivesNone(t *testing.T) {
	t.Parallel()
	const crashes, people = 5, 8
	s := contract.StartServer(t)
	for range crashes {
		l := &load{t: t, server: s, stop: make(chan struct{}), both: make(chan struct{})}
		var group sync.WaitGroup
		for range people {
			group.Go(l.run)
		}
		select {
		case <-l.both:
		case <-time.After(time.Minute): // the check below reports it
		}
		<-time.After(time.Duration(rand.IntN(1500)) * time.Millisecond)
		s.Kill()
		close(l.stop)
		group.Wait()
		s.Restart(t)
		l.check()
	}
}

// load is a set of people that sign in, work and sign out until the server is killed.
type load struct {
	t      *testing.T
	server *contract.Server
	stop   chan struct{}

	mu           sync.Mutex
	alive, ended []*httpbrowser.Browser // by their last answer, with their cookies
	both         chan struct{}          // closed when there is one of each
}

func (l *load) run() {
	for {
		select {
		case <-l.stop:
			return
		default:
			l.visit()
		}
	}
}

// visit signs one person in, does some work, and sometimes signs out. A request without
// an answer proves neither outcome.
func (l *load) visit() {
	b := httpbrowser.New(l.t, l.server.Origin, l.server.PublicURL)
	b.Transport = noServer{}
	b.SignIn("bob")
	if len(b.Cookies()) == 0 || b.Get("/session").Status != http.StatusOK {
		return
	}
	for range rand.IntN(4) {
		b.Post("/token", `{"organization":"acme","enter":true}`)
	}
	before := b.Copy()
	kept, other := &l.alive, &l.ended
	if rand.IntN(2) == 0 {
		if b.Post("/logout", `{"scope":"session"}`).Status != http.StatusOK {
			return
		}
		kept, other = other, kept
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if *kept = append(*kept, before); len(*kept) == 1 && len(*other) > 0 {
		close(l.both)
	}
}

func (l *load) check() {
	l.t.Helper()
	if len(l.alive) == 0 || len(l.ended) == 0 {
		l.t.Fatalf("the load was too small: %d alive, %d ended", len(l.alive), len(l.ended))
	}
	for _, b := range l.alive {
		if got := b.Post("/token", `{"organization":"acme"}`); got.Status != http.StatusOK {
			l.t.Fatalf("a session was lost: %d %s", got.Status, got.Body)
		}
	}
	for _, b := range l.ended {
		if got := b.Post("/token", `{"organization":"acme"}`); got.Status != http.StatusUnauthorized {
			l.t.Fatalf("a session that had ended lives: %d %s", got.Status, got.Body)
		}
	}
}

// noServer answers for a server that does not run.
type noServer struct{}

func (noServer) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		lost := httptest.NewRecorder()
		lost.WriteHeader(http.StatusBadGateway)
		return lost.Result(), nil
	}
	return answer, nil
}
