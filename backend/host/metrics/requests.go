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

	// The children of both, which a request finds without a lock. Their number is
	// bounded by the contract's routes and kinds of answers.
	known atomic.Pointer[map[kind]children]
	mu    sync.Mutex // for adding children
}

// kind is the labels of a request.
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
			Name: "tabard_request_duration_seconds", Help: "Duration of requests, by the route's pattern and method.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "method"}),
	}
	r.known.Store(&map[kind]children{})
	return r
}

func (r *requests) childrenFor(k kind) children {
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

// Count counts the requests that a handler answers. The handler's log must be that of
// [Metrics.Log], otherwise error codes are missing.
func (m *Metrics) Count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &exchange{ResponseWriter: w, status: http.StatusOK}
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, e))
		begun := time.Now()
		next.ServeHTTP(e, r)
		c := m.requests.childrenFor(kind{route(r), method(r), e.code, e.status})
		c.count.Inc()
		c.duration.Observe(time.Since(begun).Seconds())
	})
}

// requestKey is the context key of an exchange.
type requestKey struct{}

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

// Unwrap gives http.ResponseController access to the server's writer.
func (e *exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }

// route returns the pattern that a request matched, without its method. A path as a
// label would be under the client's control.
func route(r *http.Request) string {
	return r.Pattern[strings.IndexByte(r.Pattern, ' ')+1:]
}

// method returns the request's method if the backend answers it.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}
