// Package idp is an OpenID provider for development: all that a relying party meets in
// production except a password. Any visitor can pick a person and is signed in, so it
// serves loopback addresses only (see [Listen]).
//
// It implements the authorization code flow with PKCE S256 for one confidential client
// (OpenID Connect Core 1.0, RFC 7636), identifies itself in the authorization response
// (RFC 9207), honors prompt, max_age, login_hint and acr_values, and ends sessions on
// request (OpenID Connect RP-Initiated Logout 1.0). It keeps its state in memory: a
// restart forgets every session and makes a new signing key.
//
// Tests drive its page by element id: #person-SUBJECT signs that person in,
// #second-factor-SUBJECT does so with a second factor, #cancel cancels.
package idp

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
)

// Authentication context classes of the provider, for acr_values and acr.
const (
	ACRPassword     = "urn:tabard:pwd"
	ACRSecondFactor = "urn:tabard:mfa"
)

// Config configures a provider.
type Config struct {
	// Issuer is the provider's own URL: http or https, a loopback host, and perhaps a
	// path of one name.
	Issuer string
	// Name is shown on its pages; empty is "Development provider".
	Name string
	// ClientID and ClientSecret are the one client's, which authenticates by
	// client_secret_basic or client_secret_post.
	ClientID, ClientSecret string
	// RedirectURIs and PostLogoutRedirectURIs are compared exactly.
	RedirectURIs, PostLogoutRedirectURIs []string
	// People can sign in. The page shows them in this order.
	People []Person
}

// Person is a person with an account at the provider.
type Person struct {
	Subject string // sub: stable, unique within the provider
	Name    string
	Email   string
}

// Provider is an OpenID provider; it implements http.Handler.
type Provider struct {
	Config
	host   string
	base   string // the issuer's path, "" or "/name"
	key    atomic.Pointer[signingKey]
	state  *state
	quirks *Quirks
	routes http.Handler
}

// New makes a provider. It fails on a configuration that could not work and on
// an issuer that is not on loopback.
func New(config Config) (*Provider, error) {
	config.Issuer = strings.TrimSuffix(config.Issuer, "/")
	host, base, err := loopbackHost(config.Issuer)
	if err != nil {
		return nil, err
	}
	return newProvider(config, host, base, &Quirks{})
}

func newProvider(config Config, host, base string, quirks *Quirks) (*Provider, error) {
	if config.ClientID == "" || config.ClientSecret == "" || len(config.RedirectURIs) == 0 {
		return nil, errors.New("idp: client id, client secret and a redirect URI are required")
	}
	p := &Provider{Config: config, host: host, base: base, state: newState(), quirks: quirks}
	p.routes = p.guard(http.StripPrefix(base, p.mux()))
	return p, p.ReplaceKey("", "ES256")
}

// ServeHTTP implements http.Handler.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.routes.ServeHTTP(w, r) }

func (p *Provider) mux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /jwks.json", p.keySet)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /authorize", p.authorize)
	mux.HandleFunc("POST /par", p.push)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.userInfo)
	mux.HandleFunc("POST /userinfo", p.userInfo)
	mux.HandleFunc("GET /end-session", p.endSession)
	mux.HandleFunc("POST /end-session", p.endSession)
	mux.Handle("POST /sign-in", fromOwnPage(p, p.signIn))
	mux.Handle("POST /sign-out", fromOwnPage(p, p.signOut))
	mux.HandleFunc("GET /style.css", style)
	mux.HandleFunc("GET /{$}", p.home)
	return mux
}

// fromOwnPage refuses requests of other sites' pages, unless there is no session that
// they could begin or end.
func fromOwnPage(p *Provider, handle http.HandlerFunc) http.Handler {
	own := http.NewCrossOriginProtection().Handler(handle)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.quirks.AlwaysPrompt {
			handle(w, r)
			return
		}
		own.ServeHTTP(w, r)
	})
}

// guard refuses other host names (DNS rebinding), bounds bodies and sets the
// headers that every answer shares. There is no form-action: browsers apply it
// to each redirect that follows a form, the application's own included.
func (p *Provider) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		if r.Host != p.host && !p.quirks.AnyHost {
			http.Error(w, "This provider is "+p.Issuer+".", http.StatusMisdirectedRequest)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
		if !p.serveQuirk(w, r) {
			next.ServeHTTP(w, r)
		}
	})
}

func (p *Provider) person(subject string) (Person, bool) {
	i := slices.IndexFunc(p.People, func(person Person) bool { return person.Subject == subject })
	if i < 0 && p.quirks.AnyPerson && subject != "" {
		return Person{Subject: subject, Name: strings.ToUpper(subject), Email: subject + "@example.com"}, true
	}
	if i < 0 {
		return Person{}, false
	}
	return p.People[i], true
}

// ownPath matches the allowed paths of an issuer.
var ownPath = regexp.MustCompile(`^(/[a-z]+)?$`)

func loopbackHost(issuer string) (host, base string, err error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return "", "", fmt.Errorf("idp: issuer: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || !ownPath.MatchString(u.Path) || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", "", fmt.Errorf("idp: issuer %q: want scheme, host, port and at most a name as path", issuer)
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && !ip.IsLoopback() {
		return "", "", fmt.Errorf("idp: issuer %q: %w", issuer, ErrNotLoopback)
	}
	return u.Host, u.Path, nil
}
