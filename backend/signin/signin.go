// Package signin signs people in: the authorization code flow with the OpenID provider
// (over package login), step-up, and organizations' own providers.
package signin

import (
	"context"
	"net/http"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Store is what a sign-in needs a store for, besides what every request does.
type Store interface {
	// ClaimedRoles returns what a provider's claim made a person: roles by organization.
	ClaimedRoles(ctx context.Context, userID string) (map[string][]string, error)
	// Member returns a person's place in an organization, or directory.ErrNoMember.
	Member(ctx context.Context, organizationID, userID string) (directory.MemberRecord, error)
}

// Config is what New needs. All of it is required.
type Config struct {
	PublicURL string
	Store     Store
	Secret    signingkey.Secret
	Provider  *login.Provider
	// ClientKey authenticates at connections that take private_key_jwt; nil without one.
	ClientKey *login.ClientKey
	// Tenants carries requests to the providers of organizations' own connections,
	// whose addresses tenants give: it has to be guarded.
	Tenants http.RoundTripper
}

// Flow is the way in, at the workspace's provider and at those of organizations.
type Flow struct {
	store     Store
	attempts  login.Attempts
	Upstream  signingkey.Sealer
	provider  *login.Provider
	providers *providers
}

// New returns the way in.
func New(c Config) *Flow {
	return &Flow{
		store:     c.Store,
		attempts:  login.Attempts{Sealer: c.Secret.Sealer(signingkey.ForAttempts), Keys: c.Secret.Derive(signingkey.ForBrowsers)},
		Upstream:  c.Secret.Sealer(signingkey.ForUpstream),
		provider:  c.Provider,
		providers: &providers{publicURL: c.PublicURL, secrets: c.Secret.Sealer(signingkey.ForConnections), transport: c.Tenants, clientKey: c.ClientKey},
	}
}
