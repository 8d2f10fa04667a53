package metrics

import (
	"context"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// requests counts and times requests.
type requests struct {
	count    *prometheus.CounterVec
	duration *prometheus.HistogramVec

	// The children of both, which a request finds without a lock: there are as many as
	// the contract has routes and ways to answer.
	known atomic.Pointer[map[kind]children]
	mu    sync.Mutex // of who adds to them
}

// kind is what requests are counted by.
type kind struct {
	route, method, code string
	status              int
}

type children struct {
	count    prometheus.Counter
	duration prometheus.Observer
}

func newRequests() *requests {
	r := &requests{
		count: counter("tabard_requests_total",
			"Requests answered, by the route's pattern, method, status and the contract's error code. Mints are POST …/token with 200.",
			"route", "method", "status", "code"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tabard_request_duration_seconds", Help: "How long requests took, by the route's pattern and method.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "method"}),
	}
	r.known.Store(&map[kind]children{})
	return r
}

func (r *requests) of(k kind) children {
	if c, ok := (*r.known.Load())[k]; ok {
		return c
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	grown := maps.Clone(*r.known.Load())
	grown[k] = children{
		r.count.WithLabelValues(k.route, k.method, strconv.Itoa(k.status), k.code),
		r.duration.WithLabelValues(k.route, k.method),
	}
	r.known.Store(&grown)
	return grown[k]
}

// Count counts the requests that a handler answers. Its log has to be that of [Metrics.Log],
// or no request has an error code.
func (m *Metrics) Count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &exchange{ResponseWriter: w, status: http.StatusOK}
		r = r.WithContext(context.WithValue(r.Context(), underWay{}, e))
		begun := time.Now()
		next.ServeHTTP(e, r)
		c := m.requests.of(kind{route(r), method(r), e.code, e.status})
		c.count.Inc()
		c.duration.Observe(time.Since(begun).Seconds())
	})
}

// underWay is the context's key to the exchange that it belongs to.
type underWay struct{}

// exchange is a request and its answer.
type exchange struct {
	http.ResponseWriter
	status int
	code   string
}

// WriteHeader implements http.ResponseWriter.
func (e *exchange) WriteHeader(status int) {
	e.status = status
	e.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach what the server gave.
func (e *exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }

// route is the pattern that a served request met, without its method. A path would be a
// label of the client's making.
func route(r *http.Request) string {
	return r.Pattern[strings.IndexByte(r.Pattern, ' ')+1:]
}

// method is the request's, if it is one that anything here answers.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}
