package idp

import (
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// clientForm reads the form of a request that only the client may make, and reports
// whether it was one; where it was not, it has answered.
func clientForm(p *Provider, w http.ResponseWriter, r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err := r.ParseForm(); err != nil || kind != "application/x-www-form-urlencoded" {
		writeError(w, http.StatusBadRequest, "invalid_request", "the body must be a form of at most 16 KiB")
		return false
	}
	if !clientAuthenticated(p, r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="`+p.Issuer+`"`)
		writeError(w, http.StatusUnauthorized, "invalid_client", "the client is unknown or its secret is wrong")
		return false
	}
	return true
}

// clientAuthenticated accepts exactly one of client_secret_basic (its parts are
// form-encoded, RFC 6749 section 2.3.1), client_secret_post and private_key_jwt, if the
// provider allows it.
func clientAuthenticated(p *Provider, r *http.Request) bool {
	id, secret, basic := r.BasicAuth()
	inForm, assertion := r.PostForm.Has("client_secret"), r.PostForm.Has("client_assertion")
	switch {
	case basic && !inForm && !assertion && allowsClientAuth(p, "client_secret_basic"):
		id, errID := url.QueryUnescape(id)
		secret, errSecret := url.QueryUnescape(secret)
		return errID == nil && errSecret == nil && p.isClient(id, secret)
	case inForm && !basic && !assertion && allowsClientAuth(p, "client_secret_post"):
		return p.isClient(r.PostForm.Get("client_id"), r.PostForm.Get("client_secret"))
	case assertion && !basic && !inForm && allowsClientAuth(p, "private_key_jwt"):
		return r.PostForm.Get("client_assertion_type") == assertionType && validAssertion(p, r.PostForm.Get("client_assertion"))
	}
	return false
}

func (p *Provider) isClient(id, secret string) bool {
	if p.quirks.Secret != nil {
		return id == p.ClientID && p.quirks.Secret(secret)
	}
	return id == p.ClientID && subtle.ConstantTimeCompare([]byte(secret), []byte(p.ClientSecret)) == 1
}

// validAssertion reports whether a client assertion (OpenID Connect Core section 9) is
// by a key of the client's key set, for this issuer alone, and not used before.
func validAssertion(p *Provider, raw string) bool {
	if p.quirks.ClientKeys == nil {
		return false
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(p.quirks.ClientKeys(), &set); err != nil {
		return false
	}
	var claims struct {
		jwt.RegisteredClaims
		Audience any `json:"aud"`
	}
	_, err := jwt.NewParser(
		jwt.WithValidMethods([]string{"ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256"}), jwt.WithIssuer(p.ClientID), jwt.WithSubject(p.ClientID),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(p.now),
	).ParseWithClaims(raw, &claims, func(token *jwt.Token) (any, error) {
		kid, _ := token.Header["kid"].(string)
		keys := set.Key(kid)
		if len(keys) != 1 || !keys[0].IsPublic() {
			return nil, jwt.ErrTokenUnverifiable
		}
		return keys[0].Key, nil
	})
	return err == nil && claims.Audience == cmp.Or(p.quirks.AssertionAudience, p.template()) && claims.ID != "" && p.state.firstUse(claims.ID)
}

// firstUse reports whether an assertion was not used before.
func (m *state) firstUse(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	used := slices.Contains(m.assertions, id)
	m.assertions = append(m.assertions, id)
	return !used
}
