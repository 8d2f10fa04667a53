package cli

import (
	"context"
	"fmt"
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
	shutdownTimeout   = 15 * time.Second
)

// stopDelay is the default time that a server keeps serving after SIGTERM: three checks
// of a proxy that checks every second, and a reserve.
const stopDelay = 5 * time.Second

const maxStopDelay = 5 * time.Minute

// gracefulStop stops a server in order: it is no longer ready, so that proxies choose
// other servers; its responses close their connections; it stops listening, and running
// requests finish.
type gracefulStop struct {
	readiness *host.Readiness
	delay     time.Duration
	stopPolls func() // answers the requests that wait for events
}

// run serves until ctx ends, and then stops.
func (s gracefulStop) run(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger) error {
	var closing atomic.Bool
	server := &http.Server{
		Handler: closeWhen(&closing, host.BoundHeader(handler)), ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: host.MaxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.readiness.Stop()
	log.Info("stopping: no longer ready, requests are still answered", "for", s.delay.String())
	if err := waitOrFail(failed, s.delay*4/5); err != nil {
		return err
	}
	closing.Store(true)
	s.stopPolls()
	if err := waitOrFail(failed, s.delay/5); err != nil {
		return err
	}
	log.Info("stopping: waiting for running requests to finish")
	finish, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(finish); err != nil {
		return fmt.Errorf("requests still running after %v were cut off", shutdownTimeout)
	}
	log.Info("stopped")
	return nil
}

// waitOrFail waits for a time, or returns the server's error before that.
func waitOrFail(failed <-chan error, delay time.Duration) error {
	over := time.NewTimer(delay)
	defer over.Stop()
	select {
	case err := <-failed:
		return err
	case <-over.C:
		return nil
	}
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
