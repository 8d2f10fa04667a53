package idp

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Quirks are deviations of real providers, and false statements that a relying party
// must reject. The zero value of each is off; they may be changed between requests.
// Only tests set them, see [NewWithQuirks].
//
// Paths in them are the provider's own, such as /token, without the issuer's path.
type Quirks struct {
	// Now returns the provider's time, which may be wrong; nil is the machine's.
	Now func() time.Time
	// AnyPerson admits people who are not in the configuration.
	AnyPerson bool
	// AlwaysPrompt keeps no session: every request prompts, whatever the prompt
	// parameter is.
	AlwaysPrompt bool
	// AnyRedirectURI accepts every redirect URI, and AnyHost every host name.
	AnyRedirectURI, AnyHost bool
	// RedirectURIs are registered in place of the configuration's; nil leaves those.
	RedirectURIs []string

	// Endpoints answer in place of the provider's own, by path.
	Endpoints map[string]http.HandlerFunc
	// Faults make endpoints fail, by path.
	Faults map[string]Fault
	// Moved gives endpoints another path, which the metadata name.
	Moved map[string]string
	// Metadata changes the provider's metadata.
	Metadata func(map[string]any)
	// Keys returns the keys of the key set, given the provider's own key.
	Keys func(own map[string]string) []any

	// PushedRequests is the support for pushed authorization requests (RFC 9126).
	PushedRequests PushedRequests
	// FormPost answers by form_post where it is asked for.
	FormPost bool
	// Answer changes the authorization response.
	Answer func(url.Values)

	// ClientAuth are the ways in which the client may authenticate; nil is
	// client_secret_basic and client_secret_post.
	ClientAuth []string
	// ClientKeys returns the client's key set, for private_key_jwt.
	ClientKeys func() []byte
	// AssertionAudience is the audience that a client assertion has to have; "" is the
	// issuer.
	AssertionAudience string
	// Secret reports whether a client secret is good, in place of the configuration's.
	Secret func(string) bool
	// RefreshTokens issues refresh tokens for the scope offline_access; nil issues none.
	RefreshTokens *RefreshTokens
	// Tokens changes the token endpoint's answer.
	Tokens func(map[string]any)

	// People have further claims, by sub.
	People map[string]map[string]any
	// Only names the one place where a claim is told.
	Only map[string]Place
	// ACR names the provider's authentication context classes otherwise; "" leaves one
	// out.
	ACR map[string]string
	// SessionID returns the sid of a person's session; nil leaves the claim out.
	SessionID func(sub string) string
	// Overage replaces the groups claim by a reference, as Entra does beyond 200
	// groups.
	Overage bool
	// Tenants has an issuer for each tenant, by sub: the metadata's issuer is a template
	// and the identity token names the tenant in tid, as Entra does.
	Tenants map[string]string
	// Claims changes the identity token's claims. A json.RawMessage is told as it is
	// written.
	Claims func(map[string]any)
	// Sign signs an identity token otherwise, unless it returns false.
	Sign func(jwt.MapClaims) (string, bool)
	// UserInfo changes the claims of the userinfo endpoint.
	UserInfo func(map[string]any)

	// EndSession is the behavior of the end-session endpoint.
	EndSession EndSession
	// MaxURL is the longest address that is answered, in bytes; 0 is any.
	MaxURL int
}

// Place is where a claim is told.
type Place int

// The places of claims.
const (
	IDToken Place = iota + 1
	UserInfo
)

// PushedRequests is a provider's support for pushed authorization requests.
type PushedRequests int

// The levels of support for pushed authorization requests.
const (
	PushUnsupported PushedRequests = iota
	PushAllowed
	PushRequired
)

// EndSession is the behavior of an end-session endpoint.
type EndSession int

// The behaviors of end-session endpoints.
const (
	EndSessionReturns EndSession = iota // ends the session and returns, or asks first
	EndSessionMissing                   // there is no endpoint
	EndSessionStays                     // ends the session and never returns
)

