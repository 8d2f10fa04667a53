package token

import (
	"context"
	"strings"
)

// OrganizationKeys finds the public keys of an organization that is an issuer of its
// own. A key that it does not have, also where it is no issuer, is ErrUnknownKey.
type OrganizationKeys interface {
	OrganizationKey(ctx context.Context, organizationID, kid string) (PublicKey, error)
}

// organizationIssuer is the issuer that an organization is by itself.
func organizationIssuer(workspace, organizationID string) string {
	return workspace + "/o/" + organizationID
}

// BackendURL is where the backend is that minted the token: its issuer, without what
// that has more where it is an organization by itself.
func (c *Claims) BackendURL() string {
	return strings.TrimSuffix(strings.TrimSuffix(c.Issuer, organizationIssuer("", c.OrganizationID)), "/")
}

// source returns the keys that a token's signature has to be checked with, by its
// claims, which nobody has checked. An organization's issuer speaks for that
// organization alone; false means that nobody's key would do.
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

// plainID tells an organization's id that is safe in a path.
func plainID(id string) bool {
	other := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	}
	return strings.HasPrefix(id, "org_") && len(id) <= maxID && !strings.ContainsFunc(id, other)
}
