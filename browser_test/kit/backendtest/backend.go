// Package backendtest runs a backend in the test's own process: the host on a database,
// its OpenID provider, browsers without a window, and a clock that tests move.
package backendtest

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/backend/domain"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// The addresses. The provider is on another site than the app and its backend.
const (
	Origin    = "http://localhost:8080"
	PublicURL = Origin + "/auth"
	Issuer    = "http://127.0.0.1:8081"

	backendHost  = "localhost:8080"
	providerHost = "127.0.0.1:8081"
)

// Backend is a backend with its provider, and the network in which both are reached.
type Backend struct {
	Hosts    httpbrowser.Hosts
	Provider *logintest.Provider
	Through  host.Store // the store that the backend uses
	Logged   *Log
	Metrics  Metrics             // nil without metrics
	Relying  func(*login.Config) // changes the relying party before Restart; may be nil

	Resolver domain.Resolver // looks up DNS records after Restart; may be nil
	Far      bool            // after Restart, the database counts as far away

	t  testing.TB
	db *Database
}

// Metrics counts what a backend does; host/metrics implements it.
type Metrics interface {
	Log(slog.Handler) slog.Handler
	Store(host.Store) host.Store
	Count(http.Handler) http.Handler
}

// New starts a backend on a database. wrap, if not nil, wraps its store.
func New(t testing.TB, db *Database, wrap func(host.Store) host.Store) *Backend {
	t.Helper()
	b := &Backend{Provider: logintest.New(t, Issuer), Through: db.Store, Logged: &Log{}, t: t, db: db}
	b.Provider.Now = db.Now
	if wrap != nil {
		b.Through = wrap(db.Store)
	}
	b.join()
	return b
}

// Replica starts another backend on the same database, with the same provider.
func (b *Backend) Replica() *Backend {
	b.t.Helper()
	other := *b
	other.join()
	return &other
}

// join starts the backend in a network of its own.
func (b *Backend) join() {
	b.t.Helper()
	b.Hosts = httpbrowser.Hosts{providerHost: b.Provider}
	b.Restart()
}

// In returns the same backend for a subtest, on the subtest's database.
func (b *Backend) In(t testing.TB, db *Database) *Backend {
	other := *b
	other.t, other.db = t, db
	return &other
}

// Restart replaces the backend with a new one, whose caches are empty.
func (b *Backend) Restart() {
	b.t.Helper()
	b.Hosts[backendHost] = b.Handler(PublicURL, b.Through)
}

// Failing puts a store that can fail between the backend and its database's file.
func (b *Backend) Failing() *lite.Faulty {
	b.t.Helper()
	faulty := lite.OpenFaulty(b.t, b.db.File)
	b.Through = faulty
	b.Restart()
	return faulty
}

// Handler returns the handler of a backend at a public URL, on a store.
func (b *Backend) Handler(publicURL string, store host.Store) http.Handler {
	b.t.Helper()
	var log slog.Handler = slog.NewJSONHandler(b.Logged, &slog.HandlerOptions{Level: slog.LevelDebug})
	if b.Metrics != nil {
		log, store = b.Metrics.Log(log), b.Metrics.Store(store)
	}
	relying := login.Config{Issuer: Issuer, ClientID: logintest.ClientID, ClientSecret: logintest.ClientSecret, Transport: b.Hosts}
	if b.Relying != nil {
		b.Relying(&relying)
	}
	handler, err := host.New(host.Config{
		PublicURL: publicURL, Secret: b.db.Secret, Now: b.db.Now,
		Log: slog.New(log), Provider: relying,
		Tenants: b.Hosts, LoopbackConnections: publicURL == PublicURL, Resolver: b.Resolver, FarDatabase: b.Far,
	}, store)
	if err != nil {
		b.t.Fatal(err)
	}
	if b.Metrics != nil {
		return b.Metrics.Count(handler)
	}
	return handler
}

// Browser returns a browser at a page of an origin.
func (b *Backend) Browser(origin string) *httpbrowser.Browser {
	browser := httpbrowser.New(b.t, origin, PublicURL)
	browser.Transport, browser.Now = b.Hosts, b.db.Now
	return browser
}