// Fault is how an endpoint fails.
type Fault struct {
	// Hangs lets the caller wait until it gives up.
	Hangs bool
	// Status is the response's status. Its body is Body, or otherwise Error and
	// Description in the form of RFC 6749 section 5.2.
	Status             int
	Error, Description string
	Body, ContentType  string
}

func (f Fault) answer(w http.ResponseWriter, r *http.Request) {
	switch {
	case f.Hangs:
		<-r.Context().Done()
	case f.Body != "":
		w.Header().Set("Content-Type", f.ContentType)
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte(f.Body))
	default:
		writeError(w, f.Status, f.Error, f.Description)
	}
}

// NewWithQuirks returns a provider of any issuer with quirks, for tests.
func NewWithQuirks(config Config, quirks *Quirks) (*Provider, error) {
	u, err := url.Parse(config.Issuer)
	if err != nil {
		return nil, err
	}
	return newProvider(config, u.Host, strings.TrimSuffix(u.Path, "/"), quirks)
}

func (p *Provider) now() time.Time {
	if p.quirks.Now != nil {
		return p.quirks.Now()
	}
	return time.Now()
}

// address returns where an endpoint of the provider is.
func (p *Provider) address(path string) string {
	if moved, ok := p.quirks.Moved[path]; ok {
		path = moved
	}
	return p.Issuer + path
}

// serveQuirk serves a request whose path, without the issuer's, has a quirk, and
// reports whether it did. It rewrites the path of a moved endpoint.
func (p *Provider) serveQuirk(w http.ResponseWriter, r *http.Request) bool {
	path := strings.TrimPrefix(r.URL.Path, p.base)
	if _, moved := p.quirks.Moved[path]; moved || p.quirks.MaxURL > 0 && len(p.Issuer)+len(r.URL.RequestURI()) > p.quirks.MaxURL {
		http.Error(w, "There is nothing here.", http.StatusNotFound)
		return true
	}
	for own, moved := range p.quirks.Moved {
		if path == moved {
			path, r.URL.Path = own, p.base+own
		}
	}
	if instead, ok := p.quirks.Endpoints[path]; ok {
		instead(w, r)
		return true
	}
	if fault, ok := p.quirks.Faults[path]; ok {
		fault.answer(w, r)
		return true
	}
	return false
}

// includesClaim reports whether a claim is included at a place.
func (p *Provider) includesClaim(claim string, at Place) bool {
	only, ok := p.quirks.Only[claim]
	return !ok || only == at
}

func (p *Provider) clientAuth() []string {
	if p.quirks.ClientAuth != nil {
		return p.quirks.ClientAuth
	}
	return []string{"client_secret_basic", "client_secret_post"}
}

func allowsClientAuth(p *Provider, method string) bool {
	return slices.Contains(p.clientAuth(), method)
}

// classes returns the authentication context classes that names stand for.
func (p *Provider) classes(names []string) []string {
	for i, name := range names {
		for class, renamed := range p.quirks.ACR {
			if name == renamed {
				names[i] = class
			}
		}
	}
	return names
}

// acr returns the name of an authentication context class.
func (p *Provider) acr(class string) string {
	if name, ok := p.quirks.ACR[class]; ok {
		return name
	}
	return class
}

// issuerFor returns the issuer of a person's tokens, and the tenant that it is of.
func (p *Provider) issuerFor(sub string) (issuer, tenant string) {
	if p.quirks.Tenants == nil {
		return p.Issuer, ""
	}
	tenant = p.quirks.Tenants[sub]
	return strings.Replace(p.template(), "{tenantid}", tenant, 1), tenant
}

// template returns the issuer of the metadata. With tenants, its first path segment is
// a placeholder.
func (p *Provider) template() string {
	if p.quirks.Tenants == nil {
		return p.Issuer
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(p.base, "/"), "/")
	return strings.Replace(p.Issuer, "/"+first, "/{tenantid}", 1)
}
