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
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tabard-auth/tabard/backend/events"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/host/metrics"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/migrate"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/js"
)

// server is a running server: the parts that stay when secrets are reloaded, and the
// loaded ones.
type server struct {
	*settings
	store      *sqlstore.Store
	metrics    *metrics.Metrics
	epoch      *host.Epoch
	readiness  *host.Readiness
	proofs     *host.Proofs
	endings    *events.Reader
	replica    string
	log        *slog.Logger // names sessions under the secret of the start
	logHandler slog.Handler // without the naming of sessions

	loaded atomic.Pointer[loaded]
}

// loaded depends on the secrets, and is replaced when they are reloaded.
type loaded struct {
	handler      http.Handler
	secret       signingkey.Secret
	clientSecret string // at the workspace's provider
	heartbeat    *host.Heartbeat
	stop         func() // ends the background work
}

// newServer returns a server without a database, and the secret, which is not used yet.
func (s *settings) newServer(logs io.Writer) (*server, signingkey.Secret, error) {
	secret, err := s.secret()
	if err != nil {
		return nil, secret, err
	}
	counted := metrics.New()
	records := counted.Log(s.logger(logs).Handler())
	return &server{
		settings: s, metrics: counted, logHandler: records, log: slog.New(host.Log(records, secret)),
		proofs: host.NewProofs(), replica: host.NewReplicaName(),
	}, secret, nil
}

// openStore waits for the database, opens it and brings its tables up to date.
func (s *server) openStore(ctx context.Context) error {
	store, err := s.settings.open(ctx, migrate.Opening{Schema: migrate.UpToDate, Alone: true, Wait: databaseWait, Log: s.log})
	if err != nil {
		return err
	}
	s.store, s.endings = store, events.NewReader(store)
	s.epoch = &host.Epoch{Store: store, Log: s.log}
	s.readiness = &host.Readiness{Store: store, Epoch: s.epoch, Log: s.log}
	s.metrics.Watch(store, s.keys)
	return nil
}

// keys returns the ring of the secrets that were read last, or nil.
func (s *server) keys() *signingkey.KeyRing {
	if l := s.loaded.Load(); l != nil {
		return l.heartbeat.Ring
	}
	return nil
}

// ServeHTTP handles requests with the secrets read last. A running request keeps those
// that it started with.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.loaded.Load().handler.ServeHTTP(w, r)
}

// load makes the server use a secret, and the client secret that its file has now. On an
// error all stays as it is.
func (s *server) load(ctx context.Context, secret signingkey.Secret) error {
	if err := s.epoch.Check(ctx, secret.Epoch()); err != nil && s.epoch.Held() == nil {
		return err
	}
	ring := signingkey.NewKeyRing(s.store, secret, signingkey.Algorithm(s.signingAlgorithm))
	if _, err := ring.Signing(ctx, "", 0, time.Now().Unix()); err != nil {
		return s.otherSecret(err)
	}
	provider, err := s.currentProvider()
	if err != nil {
		return err
	}
	provider.Transport = s.metrics.Provider(metrics.ProviderWorkspace, login.NewWorkspaceTransport())
	log := slog.New(host.Log(s.logHandler, secret))
	upkeep, err := s.maintenance(ring, secret, log)
	if err != nil {
		return err // checked
	}
	handler, err := host.New(host.Config{
		PublicURL: s.publicURL, CookieMark: s.cookieMark, Secret: secret, Keys: ring, Proofs: s.proofs,
		Provider: provider, Client: js.Handler(), Log: log, Resolver: net.DefaultResolver,
		Tenants: s.metrics.Provider(metrics.ProviderConnection, login.NewTransport(s.loopbackConnections)), LoopbackConnections: s.loopbackConnections,
		Ready: func(ctx context.Context) error { return s.readiness.Check(ctx, ring) }, Epoch: s.epoch, Endings: s.endings,
	}, s.metrics.Store(s.store))
	if err != nil {
		return err
	}
	attendance := &host.Heartbeat{Store: s.store, Ring: ring, Secret: secret, Replica: s.replica, Log: log}
	if s.loaded.Load() == nil { // other replicas must know the secret before it is used
		if err := attendance.Note(ctx, time.Now()); err != nil {
			return err
		}
	}
	s.unload()
	s.loaded.Store(&loaded{handler, secret, provider.ClientSecret, attendance, background(ctx,
		func(ctx context.Context) { s.cleanUp(ctx, upkeep) }, attendance.Run,
		func(ctx context.Context) { s.epoch.Run(ctx, secret.Epoch()) })})
	return nil
}

