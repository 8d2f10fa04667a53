package httpapi

import (
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/keys"
)

// metadata is what resource servers need to know of the issuer (RFC 8414 section
// 2, OpenID Connect Discovery section 3). Nothing is claimed that is not served.
type metadata struct {
	Issuer                 string   `json:"issuer"`
	JWKSURI                string   `json:"jwks_uri"`
	ResponseTypesSupported []string `json:"response_types_supported"`
	SubjectTypesSupported  []string `json:"subject_types_supported"`
	SigningAlgorithms      []string `json:"id_token_signing_alg_values_supported"`
}

func (c *call) metadata() (*metadata, error) {
	all, err := c.keys.All(c.ctx, c.now)
	if err != nil {
		return nil, err
	}
	m := &metadata{
		Issuer: c.issuer, JWKSURI: c.issuer + api.PathKeySet,
		ResponseTypesSupported: []string{}, SubjectTypesSupported: []string{"public"},
	}
	seen := map[keys.Algorithm]bool{}
	for _, k := range all {
		if !seen[k.Algorithm] {
			m.SigningAlgorithms = append(m.SigningAlgorithms, string(k.Algorithm))
		}
		seen[k.Algorithm] = true
	}
	return m, nil
}

// keySet is the set of keys that access tokens are signed with (RFC 7517).
func (c *call) keySet() (keys.Set, error) {
	all, err := c.keys.All(c.ctx, c.now)
	if err != nil {
		return keys.Set{}, err
	}
	return keys.Publish(all)
}
