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

// issuerKeys returns the issuer of the request's path, and its keys. The answer for an
// organization without its own key is the same as for one that does not exist.
func issuerKeys(c *authn.Request) (grant.Issuer, []signingkey.Key, error) {
	organization := c.R.PathValue("organization")
	if organization == "" {
		all, err := c.Keys.Served(c.Ctx, "", c.Now)
		return grant.Issuer{URL: c.Issuer}, all, err
	}
	if !authn.ValidRef(organization) || !strings.HasPrefix(organization, directory.OrganizationPrefix) {
		return grant.Issuer{}, nil, errNoIssuer
	}
	own := grant.IssuerOf(c.Issuer, organization, policy.Rules{DedicatedKey: true})
	required, err := requiresOwnKey(c, organization)
	if err != nil {
		return grant.Issuer{}, nil, err
	}
	if required {
		all, err := c.Keys.Served(c.Ctx, organization, c.Now)
		return own, all, err
	}
	all, err := c.Keys.Stored(c.Ctx, organization, c.Now) // tokens from before the rule changed
	if err == nil && len(all) == 0 {
		err = errNoIssuer
	}
	return own, all, err
}

var errNoIssuer = refusal.New(api.NotFound, "This address does not exist.")

// requiresOwnKey reports whether an organization exists and its rules require its own
// signing key.
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

// metadata is the issuer's metadata for resource servers (RFC 8414 section 2, OpenID
// Connect Discovery section 3). It only lists what is served.
type metadata struct {
	Issuer                 string   `json:"issuer"`
	JWKSURI                string   `json:"jwks_uri"`
	ResponseTypesSupported []string `json:"response_types_supported"`
	SubjectTypesSupported  []string `json:"subject_types_supported"`
	SigningAlgorithms      []string `json:"id_token_signing_alg_values_supported"`
}

func (h *handler) metadata(c *authn.Request) (*metadata, error) {
	issuer, all, err := issuerKeys(c)
	if err != nil {
		return nil, err
	}
	m := &metadata{
		Issuer: issuer.URL, JWKSURI: issuer.URL + api.PathKeySet,
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

// keySet returns the issuer's key set for access tokens (RFC 7517).
func keySet(c *authn.Request) (signingkey.Set, error) {
	_, all, err := issuerKeys(c)
	if err != nil {
		return signingkey.Set{}, err
	}
	return signingkey.Publish(all)
}

// clientKeySet returns the public key by which the backend authenticates at OpenID
// providers.
func (h *handler) clientKeySet(*authn.Request) (json.RawMessage, error) {
	return h.clientKey.Set(), nil
}

// metadataRoutes adds the routes for the metadata and keys of all issuers. For an
// issuer with a path, RFC 8414 section 3 inserts the well-known part before the path.
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
