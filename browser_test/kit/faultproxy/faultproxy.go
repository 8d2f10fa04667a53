// Package faultproxy is the network of a browser in tests: all its requests go through
// a proxy that loses, delays and falsifies those that a test names.
package faultproxy

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Proxy is a network. Its methods are safe for concurrent use.
type Proxy struct {
	// Address is the proxy's, as browsers take it.
	Address string

	mu    sync.Mutex
	fault Fault
	at    map[string]Fault
	log   []Exchange
}

// Fault handles a request to the backend or the API, and reports whether it has
// answered in their place. It may replace the request's body. The request's context
// ends when the browser cancels it or the test ends.
type Fault func(w http.ResponseWriter, r *http.Request) (answered bool)

// Exchange is a request with its time of arrival.
type Exchange struct {
	Method, Path, Query, Body string
	At                        time.Time
}

// New returns a network without a fault.
func New(t testing.TB) *Proxy {
	t.Helper()
	p := &Proxy{at: map[string]Fault{}}
	ended, end := context.WithCancel(context.Background())
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ctx, stop := context.WithCancel(r.Context())
		defer context.AfterFunc(ended, stop)()
		defer stop()
		p.serve(rw, r.WithContext(ctx))
	}))
	t.Cleanup(func() {
		end()
		server.CloseClientConnections()
		server.Close()
	})
	p.Address = server.URL
	return p
}

// Set applies a fault to requests to the backend and the API from now on; nil removes
// it.
func (p *Proxy) Set(fault Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = fault
}

// SetAt applies a fault to requests for one path, including the page's files.
func (p *Proxy) SetAt(path string, fault Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at[path] = fault
}

// Seen returns the requests with paths that end in path, since the last call of Forget.
func (p *Proxy) Seen(path string) []Exchange {
	p.mu.Lock()
	defer p.mu.Unlock()
	var seen []Exchange
	for _, e := range p.log {
		if strings.HasSuffix(e.Path, path) {
			seen = append(seen, e)
		}
	}
	return seen
}

// Await waits until a request for this path has arrived, with this query if one is given.
func (p *Proxy) Await(t testing.TB, address string) {
	t.Helper()
	path, query, _ := strings.Cut(address, "?")
	for began := time.Now(); time.Since(began) < 30*time.Second; <-time.After(20 * time.Millisecond) {
		for _, e := range p.Seen(path) {
			if e.Path == path && (query == "" || e.Query == query) {
				return
			}
		}
	}
	t.Fatalf("no request for %s arrived", address)
}

// Forget clears the list of seen requests.
func (p *Proxy) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = nil
}

func (p *Proxy) serve(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if fault := p.record(r, string(body)); fault == nil || !fault(rw, r) {
		forward(rw, r)
	}
}

// record records a request and returns its fault.
func (p *Proxy) record(r *http.Request, body string) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	path := r.URL.Path
	p.log = append(p.log, Exchange{r.Method, path, r.URL.RawQuery, body, time.Now()})
	switch {
	case p.at[path] != nil:
		return p.at[path]
	case strings.HasPrefix(path, "/api/"), strings.HasPrefix(path, "/auth/") && !strings.HasPrefix(path, "/auth/client/"):
		return p.fault
	}
	return nil
}

// transport keeps no connections: the other side could close one, which would look like
// a fault.
var transport = &http.Transport{DisableCompression: true, DisableKeepAlives: true}

// forward sends a request on, even if the browser has canceled it: it is already on the
// network.
func forward(rw http.ResponseWriter, r *http.Request) {
	onward, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, r.URL.String(), r.Body)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	onward.Header = r.Header.Clone()
	onward.Header.Del("Proxy-Connection")
	answer, err := transport.RoundTrip(onward)
	if err != nil {
		panic(http.ErrAbortHandler) // the server refuses connections
	}
	defer answer.Body.Close()
	for name, values := range answer.Header {
		rw.Header()[name] = values
	}
	rw.WriteHeader(answer.StatusCode)
	io.Copy(rw, answer.Body)
}
