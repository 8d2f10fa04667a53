// Package serverapi is shared by the APIs for servers: it authenticates a request by
// its API key, runs an action and responds. The APIs are adminapi and crossapp; both
// are optional, and the same on every host. The tests of all three are here.
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

// Config configures an API. All fields but Log are required.
type Config struct {
	// PublicURL is the backend's base URL.
	PublicURL string
	// Authenticate returns the actor of a key of that kind, or a refusal.
	Authenticate func(ctx context.Context, kind admin.KeyKind, text, address string) (admin.Actor, error)
	// Log receives one record for each request; nil discards them.
	Log *slog.Logger
	// Now returns the current time.
	Now func() time.Time
}

// API is an API for servers.
type API[On any] struct {
	Path     string        // below the backend's base URL
	Kind     admin.KeyKind // of the keys that it accepts
	Routes   []Route[On]
	Target   On     // passed to its actions
	Document []byte // describes the routes (OpenAPI 3.1)
}

// Route is a route of an API, described in the API's document.
type Route[On any] struct {
	Method, Path string // below the API's path
	action       Action[On]
}

// NewRoute returns the route of a method and path.
func NewRoute[On any](method, path string, a Action[On]) Route[On] { return Route[On]{method, path, a} }

// server is shared by the calls of one API.
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

// methods maps methods to the actions of one path.
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
