//go:build !js

package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// slowProvider is a provider that answers when it is told to.
type slowProvider struct {
	*httptest.Server
	asked    chan struct{} // receives once for each request
	release  func()
	at, most atomic.Int64
}

func newSlowProvider(t *testing.T) *slowProvider {
	t.Helper()
	released := make(chan struct{})
	p := &slowProvider{asked: make(chan struct{}, 100), release: sync.OnceFunc(func() { close(released) })}
	p.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		p.most.Store(max(p.most.Load(), p.at.Add(1)))
		defer p.at.Add(-1)
		p.asked <- struct{}{}
		select {
		case <-released:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(p.Close)
	t.Cleanup(p.release)
	return p
}

// answer is the result of a request.
type answer struct {
	status     int
	retryAfter string
	body       string
}

// resettingClient resets its connections, which workerd notices. It would take an
// orderly close for the end of the request.
var resettingClient = &http.Client{Transport: &http.Transport{
	DisableKeepAlives: true,
	DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		connection, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return connection, connection.(*net.TCPConn).SetLinger(0)
	},
}}

// begin sends a request; the channel gets its result, or none if the client leaves.
func (w smokeTest) begin(ctx context.Context, path string) <-chan answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	answered := make(chan answer, 1)
	go func() {
		response, err := resettingClient.Do(r)
		if err != nil {
			close(answered)
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		answered <- answer{response.StatusCode, response.Header.Get("Retry-After"), string(body)}
	}()
	return answered
}

type state struct{ Waiting, Started, Bytes int }

func (w smokeTest) state() (s state) {
	w.t.Helper()
	_, text := w.get("/state")
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// waits returns when so many events wait.
func (w smokeTest) waits(n int) {
	w.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(time.Minute); w.state().Waiting != n; {
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatalf("%d wait, want %d", w.state().Waiting, n)
		}
	}
}

// hold makes an event ask a provider, and returns when it does.
func (w smokeTest) hold(p *slowProvider, path string) <-chan answer {
	w.t.Helper()
	held := w.begin(w.t.Context(), path+"?address="+url.QueryEscape(p.URL))
	<-p.asked
	return held
}

func TestThePoolServesWhoCameFirst(t *testing.T) {
	w := newSmokeTestWith(t, `{"event": 60000, "waiting": 8}`)
	p := newSlowProvider(t)
	held := w.hold(p, "/login")
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	var answers []<-chan answer
	for i := range 8 {
		who := t.Context()
		if i == 2 {
			who = ctx
		}
		answers = append(answers, w.begin(who, "/served"))
		w.waits(i + 1)
	}
	for range 5 {
		if a := <-w.begin(t.Context(), "/served"); a.status != http.StatusServiceUnavailable || a.retryAfter == "" || !strings.Contains(a.body, string(api.TemporarilyUnavailable)) {
			t.Errorf("one too many: %+v", a)
		}
	}
	leave()
	w.waits(7)
	p.release()
	if a := <-held; a.body != "1" {
		t.Errorf("the first: %+v", a)
	}
	next := 2
	for i, answered := range answers {
		a, ok := <-answered
		if i == 2 {
			if ok {
				t.Errorf("who left was answered: %+v", a)
			}
			continue
		}
		if want := fmt.Sprintf("%d false", next); a.body != want {
			t.Errorf("the event that came as number %d: %+v, want %s", i+2, a, want)
		}
		next++
	}
	if n := strings.Count(w.log.String(), "WARN"); n != 1 || !strings.Contains(w.log.String(), "requests are refused") || strings.Contains(w.log.String(), "ERROR") {
		t.Errorf("%d lines tell of five refusals:\n%s", n, w.log)
	}
}

// TestEventsThatAskAProviderHoldTheirPlacesOnly, whether they were expected to ask or not.
func TestEventsThatAskAProviderHoldTheirPlacesOnly(t *testing.T) {
	w := newSmokeTestWith(t, `{"events": 4, "asking": 2, "event": 60000}`)
	p := newSlowProvider(t)
	held := []<-chan answer{w.hold(p, "/login"), w.hold(p, "/logout")}
	address := "?address=" + url.QueryEscape(p.URL)
	for i, path := range []string{"/login", "/callback", "/%6cogin", "//login"} {
		held = append(held, w.begin(t.Context(), path+address))
		w.waits(i + 1)
	}
	w.want("/logout"+address, http.StatusBadGateway, "too many events ask a provider")
	for range 20 {
		w.want("/served", http.StatusOK, "")
	}
	w.waits(4)
	p.release()
	for i, answered := range held {
		if a := <-answered; a.status != http.StatusOK && a.status != http.StatusNotFound {
			t.Errorf("event %d: %+v", i, a)
		}
	}
	if most := p.most.Load(); most != 2 {
		t.Errorf("%d events asked at once", most)
	}
}

// All memories together keep to the budget, whatever each grows to.
func TestMemoriesKeepToTheirBudget(t *testing.T) {
	const budget = 50 << 20
	w := newSmokeTestWith(t, fmt.Sprintf(`{"instances": 6, "uses": 5, "budget": %d, "share": %d, "event": 60000}`, budget, 16<<20))
	for range 4 {
		var all sync.WaitGroup
		for range 24 {
			answered := w.begin(t.Context(), "/slow")
			all.Go(func() {
				if a := <-answered; a.status != http.StatusOK {
					t.Errorf("%+v", a)
				}
			})
		}
		all.Wait()
	}
	if s := w.state(); s.Started < 3 || s.Bytes > budget {
		t.Errorf("%d programs were started, which held %d bytes at once, more than %d", s.Started, s.Bytes, budget)
	}
}
