package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/host/metrics"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/js"
)

func serveCommand() *cobra.Command {
	var s settings
	command := &cobra.Command{
		Use:     "serve",
		Short:   "Serve sign-in, tokens and the browser module",
		GroupID: groupServer,
		Long: `Serve answers browsers below --public-url, usually behind a proxy that terminates TLS.
It creates the tables and the signing key of an empty database, and migrates tables of
an older release; servers that start together do so one after the other. It waits up
to a minute for a PostgreSQL that does not answer yet, whose password may stand in the
file that PGPASSFILE names; until then /readyz and all but /healthz answer 503. On SIGTERM or an interrupt it
stops listening and lets running requests finish. On SIGHUP it reads --secret-file and
--oidc-client-secret-file again.`,
		Example: `  # for development: provider and secret on this machine
  tabard serve --public-url http://localhost:8080/auth \
    --oidc-issuer http://localhost:8081 \
    --oidc-client-id tabard --oidc-client-secret secret

  # in production, with both secrets kept out of the process list
  export TABARD_OIDC_CLIENT_SECRET=… TABARD_DATABASE=postgres://…
  tabard serve --public-url https://app.example.com/auth \
    --listen 10.0.0.5:8787 --secret-file /run/secrets/tabard \
    --oidc-issuer https://id.example.com --oidc-client-id tabard`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			if wrong := s.check(); wrong != nil {
				s.warn(c)
				return wrong
			}
			if !js.Built() {
				return errors.New("the browser module is not built; run: go run ./js/build")
			}
			return serve(c.Context(), &s, c.ErrOrStderr())
		},
	}
	s.addServer(command)
	return command
}

// databaseWait is how long a start waits for a database that does not answer yet, such
// as one that starts with the same machine. A service manager restarts the server after
// that.
const databaseWait = time.Minute

// serve runs the server, given valid settings, until ctx ends, and then lets running
// requests finish. It first listens: if the port is taken, the database is as before.
// Until the database is there, it answers that it starts.
func serve(ctx context.Context, s *settings, logs io.Writer) error {
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("%s: %w%s", source(s.flags.Lookup("listen")), err, listenHint(err))
	}
	defer listener.Close()
	lines := &logBuffer{to: logs}
	defer lines.flush()
	running, secret, err := s.newServer(lines)
	if err != nil {
		return err
	}
	arrived := newArrivals()
	starting, err := host.Starting(s.publicURL, arrived.await)
	if err != nil {
		return err // checked
	}
	server := enter(listener, starting, running.log)
	defer server.http.Close()
	err = running.openStore(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		running.log.Info("stopped while it waited for the database")
		return nil
	}
	if err != nil {
		return err
	}
	defer running.store.Close()
	return running.serve(ctx, secret, listener.Addr(), server, arrived)
}

// serve answers requests with the database until ctx ends, and then stops.
func (s *server) serve(ctx context.Context, secret signingkey.Secret, address net.Addr, server *entrance, arrived *arrivals) error {
	if err := s.load(ctx, secret); err != nil {
		return err
	}
	defer s.unload()
	handler, err := s.wrapHandler()
	if err != nil {
		return err
	}
	for _, w := range s.warnings() {
		s.log.Warn(w)
	}
	stopReloading := s.reloadOnHangup(ctx)
	defer stopReloading()
	tuneGC()
	server.open(handler)
	arrived.end(handler)
	s.tellStart(address)
	err = gracefulStop{s.readiness, s.delay(), s.endings.Stop}.run(ctx, server, s.log)
	s.recordShutdown()
	return err
}

// listenHint returns what helps where a server cannot listen.
func listenHint(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "; another program has this port: end it, or pass another one"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "; pass an address of this machine, or :PORT for all of them"
	case errors.Is(err, fs.ErrPermission):
		return "; ports below 1024 are root's: pass a higher one, and let the proxy use it"
	}
	return ""
}

// tellStart records that the server listens, and whether it serves.
func (s *server) tellStart(listener net.Addr) {
	if held := s.epoch.Held(); held != nil {
		s.log.Warn("listening, but no request is answered", "cause", held, "listen", listener.String(), "public_url", s.publicURL)
		return
	}
	s.log.Info("serving", "listen", listener.String(), "public_url", s.publicURL)
}

// before puts before the backend's handler the tasks that it does not do itself: it finds
// the sender of requests, counts them, and shows the counts to permitted clients.
func (s *settings) wrapHandler(handler http.Handler, counted *metrics.Metrics) (http.Handler, error) {
	trusted, err := parseProxies(s.trustedProxies)
	if err != nil {
		return nil, err // checked
	}
	from, err := parseProxies(s.metricsFrom)
	if err != nil {
		return nil, err // checked
	}
	return metricsAccess{from, trusted}.wrap(s.publicURL, counted.Page(), trusted.wrap(counted.Count(handler)))
}

// tuneGC saves three of four garbage collections for some 15 MB of memory, because
// little lives long here. GOGC in the environment takes precedence.
func tuneGC() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}
