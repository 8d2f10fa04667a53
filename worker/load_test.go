//go:build !js

package main_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// hangingProvider is a provider that, once told to, never responds to the backend's own
// requests.
type hangingProvider struct {
	http.Handler
	on       atomic.Bool
	released chan struct{}
	asked    chan struct{} // receives when the first hangs

	mu        sync.Mutex
	now, most int
}

func (h *hangingProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.on.Load() || r.URL.Path != "/token" && !strings.HasPrefix(r.URL.Path, "/.well-known/") {
		h.Handler.ServeHTTP(w, r)
		return
	}
	h.count(1)
	defer h.count(-1)
	select {
	case h.asked <- struct{}{}:
	default:
	}
	select {
	case <-h.released:
	case <-r.Context().Done():
	}
}

func (h *hangingProvider) count(by int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now += by
	h.most = max(h.most, h.now)
}

// loadTest is a Worker with a distant database, a signed-in browser, and callbacks
// whose provider hangs.
type loadTest struct {
	origin, publicURL string
	provider          *hangingProvider
	signedIn          *httpbrowser.Browser
	callbacks         []func()
}

const (
	callbacks = 40
	maxAsking = 16          // events that ask a provider at once
	maxMemory = 100_000_000 // bytes that all programs have together at the most
)

// newLoadTest starts a Worker by one of its scripts, with a D1 that is some
// milliseconds away.
func newLoadTest(t testing.TB, entry string, distance int) *loadTest {
	t.Helper()
	port := ports.Hold(t)
	origin := fmt.Sprintf("http://localhost:%d", port)
	c := &loadTest{origin: origin, publicURL: origin + "/auth", provider: &hangingProvider{released: make(chan struct{}), asked: make(chan struct{}, 1)}}
	issuer := providerOf(t, c.publicURL, []string{"alice"}, func(h http.Handler) http.Handler {
		c.provider.Handler = h
		return c.provider
	})
	variables := workerd.Variables(c.publicURL, issuer, contract.ClientID, contract.ClientSecret)
	variables["LATENCY"] = fmt.Sprint(distance)
	workerd.Start(t, workerd.Options{Port: port, Entry: entry, Variables: variables, Desired: contract.Desired(issuer, origin)})
	c.signedIn = httpbrowser.New(t, origin, c.publicURL)
	c.signedIn.SignIn("alice")
	for range callbacks {
		b := httpbrowser.New(t, origin, c.publicURL)
		page := b.Login("")
		c.callbacks = append(c.callbacks, func() { b.Choose(page, "alice") })
	}
	return c
}

// hang makes the provider hang, sends it callbacks, atOnce at a time, and returns a
// function that ends that.
func (c *loadTest) hang(atOnce int) (end func()) {
	c.provider.on.Store(true)
	next := make(chan func(), len(c.callbacks))
	for _, callback := range c.callbacks {
		next <- callback
	}
	close(next)
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for callback := range next {
				callback()
			}
		})
	}
	<-c.provider.asked
	return func() {
		close(c.provider.released)
		all.Wait()
	}
}

// mint sends a mint and returns its status.
func (c *loadTest) mint(t testing.TB) int {
	response, err := http.DefaultClient.Do(mint(c.origin, c.publicURL, c.signedIn.Cookies(), "acme"))
	if err != nil {
		t.Error(err)
		return 0
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Error(err)
	}
	return response.StatusCode
}

// memory is the most that the programs' memories had together, in bytes.
func (c *loadTest) memory(t testing.TB) int {
	return int(c.number(t, "/most-memory"))
}

// number is what a path of the test's own answers.
func (c *loadTest) number(t testing.TB, path string) float64 {
	t.Helper()
	response, err := http.Get(c.origin + path)
	workerd.Must(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	workerd.Must(t, err)
	n, err := strconv.ParseFloat(string(text), 64)
	workerd.Must(t, err)
	return n
}

// The database is far away and many callers mint at once.
func TestAProviderThatHangsLeavesMintsAlone(t *testing.T) {
	const callers, rounds = 50, 4
	c := newLoadTest(t, "workerd/load.mjs", 100)
	end := c.hang(len(c.callbacks))
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range rounds {
				if status := c.mint(t); status != http.StatusOK {
					t.Errorf("a mint: %d", status)
				}
			}
		})
	}
	all.Wait()
	end()
	// The provider may not have heard yet of those that were given up.
	if c.provider.most > 2*maxAsking {
		t.Errorf("%d callbacks hung at the provider", c.provider.most)
	}
	if most := c.memory(t); most == 0 || most > maxMemory {
		t.Errorf("the programs held %d bytes, more than %d", most, maxMemory)
	}
}

// TestClientsThatLeave leaves a hundred mints in the midst of them, and mints.
func TestClientsThatLeave(t *testing.T) {
	const leaving, staying = 100, 20
	c := newLoadTest(t, "workerd/load.mjs", 100)
	var (
		all  sync.WaitGroup
		left atomic.Int64
	)
	for range leaving {
		ctx, leave := context.WithCancel(t.Context())
		all.Go(func() {
			defer leave()
			r := mint(c.origin, c.publicURL, c.signedIn.Cookies(), "acme").WithContext(ctx)
			if response, err := resettingClient.Do(r); err == nil {
				response.Body.Close()
			} else {
				left.Add(1)
			}
		})
		time.AfterFunc(30*time.Millisecond, leave)
	}
	for range staying {
		all.Go(func() {
			if status := c.mint(t); status != http.StatusOK {
				t.Errorf("a mint beside them: %d", status)
			}
		})
	}
	all.Wait()
	if left.Load() < leaving/2 {
		t.Errorf("only %d clients left", left.Load())
	}
	for range staying {
		if status := c.mint(t); status != http.StatusOK {
			t.Errorf("a mint after them: %d", status)
		}
	}
	if n := c.number(t, "/started"); n != 1 {
		t.Errorf("%v programs were started", n)
	}
}
