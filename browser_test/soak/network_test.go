//go:build long

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// network is the bad network between a browser and its backend: a reverse proxy that
// loses requests on the way there and answers on the way back, delays them, and
// sometimes answers in the backend's place. It makes no duplicates of its own; a
// browser repeats a request that it lost on a reused connection.
type network struct {
	backend string // http://host:port
	scale   float64

	mu     sync.Mutex
	random *rand.Rand
	bad    bool
	calm   chan struct{} // closed when delays have ended

	way sync.RWMutex // held for reading by each request under way; see whileIdle

	counts struct {
		requests, lost, answersLost, hung, delayed, falsified, successors atomic.Int64
	}
}

func newNetwork(scale float64, seed uint64) *network {
	return &network{scale: scale, random: rand.New(rand.NewPCG(seed, 1)), calm: make(chan struct{})}
}

// setBad turns the network's faults on or off.
func (n *network) setBad(bad bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.bad = bad
}

// settles is how long an answer may take from the proxy to the cookie jar.
const settles = time.Second

// whileIdle waits until no request is under way between browser and backend, and runs pass,
// which advances the time for both: as on a computer that sleeps.
func (n *network) whileIdle(pass func()) {
	n.mu.Lock()
	close(n.calm)
	n.mu.Unlock()
	n.way.Lock()
	defer n.way.Unlock()
	<-time.After(settles)
	pass()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calm = make(chan struct{})
}

// disruption is the fault that a request meets. Delays are in the time of the run.
type disruption struct {
	lost, answerLost, hung bool
	there, back            time.Duration
	falsified              int // the status of an answer that is not the backend's; 0 for none
	calm                   <-chan struct{}
}

// draw decides the disruption of a request: 3 % lost each way, 1 % never answered, 2 %
// falsified, a tenth delayed each way, some of them longer than the client waits.
func (n *network) draw() disruption {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := disruption{calm: n.calm}
	if !n.bad {
		return f
	}
	f.there, f.back = n.delay(), n.delay()
	switch p := n.random.Float64(); {
	case p < 0.03:
		f.lost = true
	case p < 0.06:
		f.answerLost = true
	case p < 0.07:
		f.hung = true
	case p < 0.09:
		f.falsified = []int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusOK, http.StatusUnauthorized}[n.random.IntN(4)]
	}
	return f
}

func (n *network) delay() time.Duration {
	switch p := n.random.Float64(); {
	case p < 0.01:
		return time.Duration(n.random.Float64() * float64(25*time.Second))
	case p < 0.10:
		return time.Duration(n.random.ExpFloat64() * float64(time.Second))
	}
	return 0
}

// hold waits for a delay in the run's time, or until calm is closed.
func (n *network) hold(d time.Duration, calm <-chan struct{}) {
	if d == 0 {
		return
	}
	n.counts.delayed.Add(1)
	select {
	case <-time.After(time.Duration(float64(d) / n.scale)):
	case <-calm:
	}
}

// ServeHTTP handles one exchange. A request that is already sent goes on even if the
// page no longer waits for the answer.
func (n *network) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	n.way.RLock()
	defer n.way.RUnlock()
	n.counts.requests.Add(1)
	f := disruption{}
	switch {
	case strings.HasSuffix(r.URL.Path, "/client/module.json"):
		f = n.draw()
		f.hung = false
	case strings.HasSuffix(r.URL.Path, "/token"), strings.HasSuffix(r.URL.Path, "/session"):
		f = n.draw()
	}
	n.exchange(w, r, body, f)
}

func (n *network) exchange(w http.ResponseWriter, r *http.Request, body []byte, f disruption) {
	n.hold(f.there, f.calm)
	switch {
	case f.lost:
		n.counts.lost.Add(1)
		panic(http.ErrAbortHandler)
	case f.falsified != 0:
		n.counts.falsified.Add(1)
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(f.falsified)
		fmt.Fprint(w, "<!doctype html><title>Welcome to the hotel</title>")
		return
	}
	answer, text, err := n.forward(r, body)
	if err != nil {
		http.Error(w, "the backend cannot be reached", http.StatusBadGateway)
		return
	}
	for _, c := range answer.Cookies() {
		if strings.HasSuffix(r.URL.Path, "/token") && c.MaxAge > 0 {
			n.counts.successors.Add(1)
		}
	}
	n.hold(f.back, f.calm)
	switch {
	case f.answerLost:
		n.counts.answersLost.Add(1)
		panic(http.ErrAbortHandler)
	case f.hung:
		n.counts.hung.Add(1)
		select {
		case <-r.Context().Done():
		case <-f.calm:
		}
		panic(http.ErrAbortHandler)
	}
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	w.Write(text)
}

// forward sends a request on and reads its whole answer.
func (n *network) forward(r *http.Request, body []byte) (*http.Response, []byte, error) {
	onward, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, n.backend+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	onward.Header, onward.Host = r.Header.Clone(), r.Host
	answer, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(onward)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer, text, err
}
