// Package httpapi is the browser's contract over HTTP. Read token.go first: it is
// the whole product in one function.
//
// The handler is the same on every host. It keeps nothing between requests but
// what can be read again: the workspace's document and the signing keys.
package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/keys"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/session"
)

// Store is what the handler needs a store for.
type Store interface {
	grant.Store
	audit.Store
	// ClaimedRoles returns what a provider's claim made a person: roles by organisation.
	ClaimedRoles(ctx context.Context, userID string) (map[string][]string, error)
	// Member returns a person's place in an organisation, or directory.ErrNoMember.
	Member(ctx context.Context, organizationID, userID string) (directory.MemberRecord, error)
}

// Config is what New needs. All of it is required but Log and Now.
type Config struct {
	// PublicURL is the backend's base URL as browsers see it, and the issuer of
	// its tokens. Nothing of a request ever takes its place.
	PublicURL string
	Store     Store
	Keys      *keys.Ring
	Secret    keys.Secret
	Provider  *login.Provider
	// Tenants carries requests to the providers of organisations' own connections,
	// whose addresses tenants give: it has to be guarded.
	Tenants http.RoundTripper
	// Log receives one record a request; nil discards them.
	Log *slog.Logger
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

type server struct {
	issuer    string // the public URL without a trailing slash
	origin    string // the public URL's origin
	base      string // the public URL's path, "" or "/auth"
	store     Store
	keys      *keys.Ring
	refresh   *session.Ring
	attempts  keys.Sealer
	upstream  keys.Sealer
	handovers keys.Sealer
	provider  *login.Provider
	providers *providers
	replays   *dpop.Replays
	nonces    nonces
	log       recorder
	now       func() time.Time
	workspace atomic.Pointer[directory.Workspace]
}

// New returns the handler of the contract, mounted at the public URL's path.
func New(c Config) (http.Handler, error) {
	public, err := ParsePublicURL(c.PublicURL)
	if err != nil {
		return nil, err
	}
	refresh, err := session.NewRing(c.Secret.Derive(keys.ForRefreshTokens)...)
	if err != nil {
		return nil, err
	}
	s := &server{
		issuer: strings.TrimSuffix(public.String(), "/"), origin: public.Scheme + "://" + public.Host,
		base: strings.TrimSuffix(public.Path, "/"), store: c.Store, keys: c.Keys, refresh: refresh,
		attempts: c.Secret.Sealer(keys.ForAttempts), upstream: c.Secret.Sealer(keys.ForUpstream),
		handovers: c.Secret.Sealer(keys.ForHandovers),
		provider:  c.Provider,
		providers: &providers{publicURL: c.PublicURL, secrets: c.Secret.Sealer(keys.ForConnections), transport: c.Tenants},
		log:       newRecorder(c.Log, c.Secret), now: c.Now,
		replays: dpop.NewReplays(proofLife, maxProofs), nonces: c.Secret.Derive(keys.ForNonces),
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s.routes(), nil
}

// CallbackURL is the redirect URI to register at the OpenID provider.
func CallbackURL(publicURL string) string {
	return strings.TrimSuffix(publicURL, "/") + api.PathCallback
}

// ParsePublicURL returns a base URL that browsers keep Secure cookies of: https,
// or http on a loopback host.
func ParsePublicURL(text string) (*url.URL, error) {
	public, err := url.Parse(text)
	switch {
	case err != nil || public.Host == "" || public.User != nil || public.RawQuery != "" || public.Fragment != "":
		return nil, fmt.Errorf("public URL %q is not of the form https://app.example.com/auth", text)
	case public.Scheme == "http" && !directory.Loopback(public.Hostname()):
		return nil, fmt.Errorf("public URL %q is http off loopback: browsers drop its cookies; use https", text)
	case public.Scheme != "https" && public.Scheme != "http":
		return nil, fmt.Errorf("public URL %q is neither https nor http", text)
	}
	return public, nil
}

// route is one path of the contract and what answers there, by method.
type route struct {
	path    string
	methods map[string]endpoint
}

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	for _, r := range []route{
		{api.PathToken, map[string]endpoint{http.MethodPost: answer((*call).token)}},
		{api.PathSession, map[string]endpoint{http.MethodGet: answer((*call).session)}},
		{api.PathLogout, map[string]endpoint{http.MethodPost: answer((*call).logout)}},
		{api.PathSessions, map[string]endpoint{http.MethodGet: answer((*call).sessions)}},
		{api.PathSessions + "/{id}", map[string]endpoint{http.MethodDelete: answer((*call).endSessionByID)}},
		{api.PathHandover, map[string]endpoint{http.MethodPost: answer((*call).handOver)}},
		{api.PathHandoverCode, map[string]endpoint{http.MethodPost: (*call).redeem}},
		{api.PathBackchannelLogout, map[string]endpoint{http.MethodPost: (*call).backchannelLogout}},
		{api.PathBackchannelLogout + "/{connection}", map[string]endpoint{http.MethodPost: (*call).backchannelLogout}},
		{api.PathLogin, map[string]endpoint{http.MethodGet: (*call).login, http.MethodPost: answer((*call).loginByKey)}},
		{api.PathCallback, map[string]endpoint{http.MethodGet: (*call).callback}},
		{api.PathCallback + "/{connection}", map[string]endpoint{http.MethodGet: (*call).callback}},
	} {
		mux.Handle(s.base+r.path, s.serve(r.methods))
	}
	s.describe(mux)
	mux.Handle("/", s.serve(nil))
	return mux
}

// unseen is the revision of who has to know the newest document, and has not seen its
// revision.
const unseen = -1

// current returns the workspace's document, read again where a revision other
// than its own was seen; 0 means that none was. Whoever may send anything makes it
// unseen: the document, which takes milliseconds to read, is then read only where its
// revision is another.
func (s *server) current(ctx context.Context, seen int64) (*directory.Workspace, error) {
	w := s.workspace.Load()
	if w != nil && seen == unseen {
		revision, err := s.store.WorkspaceRevision(ctx)
		if err != nil {
			return nil, err
		}
		seen = revision
	}
	if w != nil && (seen == 0 || seen == w.Revision) {
		return w, nil
	}
	w, err := s.store.Workspace(ctx)
	if err != nil {
		return nil, err
	}
	s.workspace.Store(w)
	return w, nil
}
