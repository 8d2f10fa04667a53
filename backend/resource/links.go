package resource

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/token"
)

const (
	// linkLife is how long a link opens by default, and maxLinkLife the most.
	linkLife, maxLinkLife = time.Minute, 5 * time.Minute
	// linkKeySize is the size of a key in bytes (AES-256).
	linkKeySize = 32
	// linkParameter is the name of the query's last parameter.
	linkParameter = "link="
	// linkVersion begins the text that is authenticated with a link.
	linkVersion = "tabard link 1"
	// maxLink is the most bytes of a link's parameter.
	maxLink = 4 << 10
)

// ErrLink is the error of a request whose link is missing, altered, expired, or another
// request's.
var ErrLink = errors.New("resource: the link is invalid or has expired")

var errLinkSource = errors.New("resource: a link is made in a request that a guard let pass by an access token")

// LinksConfig configures NewLinks.
type LinksConfig struct {
	// Keys are secrets of the API's own, 32 random bytes each, which its replicas share. The
	// first one makes links. Links by each of them open.
	Keys [][]byte
	// Life is how long a link opens, five minutes at most. 0 is one minute. No link outlives
	// the access token that it was made by.
	Life time.Duration
}

// Links makes and serves addresses for requests that can send no Authorization header: of
// images, downloads, and WebSockets that a library opens. A link opens one address and
// method, for the organization, person and session that it was made for, and contains no
// token: it is a sealed text, from which its person cannot be read. All who have it can open it,
// until it expires or its session ends.
type Links struct {
	guard *Guard
	keys  []cipher.AEAD
	life  time.Duration
}

// NewLinks returns the links of an API. They are compared with what the guard hears of
// endings.
func NewLinks(guard *Guard, c LinksConfig) (*Links, error) {
	if guard == nil || len(c.Keys) == 0 {
		return nil, errors.New("resource: links need a guard and a key")
	}
	if c.Life == 0 {
		c.Life = linkLife
	}
	if c.Life < time.Second || c.Life > maxLinkLife {
		return nil, fmt.Errorf("resource: a link's life of %v is not between a second and %v", c.Life, maxLinkLife)
	}
	l := &Links{guard: guard, life: c.Life}
	for _, key := range c.Keys {
		if len(key) != linkKeySize {
			return nil, fmt.Errorf("resource: a key of links has %d bytes, want %d random ones", len(key), linkKeySize)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		sealed, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		l.keys = append(l.keys, sealed)
	}
	return l, nil
}

// linked is what a link stands for, with the names of the token's claims.
type linked struct {
	Until        int64        `json:"until"` // the link's own end
	Expires      int64        `json:"exp"`
	IssuedAt     int64        `json:"iat"`
	Key          string       `json:"kid"`
	Subject      string       `json:"sub"`
	App          string       `json:"client_id"`
	Session      string       `json:"sid"`
	Organization string       `json:"org_id"`
	Slug         string       `json:"org_slug"`
	Event        int64        `json:"evt,omitempty"`
	Actor        *token.Actor `json:"act,omitempty"`
	Lent         bool         `json:"lent,omitempty"`
}

// Make returns the address with a link that opens it by a method, for what ctx acts for: the
// context of a request that the guard let pass. The address is the path as the API's router
// sees it, with its query: "/files/7?size=small". One that browsers would send otherwise, such
// as "/files/../7", is refused. A link for GET opens HEAD too.
func (l *Links) Make(ctx context.Context, method, address string) (string, error) {
	if !linkMethod.MatchString(method) || method == http.MethodHead {
		return "", fmt.Errorf("resource: %q is not a method such as GET, whose links open HEAD too", method)
	}
	path, query, _ := strings.Cut(address, "?")
	if !linkPath.MatchString(path) || dotSegment.MatchString(path) || !linkQuery.MatchString(query) {
		return "", fmt.Errorf("resource: %q is not an escaped path with a query that browsers send as they are, such as /files/7?size=small", address)
	}
	j := admitted(ctx)
	if j == nil || j.linked {
		return "", errLinkSource
	}
	_, raw, _ := authorization(j.request)
	c := j.claims
	text, err := json.Marshal(linked{
		Until:   min(l.guard.Now().Add(l.life).Unix(), c.Expires),
		Expires: c.Expires, IssuedAt: c.IssuedAt, Key: token.KeyID(raw), Subject: c.Subject, App: c.ClientID, Session: c.SessionID,
		Organization: c.OrganizationID, Slug: c.OrganizationSlug, Event: c.Event, Actor: c.Actor, Lent: c.Lent,
	})
	if err != nil {
		return "", err
	}
	nonce := make([]byte, l.keys[0].NonceSize())
	rand.Read(nonce)
	bound := l.boundTo(method, path, query)
	parameter := linkParameter + base64.RawURLEncoding.EncodeToString(l.keys[0].Seal(nonce, nonce, text, bound))
	if query != "" {
		parameter = query + "&" + parameter
	}
	return path + "?" + parameter, nil
}

// What links are made for: paths and queries (RFC 3986) of which browsers escape and remove
// nothing, and methods (RFC 9110 section 9.1).
var (
	linkPath   = regexp.MustCompile(`^/(([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?$`)
	dotSegment = regexp.MustCompile(`/(\.|%2[Ee]){1,2}(/|$)`)
	linkQuery  = regexp.MustCompile(`^[!$-&(-;=?-~]*$`)
	linkMethod = regexp.MustCompile("^[A-Z0-9!#$%&'*+.^_`|~-]+$")
)

// boundTo is the request that a link opens.
func (l *Links) boundTo(method, path, query string) []byte {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	return []byte(strings.Join([]string{linkVersion, l.guard.verifier.Issuer(), l.guard.verifier.Audience(), method, path, query}, "\n"))
}

// Protect is [Guard.Protect] for requests with a link in place of a token. A link has no
// permissions and no authentication: demand them where it is made. The answer asks browsers
// to send its address nowhere, and to run no scripts of what it serves unless the handler
// sets a Content-Security-Policy.
func (l *Links) Protect(rule Rule, next http.Handler) http.Handler {
	return l.guard.protect(rule, l.open, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", "sandbox")
		next.ServeHTTP(w, r)
	}))
}

