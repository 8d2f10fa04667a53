//go:build !js

package main_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

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
	callbacks = 24
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
	response, err := http.Get(c.origin + "/most-memory")
	workerd.Must(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	workerd.Must(t, err)
	bytes, err := strconv.Atoi(string(body))
	workerd.Must(t, err)
	return bytes
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
	// Two at a time; the provider may not have heard yet of the two that were given up.
	if c.provider.most > 4 {
		t.Errorf("%d instances hung at the provider", c.provider.most)
	}
	if most := c.memory(t); most == 0 || most > maxMemory {
		t.Errorf("the programs held %d bytes, more than %d", most, maxMemory)
	}
}
