package browserapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// issuerKeys returns the issuer that the address names, and its keys. The answer is
// the same for an organization without keys of its own and for none.
func issuerKeys(c *authn.Request) (grant.Issuer, []signingkey.Key, error) {
	organization := c.R.PathValue("organization")
	if organization == "" {
		all, err := c.Keys.Published(c.Ctx, "", c.Now)
		return grant.Issuer{URL: c.Issuer}, all, err
	}
	if authn.Unnameable(organization) || !strings.HasPrefix(organization, directory.OrganizationPrefix) {
		return grant.Issuer{}, nil, errNoIssuer
	}
	own := grant.IssuerOf(c.Issuer, organization, policy.Rules{DedicatedKey: true})
	demanded, err := requiresOwnKey(c, organization)
	if err != nil {
		return grant.Issuer{}, nil, err
	}
	if demanded {
		all, err := c.Keys.Published(c.Ctx, organization, c.Now)
		return own, all, err
	}
	all, err := c.Keys.Stored(c.Ctx, organization, c.Now) // of tokens from before
	if err == nil && len(all) == 0 {
		err = errNoIssuer
	}
	return own, all, err
}

var errNoIssuer = refusal.New(api.NotFound, "This address does not exist.")

// requiresOwnKey tells that an organization is there and has to have keys of its own.
func requiresOwnKey(c *authn.Request, organization string) (bool, error) {
	rules, revision, err := c.Store.OrganizationRules(c.Ctx, organization)
	if errors.Is(err, directory.ErrNoOrganization) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	w, err := c.Current(c.Ctx, revision)
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

func (h *handler) metadata(c *authn.Request) (*metadata, error) {
	by, all, err := issuerKeys(c)
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
func keySet(c *authn.Request) (signingkey.Set, error) {
	_, all, err := issuerKeys(c)
	if err != nil {
		return signingkey.Set{}, err
	}
	return signingkey.Publish(all)
}

// clientKeySet is the key by which the backend authenticates at OpenID providers.
func (h *handler) clientKeySet(*authn.Request) (json.RawMessage, error) {
	return h.clientKey.Set(), nil
}

// metadataRoutes adds the metadata and keys of all issuers, also at the place that RFC 8414
// section 3 gives the metadata of an issuer with a path: before it.
func (h *handler) metadataRoutes(mux *http.ServeMux) {
	metadata := h.Serve(map[string]authn.Endpoint{http.MethodGet: authn.Public(h.metadata)})
	keySet := h.Serve(map[string]authn.Endpoint{http.MethodGet: authn.Public(keySet)})
	if h.clientKey != nil {
		mux.Handle(h.Base+api.PathClientKeySet, h.Serve(map[string]authn.Endpoint{http.MethodGet: authn.Public(h.clientKeySet)}))
	}
	for _, path := range []string{h.Base, h.Base + api.PathIssuers + "{organization}"} {
		mux.Handle(path+api.PathKeySet, keySet)
		mux.Handle(path+api.PathOpenIDConfiguration, metadata)
		mux.Handle(path+api.PathAuthorizationServer, metadata)
		if path != "" {
			mux.Handle(api.PathAuthorizationServer+path, metadata)
		}
	}
}