// open returns the claims of a request's link. It returns those of an authentic link even
// if it refuses it.
func (l *Links) open(j *judgment) (*token.Claims, error) {
	j.linked = true
	query, parameter, found := cutLink(j.request.URL.RawQuery)
	text, err := base64.RawURLEncoding.Strict().DecodeString(parameter)
	if !found || err != nil || len(parameter) > maxLink {
		return nil, ErrLink
	}
	bound := l.boundTo(j.request.Method, j.request.URL.EscapedPath(), query)
	for _, key := range l.keys {
		if len(text) < key.NonceSize() {
			return nil, ErrLink
		}
		plain, err := key.Open(nil, text[:key.NonceSize()], text[key.NonceSize():], bound)
		if err != nil {
			continue
		}
		var of linked
		if err := json.Unmarshal(plain, &of); err != nil {
			return nil, err
		}
		return l.admit(of)
	}
	return nil, ErrLink
}

// cutLink parts a query from its last parameter.
func cutLink(raw string) (query, parameter string, found bool) {
	at := strings.LastIndexByte(raw, '&')
	parameter, found = strings.CutPrefix(raw[at+1:], linkParameter)
	return raw[:max(at, 0)], parameter, found
}

func (l *Links) admit(of linked) (*token.Claims, error) {
	v := l.guard.verifier
	claims := &token.Claims{
		Issuer: v.Issuer(), Subject: of.Subject, Audience: []string{v.Audience()}, Expires: of.Expires, IssuedAt: of.IssuedAt,
		ClientID: of.App, SessionID: of.Session, OrganizationID: of.Organization, OrganizationSlug: of.Slug,
		Event: of.Event, Actor: of.Actor, Lent: of.Lent,
	}
	switch {
	case of.Until <= v.Now().Unix():
		return claims, ErrLink
	case v.Withdrawn(of.Key):
		return claims, &token.Error{Reason: token.UnknownKey}
	}
	return claims, nil
}
