package httpapi

import (
	"errors"
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// published returns the issuer that the address names, and its keys. The answer is
// the same for an organisation without keys of its own and for none.
func (c *call) published() (grant.Issuer, []signingkey.Key, error) {
	organization := c.r.PathValue("organization")
	if organization == "" {
		all, err := c.keys.Published(c.ctx, "", c.now)
		return grant.Issuer{URL: c.issuer}, all, err
	}
	if unnameable(organization) || !strings.HasPrefix(organization, directory.OrganizationPrefix) {
		return grant.Issuer{}, nil, errNoIssuer
	}
	own := grant.IssuerOf(c.issuer, organization, policy.Rules{DedicatedKey: true})
	demanded, err := c.dedicated(organization)
	if err != nil {
		return grant.Issuer{}, nil, err
	}
	if demanded {
		all, err := c.keys.Published(c.ctx, organization, c.now)
		return own, all, err
	}
	all, err := c.keys.Stored(c.ctx, organization, c.now) // of tokens from before
	if err == nil && len(all) == 0 {
		err = errNoIssuer
	}
	return own, all, err
}

var errNoIssuer = refusal.New(api.NotFound, "There is nothing at this address.")

// dedicated tells that an organisation is there and has to have keys of its own.
func (c *call) dedicated(organization string) (bool, error) {
	rules, revision, err := c.store.OrganizationRules(c.ctx, organization)
	if errors.Is(err, directory.ErrNoOrganization) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	w, err := c.current(c.ctx, revision)
	if err != nil {
		return false, err
	}
	return policy.Strictest(w.Policy, rules).DedicatedKey, nil
}

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
	by, all, err := c.published()
	if err != nil {
		return nil, err
	}
	m := &metadata{
		Issuer: by.URL, JWKSURI: by.URL + api.PathKeySet,
		ResponseTypesSupported: []string{}, SubjectTypesSupported: []string{"public"},
	}
	seen := map[signingkey.Algorithm]bool{}
	for _, k := range all {
		if !seen[k.Algorithm] {
			m.SigningAlgorithms = append(m.SigningAlgorithms, string(k.Algorithm))
		}
		seen[k.Algorithm] = true
	}
	return m, nil
}

// keySet is the set of keys that access tokens are signed with (RFC 7517).
func (c *call) keySet() (signingkey.Set, error) {
	_, all, err := c.published()
	if err != nil {
		return signingkey.Set{}, err
	}
	return signingkey.Publish(all)
}

// describe adds the metadata and keys of all issuers, also at the place that RFC 8414
// section 3 gives the metadata of an issuer with a path: before it.
func (s *server) describe(mux *http.ServeMux) {
	metadata := s.serve(map[string]endpoint{http.MethodGet: public((*call).metadata)})
	keySet := s.serve(map[string]endpoint{http.MethodGet: public((*call).keySet)})
	for _, path := range []string{s.base, s.base + api.PathIssuers + "{organization}"} {
		mux.Handle(path+api.PathKeySet, keySet)
		mux.Handle(path+api.PathOpenIDConfiguration, metadata)
		mux.Handle(path+api.PathAuthorizationServer, metadata)
		if path != "" {
			mux.Handle(api.PathAuthorizationServer+path, metadata)
		}
	}
}
