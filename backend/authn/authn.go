// Package authn authenticates requests of browsers. It checks the request's origin,
// app, cookies and device key, and finds the session. Packages browserapi and signin
// answer the requests.
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

// Store is the part of the store that authentication needs.
type Store interface {
	grant.Store
	audit.Store
	// RevokeAccompanied is Revoke of session.Store with an event.
	RevokeAccompanied(ctx context.Context, id session.ID, reason session.Reason, now int64, with *audit.Companion) error
}

// Config configures a Server. Proofs, Log and Now are optional.
type Config struct {
	// PublicURL is the backend's base URL for browsers, and the issuer of its tokens.
	// No header of a request replaces it.
	PublicURL string
	// CookieMark distinguishes this server's cookies from those of other servers on the
	// same host, see publicurl.ParseCookieMark. If empty, it is derived from PublicURL.
	CookieMark string
	Store      Store
	Keys       *signingkey.KeyRing
	Secret     signingkey.Secret
	// Revalidator asks the providers of sessions, see [grant.Grant]. It is optional.
	Revalidator grant.Revalidator
	// FarDatabase has requests begin reads before their turn.
	FarDatabase bool
	// Proofs remembers used device proofs. Nil creates a new memory, see [NewProofs].
	Proofs *dpop.Replays
	// Log receives one record for each request. Nil discards them.
	Log *slog.Logger
	// Now returns the current time. Nil means time.Now.
	Now func() time.Time
}

// Server holds the dependencies of all requests. Its only state is a cache of the
// workspace and the signing keys.
type Server struct {
	Issuer string // the public URL without a trailing slash
	Origin string // the public URL's origin
	Base   string // the public URL's path, "" or "/auth"
	Store  Store
	Keys   *signingkey.KeyRing

	mark        string // of cookies
	farDatabase bool
	// beginRedemption is the field Begin of grants.
	beginRedemption func(func() (session.Row, error)) func() (session.Row, error)
	revalidator     grant.Revalidator
	refresh         *session.MACKeys
	replays         *dpop.Replays
	nonces          nonces
	log             recorder
	now             func() time.Time
	workspace       atomic.Pointer[directory.Workspace]
}

// New returns a Server.
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
		revalidator: c.Revalidator, log: newRecorder(c.Log, c.Secret), now: c.Now,
		replays: cmp.Or(c.Proofs, NewProofs()), farDatabase: c.FarDatabase, nonces: c.Secret.Derive(signingkey.ForNonces),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if c.FarDatabase {
		s.beginRedemption = begin[session.Row]
	}
	return s, nil
}

// NewProofs returns a memory of used proofs. Servers that replace each other in one
// process share it.
func NewProofs() *dpop.Replays { return dpop.NewReplays(proofLife, maxProofs) }

// Latest makes Current check for the newest revision of the workspace.
const Latest = -1

// Current returns the workspace. It reloads the cached document if seen is a revision
// other than the cached one; 0 accepts the cached one. With [Latest], Current first
// reads the revision alone, because the document takes milliseconds to load and
// unauthenticated requests can cause this check.
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
