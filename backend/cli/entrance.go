package cli

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/tabard-auth/tabard/backend/host"
)

// Limits of the HTTP server.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
)

// entrance is the HTTP server on a listener. Its handler can be replaced while it runs.
type entrance struct {
	http    *http.Server
	handler atomic.Pointer[http.Handler]
	closing atomic.Bool // responses close their connections
	failed  chan error  // receives the error that ended it
}

// enter starts to serve requests that arrive at the listener.
func enter(listener net.Listener, handler http.Handler, log *slog.Logger) *entrance {
	e := &entrance{failed: make(chan error, 1)}
	e.open(handler)
	e.http = &http.Server{
		Handler: closeWhen(&e.closing, host.BoundHeader(http.HandlerFunc(e.serveHTTP))), ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: host.MaxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	go func() { e.failed <- e.http.Serve(listener) }()
	return e
}

// open makes the handler answer requests that arrive from now on.
func (e *entrance) open(handler http.Handler) { e.handler.Store(&handler) }

// usualStart is how long requests wait for a server that has just been started. Later they
// are refused at once.
const usualStart = 2 * time.Second

// arrivals are the requests that come before there is a handler for them.
type arrivals struct {
	handler     http.Handler
	there, late chan struct{}
}

func newArrivals() *arrivals {
	w := &arrivals{there: make(chan struct{}), late: make(chan struct{})}
	time.AfterFunc(usualStart, func() { close(w.late) })
	return w
}

// await returns the handler, or nil if a usual start takes less.
func (w *arrivals) await(ctx context.Context) http.Handler {
	select {
	case <-w.there:
		return w.handler
	case <-w.late:
	case <-ctx.Done():
	}
	return nil
}

// end gives the handler to the requests that wait.
func (w *arrivals) end(handler http.Handler) {
	w.handler = handler
	close(w.there)
}

func (e *entrance) serveHTTP(w http.ResponseWriter, r *http.Request) {
	(*e.handler.Load()).ServeHTTP(w, r)
}

// closeWhen makes responses close their connections once closing is set.
func closeWhen(closing *atomic.Bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if closing.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
