// Package serverapi is what other servers call: the administration API, below
// /admin/v1, and below /v1 the sessions across the workspace's apps. It is optional,
// and the same on every host. routes.go and sessions.go are all of it; what an act of
// administration does is administration's.
package serverapi

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/administration"
)

// Path is where the administration API lies below the backend's base URL.
const Path = "/admin/v1"

// Config is what New needs. All of it is required but Log.
type Config struct {
	// PublicURL is the backend's base URL.
	PublicURL string
	Office    *administration.Office
	// Log receives one record a request; nil discards them.
	Log *slog.Logger
	// Now tells the time.
	Now func() time.Time
}

type server struct {
	base     string // the public URL's path and that of the API
	named    routes
	kind     administration.KeyKind // of the keys that it takes
	document []byte
	crossapp *crossApp // nil in the administration API
	secure   bool      // the public URL is https
	office   *administration.Office
	failures *failures
	lane     lane
	proven   *proven
	log      *slog.Logger
	now      func() time.Time
}

// New returns the handler of the administration API, mounted at the public URL's path
// and Path.
func New(c Config) (http.Handler, error) {
	s, err := newServer(c, Path)
	if err != nil {
		return nil, err
	}
	s.named, s.kind, s.document = Routes, administration.Administration, Document
	return s.routes(), nil
}

func newServer(c Config, path string) (*server, error) {
	public, err := url.Parse(c.PublicURL)
	if err != nil {
		return nil, err
	}
	s := &server{
		base: strings.TrimSuffix(public.Path, "/") + path, secure: public.Scheme == "https", office: c.Office,
		failures: newFailures(), lane: newLane(), proven: newProven(), log: c.Log, now: c.Now,
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s, nil
}
