// Package signin implements the sign-in: the authorization code flow with the OpenID
// provider (over package login), step-up, and organizations' own providers.
package signin

import (
	"context"
	"net/http"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/provisioning"
	"github.com/tabard-auth/tabard/backend/revalidation"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Store is the part of the store that only sign-ins need.
type Store interface {
	provisioning.Store
	revalidation.Store
	// CreateAccompanied is Create of session.Store with the event of the sign-in. A refused
	// attempt does not record it.
	CreateAccompanied(ctx context.Context, s session.Session, with *audit.Companion) error
	// ConnectionsByIssuer returns the enabled connections with an issuer, at most limit.
	ConnectionsByIssuer(ctx context.Context, issuer string, limit int) ([]directory.Connection, error)
	// ConnectionByDomain returns the enabled connection of the organization that has
	// verified a domain, or directory.ErrNoConnection.
	ConnectionByDomain(ctx context.Context, name string) (directory.Connection, error)
}

// Config configures a Flow.
type Config struct {
	PublicURL string
	Store     Store
	Secret    signingkey.Secret
	Provider  *login.Provider
	// ClientKey authenticates at connections that use private_key_jwt. It is optional.
	ClientKey *login.ClientKey
	// Tenants sends requests to the providers of organizations' own connections. It
	// must guard against internal addresses, since tenants choose these URLs.
	Tenants http.RoundTripper
}

// Flow implements sign-ins at the workspace's provider and at organizations' own.
type Flow struct {
	store     Store
	attempts  login.Attempts
	Upstream  signingkey.Sealer
	provider  *login.Provider
	providers *providers
	tokens    revalidation.Sealer
}

// New returns a Flow.
func New(c Config) *Flow {
	return &Flow{
		store:     c.Store,
		attempts:  login.Attempts{Sealer: c.Secret.Sealer(signingkey.ForAttempts), Keys: c.Secret.Derive(signingkey.ForBrowsers)},
		Upstream:  c.Secret.Sealer(signingkey.ForUpstream),
		provider:  c.Provider,
		tokens:    revalidation.NewSealer(c.Secret),
		providers: &providers{publicURL: c.PublicURL, secrets: c.Secret.Sealer(signingkey.ForConnections), transport: c.Tenants, clientKey: c.ClientKey},
	}
}
