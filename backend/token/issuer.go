package token

import (
	"context"
	"strings"
)

// OrganizationKeys finds the public keys of an organization that is an issuer of its
// own. The error for a key that it does not have, or for an organization that is not an
// issuer, is ErrUnknownKey.
type OrganizationKeys interface {
	OrganizationKey(ctx context.Context, organizationID, kid string) (PublicKey, error)
}

// organizationIssuer returns the issuer identifier of an organization that has its own.
func organizationIssuer(workspace, organizationID string) string {
	return workspace + "/o/" + organizationID
}

// BackendURL returns the address of the backend that minted the token: its issuer,
// without the suffix of an organization's own issuer.
func (c *Claims) BackendURL() string {
	return strings.TrimSuffix(strings.TrimSuffix(c.Issuer, organizationIssuer("", c.OrganizationID)), "/")
}

// source returns the keys to check a token's signature with, according to its claims,
// which are not verified yet. An organization's issuer signs for that organization
// only. False means that no key is acceptable.
func (v *Verifier) source(c *Claims) (KeySource, bool) {
	switch {
	case c.Issuer == v.config.Issuer:
		return v.config.Keys, v.config.Dedicated == nil || !v.config.Dedicated(c.OrganizationID)
	case v.config.Organizations != nil && plainID(c.OrganizationID) && c.Issuer == organizationIssuer(v.config.Issuer, c.OrganizationID):
		return organizationSource{v.config.Organizations, c.OrganizationID}, true
	}
	return nil, false
}

// organizationSource is the KeySource of one organization.
type organizationSource struct {
	keys         OrganizationKeys
	organization string
}

func (s organizationSource) PublicKey(ctx context.Context, kid string) (PublicKey, error) {
	return s.keys.OrganizationKey(ctx, s.organization, kid)
}

const maxID = 64

// plainID reports whether an organization's id is safe in a path.
func plainID(id string) bool {
	other := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	}
	return strings.HasPrefix(id, "org_") && len(id) <= maxID && !strings.ContainsFunc(id, other)
}
