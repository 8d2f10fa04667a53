package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/host/metrics"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/migrate"
	"github.com/tabard-auth/tabard/js"
)

func serveCommand() *cobra.Command {
	var s settings
	command := &cobra.Command{
		Use:     "serve",
		Short:   "Serve sign-in, tokens and the browser module",
		GroupID: groupServer,
		Long: `Serve answers browsers below --public-url, usually from behind the proxy that ends
TLS. It makes the database's tables and the signing key where there are none, and
brings tables of an older release up to date; servers that start together do so one
after the other. A PostgreSQL that does not answer yet it waits for, for a minute. On
an interrupt it stops to listen and lets the requests under way finish.`,
		Example: `  # at the desk: a provider on this machine, the secret beside the SQLite file
  tabard serve --public-url http://localhost:8080/auth \
    --oidc-issuer http://localhost:8081 \
    --oidc-client-id tabard --oidc-client-secret secret

  # in production, with the two secrets out of the process list
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

// databaseWait is how long a start waits for a database that does not answer: as long as
// one takes that starts with the same machine. Whatever restarts the server goes on.
const databaseWait = time.Minute

// serve runs the server, of settings that are right, until ctx ends, then lets
// requests under way finish. Where the port is taken, it has done nothing.
func serve(ctx context.Context, s *settings, logs io.Writer) error {
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("%s: %w", source(s.flags.Lookup("listen")), err)
	}
	defer listener.Close()
	secret, err := s.secret()
	if err != nil {
		return err
	}
	lines := &gathered{to: logs}
	defer lines.flush()
	counted := metrics.New()
	log := slog.New(host.Log(counted.Log(s.logger(lines).Handler()), secret))
	store, err := s.open(ctx, migrate.Opening{Schema: migrate.UpToDate, Wait: databaseWait, Log: log})
	if err != nil {
		return err
	}
	defer store.Close()
	algorithm := signingkey.Algorithm(s.signingAlgorithm)
	ring := signingkey.NewRing(store, secret, algorithm)
	if _, err := ring.Signing(ctx, "", 0, time.Now().Unix()); err != nil {
		return err
	}
	attendance := &host.Attendance{Store: store, Ring: ring, Secret: secret, Replica: host.NewReplicaName(), Log: log}
	if err := attendance.Note(ctx, time.Now()); err != nil {
		return err
	}
	upkeep, err := newUpkeep(s, store, ring, secret)
	if err != nil {
		return err // checked
	}
	handler, err := host.New(host.Config{
		PublicURL: s.publicURL, Secret: secret, Keys: ring,
		Provider: s.provider, Client: js.Handler(), Log: log,
		Tenants: login.NewTransport(s.loopbackConnections), LoopbackConnections: s.loopbackConnections,
	}, counted.Store(store))
	if err == nil {
		handler, err = s.before(handler, counted)
	}
	if err != nil {
		return err
	}
	for _, w := range s.warnings() {
		log.Warn(w)
	}
	go upkeep.run(ctx, log)
	go attendance.Run(ctx)
	collectRarely()
	log.Info("serving", "listen", listener.Addr().String(), "public_url", s.publicURL)
	err = run(ctx, listener, handler, log)
	if left := attendance.Leave(time.Now()); left != nil {
		log.Warn("it was not written down that this replica ended; commands wait for it some minutes", "cause", left)
	}
	return err
}

// before puts before the backend's handler what it does not do itself: it learns where
// requests came from, is counted, and shows the counts to those who may see them.
func (s *settings) before(handler http.Handler, counted *metrics.Metrics) (http.Handler, error) {
	trusted, err := parseProxies(s.trustedProxies)
	if err != nil {
		return nil, err // checked
	}
	from, err := parseProxies(s.metricsFrom)
	if err != nil {
		return nil, err // checked
	}
	return operators{from, trusted}.before(s.publicURL, counted.Page(), trusted.before(counted.Count(handler)))
}

// collectRarely trades some 15 MB of memory for the processor time of three garbage
// collections in four: what lives long is small here. GOGC in the environment takes
// precedence.
func collectRarely() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}

// Limits of the HTTP server.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	shutdownTimeout   = 15 * time.Second
	maxHeader         = 16 << 10
)

// run serves until ctx ends, then waits shutdownTimeout for requests under way.
func run(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Info("stopping: requests under way may finish")
	finish, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(finish); err != nil {
		return fmt.Errorf("requests were cut off after %v", shutdownTimeout)
	}
	log.Info("stopped")
	return nil
}
