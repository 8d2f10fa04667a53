package deployment

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// Crowd is people at work: each has a browser, mints again and again, and now and then
// signs out and in again.
type Crowd struct {
	*Deployment
	People []*Worker
	stop   chan struct{}
	done   sync.WaitGroup
	// patient lets a sign-in begin again that failed.
	patient bool

	Mints, SignIns, Repeated atomic.Int64
}

// Worker is one of the people.
type Worker struct {
	*httpbrowser.Browser
	name          string
	begun, rounds atomic.Int64 // of signing out and in
	trouble
}

// trouble is what no person should have.
type trouble struct {
	signedOut, failed atomic.Int64
	last              atomic.Value
}

// Works puts so many people to work until the test, or halt, ends it.
func (d *Deployment) Works(t *testing.T, people int, patient bool) *Crowd {
	t.Helper()
	c := &Crowd{Deployment: d, stop: make(chan struct{}), patient: patient}
	for i := range people {
		b := httpbrowser.New(t, d.Origin, d.Origin+"/auth")
		if i%2 == 0 { // the others have browsers that keep no key
			b = b.On(httpbrowser.NewDevice(t))
		}
		w := &Worker{Browser: b, name: Person(i)}
		c.People = append(c.People, w)
		c.done.Go(func() { c.work(w) })
	}
	t.Cleanup(func() { c.Halt() })
	return c
}

// Halt lets the people stop, once.
func (c *Crowd) Halt() {
	select {
	case <-c.stop:
	default:
		close(c.stop)
	}
	c.done.Wait()
}

const mintsBetween = 4 // signing out and in again

func (c *Crowd) work(w *Worker) {
	c.signIn(w)
	for i := 1; ; i++ {
		select {
		case <-c.stop:
			return
		case <-time.After(time.Duration(40+len(w.name)%5*10) * time.Millisecond):
		}
		switch answer := c.ask(w, "/token", `{"organization":"acme","enter":true}`); answer.Status {
		case http.StatusOK:
			c.Mints.Add(1)
		default:
			w.signedOut.Add(1)
			w.last.Store(strconv.Itoa(answer.Status) + " " + answer.Body)
			c.signIn(w)
		}
		if i%mintsBetween == 0 {
			w.begun.Add(1)
			if answer := c.ask(w, "/logout", `{"scope":"session"}`); answer.Status != http.StatusOK {
				w.failed.Add(1)
				w.last.Store("logout: " + strconv.Itoa(answer.Status) + " " + answer.Body)
			}
			c.signIn(w)
			w.rounds.Add(1)
		}
	}
}

// ask asks as the browser module does: what cannot be answered now is asked again.
func (c *Crowd) ask(w *Worker, path, body string) (answer httpbrowser.Response) {
	for range 50 {
		answer = w.Post(path, body)
		if answer.Status < http.StatusInternalServerError {
			return answer
		}
		c.Repeated.Add(1)
		<-time.After(20 * time.Millisecond)
	}
	return answer
}

func (c *Crowd) signIn(w *Worker) {
	for range 50 {
		c.SignIns.Add(1)
		answer := w.SignIn(w.name)
		for name := range w.Cookies() {
			if strings.HasPrefix(name, "__Host-Http-tabard.") && strings.Contains(name, ".demo.") {
				return
			}
		}
		w.last.Store("sign-in: " + strconv.Itoa(answer.Status) + " " + answer.Body)
		if !c.patient {
			break
		}
	}
	w.failed.Add(1)
}

// EverybodySignsInAnew waits until everybody has signed out and in again since now.
func (c *Crowd) EverybodySignsInAnew(t *testing.T) {
	t.Helper()
	deadline := time.After(4 * time.Minute)
	whole := make([]int64, len(c.People))
	for i, w := range c.People {
		whole[i] = w.begun.Load() + 1
	}
	for i, w := range c.People {
		for w.rounds.Load() < whole[i] {
			select {
			case <-deadline:
				t.Fatalf("%s does not get on: %v", w.name, w.last.Load())
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
}

// Untroubled fails the test where somebody was signed out, or could not sign in.
func (c *Crowd) Untroubled(t *testing.T) {
	t.Helper()
	var out, failed int64
	for _, w := range c.People {
		if n := w.signedOut.Load() + w.failed.Load(); n > 0 {
			t.Errorf("%s: %v", w.name, w.last.Load())
		}
		out, failed = out+w.signedOut.Load(), failed+w.failed.Load()
	}
	t.Logf("%d people: %d mints, %d sign-ins, %d requests repeated; %d sign-outs, %d failed sign-ins",
		len(c.People), c.Mints.Load(), c.SignIns.Load(), c.Repeated.Load(), out, failed)
	if c.Mints.Load() < int64(len(c.People)) {
		t.Error("hardly anybody worked")
	}
}
