// Package serverapi is what the APIs that other servers call share: the API key that a
// request shows, and an action that is run for it and answered. adminapi is one of them
// and crossapp the other; both are optional, and the same on every host. The tests of
// all three are here, in one world.
package serverapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
)

// Config is what every API for servers needs. All of it is required but Log.
type Config struct {
	// PublicURL is the backend's base URL.
	PublicURL string
	// Authenticate tells whose a key of that kind is, or refuses it.
	Authenticate func(ctx context.Context, kind admin.KeyKind, text, address string) (admin.Actor, error)
	// Log receives one record a request; nil discards them.
	Log *slog.Logger
	// Now tells the time.
	Now func() time.Time
}

// API is one API for servers.
type API[On any] struct {
	Path     string        // below the backend's base URL
	Kind     admin.KeyKind // of the keys that it takes
	Routes   []Route[On]
	Target   On     // what its actions are done on
	Document []byte // describes the routes (OpenAPI 3.1)
}

// Route is one request of an API. The API's document describes each.
type Route[On any] struct {
	Method, Path string // below the API's path
	action       Action[On]
}

// NewRoute is what is done at a path.
func NewRoute[On any](method, path string, a Action[On]) Route[On] { return Route[On]{method, path, a} }

// server is what the calls of one API share.
type server struct {
	Config
	kind     admin.KeyKind
	secure   bool // the public URL is https
	failures *failures
	slots    lookupSlots
	known    *knownKeys
}

// Handler returns the handler of an API, mounted at the public URL's path and the API's.
func Handler[On any](c Config, a API[On]) (http.Handler, error) {
	public, err := url.Parse(c.PublicURL)
	if err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &server{
		Config: c, kind: a.Kind, secure: public.Scheme == "https",
		failures: newFailures(), slots: newLookupSlots(), known: newKnownKeys(),
	}
	base := strings.TrimSuffix(public.Path, "/") + a.Path
	mux := http.NewServeMux()
	for path, methods := range byPath(a) {
		mux.Handle(base+path, s.serve(methods))
	}
	mux.HandleFunc("GET "+base+documentPath, document(a.Document))
	mux.Handle("/", s.serve(nil))
	return mux, nil
}

// methods are what the methods of one path do.
type methods map[string]boundAction

func byPath[On any](a API[On]) map[string]methods {
	all := map[string]methods{}
	for _, r := range a.Routes {
		if all[r.Path] == nil {
			all[r.Path] = methods{}
		}
		all[r.Path][r.Method] = r.action.bind(a.Target)
	}
	return all
}
