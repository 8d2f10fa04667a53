package grant

import (
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/policy"
)

// Issuer is the signer of a token: the workspace, or an organization with its own key.
// The latter is a separate issuer, since no validator ties a key to an organization.
type Issuer struct {
	URL          string
	Organization string // "" means the workspace
}

// IssuerOf returns the signer of an organization's tokens under its effective rules.
// base is the workspace's issuer.
func IssuerOf(base, organization string, r policy.Rules) Issuer {
	if !r.DedicatedKey {
		return Issuer{URL: base}
	}
	return Issuer{base + api.PathIssuers + organization, organization}
}
