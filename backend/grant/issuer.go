package grant

import (
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/policy"
)

// Issuer is whose key signs a token: the workspace's or an organization's own, which
// is an issuer of its own, because no validator ties a key to an organization.
type Issuer struct {
	URL          string
	Organization string // "" is the workspace
}

// IssuerOf returns who signs an organization's tokens under its effective rules; base
// is the workspace's issuer.
func IssuerOf(base, organization string, r policy.Rules) Issuer {
	if !r.DedicatedKey {
		return Issuer{URL: base}
	}
	return Issuer{base + api.PathIssuers + organization, organization}
}
