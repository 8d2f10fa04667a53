package cli

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/tabard-auth/tabard/backend/host"
)

// shutdownTimeout is how long running requests may take to finish.
const shutdownTimeout = 15 * time.Second

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

// run waits until ctx ends, and then stops the server.
func (s gracefulStop) run(ctx context.Context, server *entrance, log *slog.Logger) error {
	select {
	case err := <-server.failed:
		return err
	case <-ctx.Done():
	}
	s.readiness.Stop()
	log.Info("stopping: no longer ready, requests are still answered", "for", s.delay.String())
	if err := waitOrFail(server.failed, s.delay*4/5); err != nil {
		return err
	}
	server.closing.Store(true)
	s.stopPolls()
	if err := waitOrFail(server.failed, s.delay/5); err != nil {
		return err
	}
	log.Info("stopping: waiting for running requests to finish")
	finish, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := server.http.Shutdown(finish); err != nil {
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
