package login

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

// tenantPlaceholder is part of the issuer in Entra's metadata for several tenants.
const tenantPlaceholder = "{tenantid}"

var tenantID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// IsTenant reports whether a text is the id of an Entra tenant (tid).
func IsTenant(text string) bool { return tenantID.MatchString(text) }

// IsTemplate reports whether an issuer of metadata is a template for many issuers.
func IsTemplate(issuer string) bool { return strings.Contains(issuer, tenantPlaceholder) }

// TemplateOf returns an issuer of many tenants with a placeholder in place of their group,
// such as organizations.
func TemplateOf(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return ""
	}
	group, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	return strings.Replace(issuer, "/"+group, "/"+tenantPlaceholder, 1)
}

// issuers returns the issuers of the provider's tokens: of each tenant its own.
func (p *Provider) issuers() []string {
	if p.config.Tenants == nil {
		return []string{p.config.Issuer}
	}
	all := make([]string, len(p.config.Tenants))
	for i, tenant := range p.config.Tenants {
		all[i] = p.issuerOf(tenant)
	}
	return all
}

// IsIssuer reports whether an authorization response, or a login that a third party
// initiates, may name the issuer.
func (p *Provider) IsIssuer(issuer string) bool { return slices.Contains(p.issuers(), issuer) }

func (p *Provider) issuerOf(tenant string) string {
	return strings.Replace(TemplateOf(p.config.Issuer), tenantPlaceholder, tenant, 1)
}

// checkTenant refuses a token unless its tid is an allowed tenant and matches its iss.
func (p *Provider) checkTenant(issuer string, payload json.RawMessage) error {
	if p.config.Tenants == nil {
		return nil
	}
	var claims struct {
		Tenant text `json:"tid"`
	}
	if err := strictjson.DecodeKnown(payload, &claims); err != nil {
		return err
	}
	tenant := string(claims.Tenant)
	switch {
	case issuer != p.issuerOf(tenant):
		return fmt.Errorf("issuer %.200q does not belong to tenant %.100q", issuer, tenant)
	case !slices.Contains(p.config.Tenants, tenant):
		return &Refused{Code: "access_denied", Err: fmt.Errorf("tenant %.100q is not one of the allowed tenants", tenant)}
	}
	return nil
}

// InternalTransport returns a transport that sends requests for the issuer's host to
// InternalURL. The Host header remains the issuer's, since providers derive their
// issuer from it.
func (c Config) InternalTransport() http.RoundTripper {
	from, err := url.Parse(c.Issuer)
	to, errTo := url.Parse(c.InternalURL)
	if c.InternalURL == "" || err != nil || errTo != nil {
		return c.Transport
	}
	return rerouted{c.Transport, from, to}
}

type rerouted struct {
	next     http.RoundTripper
	from, to *url.URL
}

// RoundTrip implements http.RoundTripper.
func (t rerouted) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != t.from.Scheme || r.URL.Host != t.from.Host {
		return t.next.RoundTrip(r)
	}
	inside := r.Clone(r.Context())
	inside.URL.Scheme, inside.URL.Host, inside.Host = t.to.Scheme, t.to.Host, t.from.Host
	return t.next.RoundTrip(inside)
}
