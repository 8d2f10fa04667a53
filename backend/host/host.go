// Package host assembles the backend from its packages, for the main programs and for
// tests.
package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/browserapi"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/domain"
	"github.com/tabard-auth/tabard/backend/events"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/revalidation"
	"github.com/tabard-auth/tabard/backend/serverapi"
	"github.com/tabard-auth/tabard/backend/serverapi/adminapi"
	"github.com/tabard-auth/tabard/backend/serverapi/crossapp"
	"github.com/tabard-auth/tabard/backend/signin"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/trace"
)

// Config holds the differences between deployments.
type Config struct {
	// PublicURL is the backend's base URL for browsers, and the issuer.
	PublicURL string
	// CookieMark is part of the names of the server's cookies, so that several servers
	// on one host do not share cookies. If empty, it is derived from PublicURL.
	CookieMark string
	Secret     signingkey.Secret
	// Algorithm signs access tokens; "" means ES256.
	Algorithm signingkey.Algorithm
	// Keys are the store's signing keys. Nil makes a ring of Secret and Algorithm.
	Keys *signingkey.KeyRing
	// Provider is the OpenID provider; its redirect URL follows from PublicURL.
	Provider login.Config
	// Tenants sends requests to the providers of organizations' own connections. Nil
	// forbids all. Their addresses are checked before it is called.
	Tenants http.RoundTripper
	// LoopbackConnections allows connections on this machine, for development. New
	// refuses it if the public URL is not on this machine.
	LoopbackConnections bool
	// Resolver looks up the DNS records of domains. Nil looks up none.
	Resolver domain.Resolver
	// Client serves the browser module's files, below /client/. Nil serves none.
	Client http.Handler
	// Proofs remembers used device proofs, also when one handler replaces another. Nil
	// makes a memory for this handler.
	Proofs *Proofs
	// Ready returns an error if the replica should not receive requests. Nil only pings
	// the store.
	Ready func(context.Context) error
	// Later runs the rest of a revalidation after its mint was answered. Nil means a
	// goroutine.
	Later func(ctx context.Context, run func())
	// FarDatabase has requests begin reads before their turn: each round trip takes long.
	FarDatabase bool
	// Endings lets polls of the feed of endings wait. Nil answers them at once.
	Endings *events.Reader
	// Epoch holds requests back from a database that was restored; nil holds none back.
	Epoch *Epoch
	Log   *slog.Logger
	Now   func() time.Time
}

// Store is the backend's database.
type Store interface {
	browserapi.Store
	signingkey.Store
	admin.Store
	events.Store
	Ping(ctx context.Context) error
}

