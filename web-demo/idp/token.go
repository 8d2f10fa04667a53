package idp

import (
	"crypto/sha256"
	"crypto/subtle"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// verifierForm is RFC 7636 section 4.1.
var verifierForm = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

// token exchanges a code (RFC 6749 section 4.1.3, RFC 7636 section 4.6).
func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err := r.ParseForm(); err != nil || kind != "application/x-www-form-urlencoded" {
		writeError(w, http.StatusBadRequest, "invalid_request", "the body must be a form of at most 16 KiB")
		return
	}
	if !p.clientAuthenticated(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="`+p.Issuer+`"`)
		writeError(w, http.StatusUnauthorized, "invalid_client", "the client is unknown or its secret is wrong")
		return
	}
	if r.PostForm.Get("grant_type") != "authorization_code" {
		writeError(w, http.StatusBadRequest, "unsupported_grant_type", "grant_type must be authorization_code")
		return
	}
	now := time.Now()
	g, ok := p.memory.redeem(r.PostForm.Get("code"), now, func(q authorizationRequest) bool {
		return q.redirectURI == r.PostForm.Get("redirect_uri") && q.verifiedBy(r.PostForm.Get("code_verifier"))
	})
	if !ok {
		writeError(w, http.StatusBadRequest, "invalid_grant", "the code is unknown, used or expired, or redirect_uri or code_verifier does not belong to it")
		return
	}
	p.answerTokens(w, g, now)
}

func (p *provider) answerTokens(w http.ResponseWriter, g *grant, now time.Time) {
	idToken, err := p.key.sign(p.idToken(g, now))
	if err != nil {
		writeError(w, http.StatusInternalServerError, "server_error", "the ID token could not be signed")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": g.token,
		"token_type":   "Bearer",
		"expires_in":   int(tokenLife.Seconds()),
		"id_token":     idToken,
		"scope":        strings.Join(g.request.scopes, " "),
	})
}

// idToken is OpenID Connect Core 1.0 section 2, with the person's claims, so
// that a client need not call the UserInfo endpoint.
func (p *provider) idToken(g *grant, now time.Time) jwt.MapClaims {
	hash := sha256.Sum256([]byte(g.token))
	claims := p.claims(g)
	claims["iss"] = p.Issuer
	claims["aud"] = p.ClientID
	claims["iat"] = now.Unix()
	claims["exp"] = now.Add(tokenLife).Unix()
	claims["auth_time"] = g.at.Unix()
	claims["acr"] = g.acr
	claims["amr"] = g.amr()
	claims["at_hash"] = encode(hash[:16])
	if g.request.nonce != "" {
		claims["nonce"] = g.request.nonce
	}
	return claims
}

func (p *provider) claims(g *grant) jwt.MapClaims {
	claims := jwt.MapClaims{"sub": g.person.Subject}
	if slices.Contains(g.request.scopes, "profile") {
		claims["name"] = g.person.Name
	}
	if slices.Contains(g.request.scopes, "email") {
		claims["email"] = g.person.Email
		claims["email_verified"] = true
	}
	return claims
}

// userInfo answers OpenID Connect Core 1.0 section 5.3.
func (p *provider) userInfo(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	g, ok := p.memory.holder(token, time.Now())
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		writeError(w, http.StatusUnauthorized, "invalid_token", "the access token is unknown or expired")
		return
	}
	writeJSON(w, http.StatusOK, p.claims(g))
}

// clientAuthenticated takes exactly one of client_secret_basic, whose parts are
// form-encoded (RFC 6749 section 2.3.1), and client_secret_post.
func (p *provider) clientAuthenticated(r *http.Request) bool {
	id, secret, basic := r.BasicAuth()
	if basic == r.PostForm.Has("client_secret") {
		return false
	}
	if !basic {
		return p.isClient(r.PostForm.Get("client_id"), r.PostForm.Get("client_secret"))
	}
	id, errID := url.QueryUnescape(id)
	secret, errSecret := url.QueryUnescape(secret)
	return errID == nil && errSecret == nil && p.isClient(id, secret)
}

func (p *provider) isClient(id, secret string) bool {
	return id == p.ClientID && subtle.ConstantTimeCompare([]byte(secret), []byte(p.ClientSecret)) == 1
}

func (q authorizationRequest) verifiedBy(verifier string) bool {
	hash := sha256.Sum256([]byte(verifier))
	return verifierForm.MatchString(verifier) && encode(hash[:]) == q.challenge
}
