// Package browserapi is the browser's contract over HTTP. Read token.go first: it is
// the whole product in one function.
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
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signin"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Store is what the handler needs a store for.
type Store interface {
	authn.Store
	signin.Store
}

// Config is what New needs. All of it is required but Proofs, Log and Now.
type Config struct {
	// PublicURL is the backend's base URL as browsers see it, and the issuer of
	// its tokens. Nothing of a request ever takes its place.
	PublicURL string
	// CookieMark is in the names of cookies; "" follows from PublicURL.
	CookieMark string
	Store      Store
	Keys       *signingkey.KeyRing
	Secret     signingkey.Secret
	Provider   *login.Provider
	// ClientKey is how the backend authenticates at providers that take private_key_jwt;
	// nil without one. Its public half is served.
	ClientKey *login.ClientKey
	// Tenants carries requests to the providers of organizations' own connections,
	// whose addresses tenants give: it has to be guarded.
	Tenants http.RoundTripper
	// Proofs is as in [authn.Config].
	Proofs *dpop.Replays
	// Log receives one record a request; nil discards them.
	Log *slog.Logger
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// handler answers the contract's requests.
type handler struct {
	*authn.Server
	signIn    *signin.Flow
	clientKey *login.ClientKey
	handovers signingkey.Sealer
	frames    frames
}

// New returns the handler of the contract, mounted at the public URL's path.
func New(c Config) (http.Handler, error) {
	server, err := authn.New(authn.Config{
		PublicURL: c.PublicURL, CookieMark: c.CookieMark, Store: c.Store, Keys: c.Keys, Secret: c.Secret, Proofs: c.Proofs, Log: c.Log, Now: c.Now,
	})
	if err != nil {
		return nil, err
	}
	h := &handler{
		Server: server, handovers: c.Secret.Sealer(signingkey.ForHandovers), clientKey: c.ClientKey,
		signIn: signin.New(signin.Config{
			PublicURL: c.PublicURL, Store: c.Store, Secret: c.Secret, Provider: c.Provider, Tenants: c.Tenants, ClientKey: c.ClientKey,
		}),
	}
	return h.routes(), nil
}

// route is one path of the contract and what answers there, by method.
type route struct {
	path    string
	methods map[string]authn.Endpoint
}

func (h *handler) routes() http.Handler {
	mux := http.NewServeMux()
	for _, r := range []route{
		{api.PathToken, map[string]authn.Endpoint{http.MethodPost: authn.Answer(h.token)}},
		{api.PathSession, map[string]authn.Endpoint{http.MethodGet: authn.Answer(h.session)}},
		{api.PathLogout, map[string]authn.Endpoint{http.MethodPost: authn.Answer(h.logout)}},
		{api.PathSessions, map[string]authn.Endpoint{http.MethodGet: authn.Answer(sessions)}},
		{api.PathSessions + "/{id}", map[string]authn.Endpoint{http.MethodDelete: authn.Answer(endSessionByID)}},
		{api.PathHandover, map[string]authn.Endpoint{http.MethodPost: authn.Answer(h.handOver)}},
		{api.PathHandoverCode, map[string]authn.Endpoint{http.MethodPost: h.redeemHandover}},
		{api.PathBackchannelLogout, map[string]authn.Endpoint{http.MethodPost: h.backchannelLogout}},
		{api.PathFrontchannelLogout, map[string]authn.Endpoint{http.MethodGet: h.frontchannelLogout}},
		{api.PathFrontchannelLogout + "/{connection}", map[string]authn.Endpoint{http.MethodGet: h.frontchannelLogout}},
		{api.PathBackchannelLogout + "/{connection}", map[string]authn.Endpoint{http.MethodPost: h.backchannelLogout}},
		{api.PathLogin, map[string]authn.Endpoint{http.MethodGet: h.signIn.Login, http.MethodPost: authn.Answer(h.signIn.LoginByKey)}},
		{api.PathCallback, map[string]authn.Endpoint{http.MethodGet: h.signIn.Callback, http.MethodPost: h.signIn.CallbackPost}},
		{api.PathCallback + "/{connection}", map[string]authn.Endpoint{http.MethodGet: h.signIn.Callback, http.MethodPost: h.signIn.CallbackPost}},
	} {
		mux.Handle(h.Base+r.path, h.Serve(r.methods))
	}
	h.metadataRoutes(mux)
	mux.Handle("/", h.Serve(nil))
	return mux
}