// New returns the backend's handler.
func New(c Config, store Store) (http.Handler, error) {
	public, err := publicurl.Parse(c.PublicURL)
	if err != nil {
		return nil, err
	}
	if c.LoopbackConnections && !directory.Loopback(public.Hostname()) {
		return nil, fmt.Errorf("%w: %s", ErrNotLoopback, c.PublicURL)
	}
	c.setDefaults(store)
	ring := c.Keys
	flow := signin.New(signin.Config{
		PublicURL: c.PublicURL, Store: store, Secret: c.Secret, Provider: login.New(c.Provider), ClientKey: c.Provider.ClientKey,
		Tenants: login.Guarded{Next: trace.Transport(c.Tenants), Loopback: c.LoopbackConnections},
	})
	revalidator := revalidation.New(revalidation.Config{Store: store, Providers: flow, Secret: c.Secret, Later: c.Later, Log: c.Log})
	contract, err := browserapi.New(browserapi.Config{
		PublicURL: c.PublicURL, CookieMark: c.CookieMark, Store: store, Secret: c.Secret, Keys: ring,
		SignIn: flow, Revalidator: revalidator, ClientKey: c.Provider.ClientKey, Proofs: c.Proofs.browsers, Log: c.Log, Now: c.Now, FarDatabase: c.FarDatabase,
	})
	if err != nil {
		return nil, err
	}
	service := admin.New(admin.Config{
		Store: store, Secret: c.Secret, Now: c.Now, Resolver: c.Resolver,
		RedirectURI: func(id string) string { return publicurl.ConnectionCallback(c.PublicURL, id) },
	})
	forServers := serverapi.Config{PublicURL: c.PublicURL, Authenticate: service.Authenticate, Log: c.Log, Now: c.Now}
	administration, err := adminapi.New(forServers, service)
	if err != nil {
		return nil, err
	}
	sessions, err := crossapp.New(crossapp.Config{Config: forServers, Store: store, Keys: ring, Secret: c.Secret, Revalidator: revalidator, Proofs: c.Proofs.servers})
	if err != nil {
		return nil, err
	}
	feed, err := events.New(events.Config{Config: forServers, Store: store, Keys: ring, Reader: c.Endings})
	if err != nil {
		return nil, err
	}
	base := strings.TrimSuffix(public.Path, "/")
	mux := http.NewServeMux()
	mux.Handle("/", contract)
	mux.Handle(base+adminapi.Path+"/", administration)
	mux.Handle(base+crossapp.Path+"/", sessions)
	mux.Handle(base+events.Path+"/", feed)
	mux.HandleFunc("GET "+base+"/healthz", func(w http.ResponseWriter, _ *http.Request) { health(w, nil, nil) })
	mux.HandleFunc("GET "+base+"/readyz", func(w http.ResponseWriter, r *http.Request) {
		health(w, c.Ready(r.Context()), ring.PassedOver())
	})
	if c.Client != nil {
		mux.Handle(base+api.PathClient, http.StripPrefix(base+strings.TrimSuffix(api.PathClient, "/"), c.Client))
	}
	var handler http.Handler = mux
	if c.Epoch != nil {
		handler = c.Epoch.guard(base, public.Scheme == "https", mux)
	}
	return trace.Handler(handler), nil
}

// setDefaults fills in the fields that a host may leave out.
func (c *Config) setDefaults(store Store) {
	if c.Algorithm == "" {
		c.Algorithm = signingkey.ES256
	}
	if c.Provider.Transport == nil {
		c.Provider.Transport = http.DefaultTransport
	}
	c.Provider.Transport = trace.Transport(c.Provider.Transport)
	c.Provider.RedirectURL = publicurl.Callback(c.PublicURL)
	if c.Tenants == nil {
		c.Tenants = noConnections{}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log != nil {
		c.Log = slog.New(trace.Log(Log(c.Log.Handler(), c.Secret)))
	}
	if c.Keys == nil {
		c.Keys = signingkey.NewKeyRing(store, c.Secret, c.Algorithm)
	}
	if c.Proofs == nil {
		c.Proofs = NewProofs()
	}
	if c.Ready == nil {
		c.Ready = func(ctx context.Context) error { return store.Ping(ctx) }
	}
}

// ErrNotLoopback refuses connections on this machine if the public URL is on another.
var ErrNotLoopback = errors.New("connections to providers on this machine are for development and need a public URL on this machine")

// noConnections is the transport of a host without connections to organizations' providers.
type noConnections struct{}

func (noConnections) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("this host does not connect to organizations' own providers")
}

// health answers health checks. A replica that cannot open some signing keys stays in
// service and lists them; it lacks a secret that another replica has. A replica that
// should not receive requests names the failing part.
func health(w http.ResponseWriter, err error, passedOver []string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	answer := struct {
		Status     string   `json:"status"`
		Failed     string   `json:"failed,omitempty"`
		PassedOver []string `json:"signing_keys_passed_over,omitempty"`
	}{Status: "ok", PassedOver: passedOver}
	if err != nil {
		answer.Status = "unavailable"
		if notReady, ok := errors.AsType[*NotReady](err); ok {
			answer.Failed = notReady.Part
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(answer)
}
