// Package authn finds out who asks: a request's origin and app, its cookies, its device
// key, and with them the session. The rooms of the browser's API answer its requests.
package authn

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Store is what requests need a store for.
type Store interface {
	grant.Store
	audit.Store
}

// Config is what New needs. All of it is required but Proofs, Log and Now.
type Config struct {
	// PublicURL is the backend's base URL as browsers see it, and the issuer of
	// its tokens. Nothing of a request ever takes its place.
	PublicURL string
	// CookieMark tells this server's cookies from those of others on its host, see
	// publicurl.ParseCookieMark; "" follows from PublicURL.
	CookieMark string
	Store      Store
	Keys       *signingkey.KeyRing
	Secret     signingkey.Secret
	// Proofs remembers proofs that were shown; nil makes a memory of its own, see [NewProofs].
	Proofs *dpop.Replays
	// Log receives one record a request; nil discards them.
	Log *slog.Logger
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// Server is what every request is asked of. It keeps nothing between requests but what
// can be read again: the workspace's document and the signing keys.
type Server struct {
	Issuer string // the public URL without a trailing slash
	Origin string // the public URL's origin
	Base   string // the public URL's path, "" or "/auth"
	Store  Store
	Keys   *signingkey.KeyRing

	mark      string // of cookies
	refresh   *session.MACKeys
	replays   *dpop.Replays
	nonces    nonces
	log       recorder
	now       func() time.Time
	workspace atomic.Pointer[directory.Workspace]
}

// New returns a server.
func New(c Config) (*Server, error) {
	public, err := publicurl.Parse(c.PublicURL)
	if err != nil {
		return nil, err
	}
	mark, err := publicurl.ParseCookieMark(c.CookieMark, c.PublicURL)
	if err != nil {
		return nil, err
	}
	refresh, err := session.NewMACKeys(c.Secret.Derive(signingkey.ForRefreshTokens)...)
	if err != nil {
		return nil, err
	}
	s := &Server{
		Issuer: strings.TrimSuffix(public.String(), "/"), Origin: public.Scheme + "://" + public.Host,
		Base: strings.TrimSuffix(public.Path, "/"), Store: c.Store, Keys: c.Keys, mark: mark, refresh: refresh,
		log: newRecorder(c.Log, c.Secret), now: c.Now,
		replays: cmp.Or(c.Proofs, NewProofs()), nonces: c.Secret.Derive(signingkey.ForNonces),
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s, nil
}

// NewProofs returns a memory for proofs, which servers that follow each other share.
func NewProofs() *dpop.Replays { return dpop.NewReplays(proofLife, maxProofs) }

// Latest is the revision of who has to know the newest document, and has not seen its
// revision.
const Latest = -1

// Current returns the workspace's document, read again where a revision other
// than its own was seen; 0 means that none was. Whoever may send anything makes it
// [Unseen]: the document, which takes milliseconds to read, is then read only where its
// revision is another.
func (s *Server) Current(ctx context.Context, seen int64) (*directory.Workspace, error) {
	w := s.workspace.Load()
	if w != nil && seen == Latest {
		revision, err := s.Store.WorkspaceRevision(ctx)
		if err != nil {
			return nil, err
		}
		seen = revision
	}
	if w != nil && (seen == 0 || seen == w.Revision) {
		return w, nil
	}
	w, err := s.Store.Workspace(ctx)
	if err != nil {
		return nil, err
	}
	s.workspace.Store(w)
	return w, nil
}
