// Package browserapi implements the browser's HTTP API. Read token.go first: it mints
// access tokens, the core of the product.
//
// The handler is the same on every host.
package browserapi

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/handover"
	"github.com/tabard-auth/tabard/backend/limits"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signin"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Store is the part of the store that the handler needs.
type Store interface {
	authn.Store
	signin.Store
}

// Config configures the handler. Proofs, Log and Now are optional.
type Config struct {
	// PublicURL is the backend's base URL for browsers, and the issuer of its tokens.
	// No header of a request replaces it.
	PublicURL string
	// CookieMark is part of the names of cookies. If empty, it is derived from
	// PublicURL.
	CookieMark string
	Store      Store
	Keys       *signingkey.KeyRing
	Secret     signingkey.Secret
	SignIn     *signin.Flow
	// Revalidator is the field of [authn.Config].
	Revalidator grant.Revalidator
	// ClientKey authenticates the backend at providers that use private_key_jwt. It is
	// optional. Its public key is published.
	ClientKey *login.ClientKey
	// FarDatabase is the field of [authn.Config].
	FarDatabase bool
	// Proofs is the field of [authn.Config].
	Proofs *dpop.Replays
	// Log receives one record for each request. Nil discards them.
	Log *slog.Logger
	// Now returns the current time. Nil means time.Now.
	Now func() time.Time
}

// handler implements the endpoints.
type handler struct {
	*authn.Server
	signIn    *signin.Flow
	clientKey *login.ClientKey
	handovers signingkey.Sealer
	browsers  handover.Browsers
	// guesses counts front-channel logouts of unknown sessions.
	guesses limits.Misses
	// revocations counts the requests that providers signed.
	revocations frames
}

// New returns the handler, mounted at the public URL's path.
func New(c Config) (http.Handler, error) {
	server, err := authn.New(authn.Config{
		PublicURL: c.PublicURL, CookieMark: c.CookieMark, Store: c.Store, Keys: c.Keys, Secret: c.Secret, Proofs: c.Proofs, Log: c.Log, Now: c.Now,
		Revalidator: c.Revalidator, FarDatabase: c.FarDatabase,
	})
	if err != nil {
		return nil, err
	}
	h := &handler{
		Server: server, guesses: limits.Misses{Most: maxFrames, Window: framesWithin}, handovers: c.Secret.Sealer(signingkey.ForHandovers), browsers: c.Secret.Derive(signingkey.ForHandoverBrowsers), clientKey: c.ClientKey, signIn: c.SignIn,
	}
	return h.routes(), nil
}

// route is a path with its endpoints by method.
type route struct {
	path    string
	methods map[string]authn.Endpoint
}

func (h *handler) routes() http.Handler {
	mux := http.NewServeMux()
	for _, r := range []route{
		{api.PathToken, map[string]authn.Endpoint{http.MethodPost: authn.Answer(h.token)}},
		{api.PathLend, map[string]authn.Endpoint{http.MethodPost: authn.Answer(h.lend)}},
		{api.PathSession, map[string]authn.Endpoint{http.MethodGet: authn.Answer(h.session)}},
		{api.PathLogout, map[string]authn.Endpoint{http.MethodPost: authn.Answer(h.logout)}},
		{api.PathSessions, map[string]authn.Endpoint{http.MethodGet: authn.Answer(sessions)}},
		{api.PathSessions + "/{id}", map[string]authn.Endpoint{http.MethodDelete: authn.Answer(endSessionByID)}},
		{api.PathHandover, map[string]authn.Endpoint{http.MethodPost: authn.Answer(h.handOver)}},
		{api.PathHandoverCode, map[string]authn.Endpoint{http.MethodPost: h.redeemHandover}},
		{api.PathHandoverOrigin, map[string]authn.Endpoint{http.MethodPost: authn.Answer(h.leadToOrigin)}},
		{api.PathHandoverJoin, map[string]authn.Endpoint{http.MethodPost: authn.Answer(h.joinOrigin)}},
		{api.PathBackchannelLogout, map[string]authn.Endpoint{http.MethodPost: h.backchannelLogout}},
		{api.PathRevocation, map[string]authn.Endpoint{http.MethodPost: h.globalTokenRevocation}},
		{api.PathRevocation + "/{connection}", map[string]authn.Endpoint{http.MethodPost: h.globalTokenRevocation}},
		{api.PathFrontchannelLogout, map[string]authn.Endpoint{http.MethodGet: h.frontchannelLogout, http.MethodHead: authn.Head}},
		{api.PathFrontchannelLogout + "/{connection}", map[string]authn.Endpoint{http.MethodGet: h.frontchannelLogout, http.MethodHead: authn.Head}},
		{api.PathBackchannelLogout + "/{connection}", map[string]authn.Endpoint{http.MethodPost: h.backchannelLogout}},
		{api.PathLogin, map[string]authn.Endpoint{http.MethodGet: h.signIn.Login, http.MethodHead: authn.Head, http.MethodPost: h.postLogin}},
		{api.PathLogin + "/{connection}", map[string]authn.Endpoint{http.MethodGet: h.signIn.Login, http.MethodHead: authn.Head, http.MethodPost: h.signIn.InitiatedForm}},
		{api.PathCallback, map[string]authn.Endpoint{http.MethodGet: h.signIn.Callback, http.MethodHead: authn.Head, http.MethodPost: h.signIn.CallbackPost}},
		{api.PathCallback + "/{connection}", map[string]authn.Endpoint{http.MethodGet: h.signIn.Callback, http.MethodHead: authn.Head, http.MethodPost: h.signIn.CallbackPost}},
	} {
		mux.Handle(h.Base+r.path, h.Serve(r.methods))
	}
	h.metadataRoutes(mux)
	mux.Handle("/", h.Serve(nil))
	return mux
}