// otherSecret names the setting where no signing key opens under the secret.
func (s *settings) otherSecret(err error) error {
	if !errors.Is(err, signingkey.ErrSealed) {
		return err
	}
	return fmt.Errorf("%s: the database's signing keys were sealed under another secret: give this replica the file that the others have; "+
		"there tabard secret status tells the ids of its values: %w", source(s.flags.Lookup("secret-file")), err)
}

// background runs tasks until stop is called, which waits for them.
func background(ctx context.Context, tasks ...func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, task := range tasks {
		running.Go(func() { task(ctx) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// unload ends the background work.
func (s *server) unload() {
	if before := s.loaded.Load(); before != nil {
		before.stop()
	}
}

// recordShutdown records that the replica has stopped.
func (s *server) recordShutdown() {
	s.unload()
	if err := s.loaded.Load().heartbeat.Leave(time.Now()); err != nil {
		s.log.Warn("the shutdown of this replica was not recorded; commands count it as running for some minutes", "cause", err)
	}
}

// reloadOnHangup reloads the secrets on every SIGHUP, until ctx ends or stop is called.
func (s *server) reloadOnHangup(ctx context.Context) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	end := background(ctx, func(ctx context.Context) {
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangups:
				s.reload(ctx)
			}
		}
	})
	return func() {
		signal.Stop(hangups)
		end()
	}
}

// reload reads the secrets again. On an error the server keeps the current ones.
func (s *server) reload(ctx context.Context) {
	before := s.loaded.Load()
	secret, err := s.secret()
	if err == nil {
		err = s.load(ctx, secret)
	}
	if err != nil {
		s.log.Error("the secrets were not reloaded; the server keeps using the current ones", "cause", err)
		return
	}
	s.tellReload(before, s.loaded.Load())
	if err := s.loaded.Load().heartbeat.Note(ctx, time.Now()); err != nil {
		s.log.Error("the secret of this replica was not recorded; the next attempt follows in a minute", "cause", err)
	}
}

// tellReload records which values the server has now, and whether anything is new: a file
// that was replaced elsewhere than where the server reads it changes nothing.
func (s *server) tellReload(before, now *loaded) {
	was, err := before.secret.IDs()
	is, err2 := now.secret.IDs()
	if err := errors.Join(err, err2); err != nil {
		s.log.Error("the values of the secret cannot be named", "cause", err)
		return
	}
	renewed := !slices.Equal(was, is) || before.secret.Epoch() != now.secret.Epoch()
	switch client := before.clientSecret != now.clientSecret; {
	case renewed || client:
		s.log.Info("secrets reloaded", "secret", is, "secret_changed", renewed, "client_secret_changed", client)
	case copied(s.secretFile) || copied(s.oidcSecretFile):
		s.log.Warn("secrets reloaded: unchanged, since systemd copies them when it starts the server (LoadCredential): for new ones restart it", "secret", is)
	default:
		s.log.Info("secrets reloaded: unchanged", "secret", is)
	}
}

// copied reports whether a file is a credential that systemd copied.
func copied(path string) bool {
	folder := os.Getenv("CREDENTIALS_DIRECTORY")
	return folder != "" && strings.HasPrefix(path, folder+"/")
}
