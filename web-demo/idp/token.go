package idp

import (
	"crypto/sha256"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// verifierForm is RFC 7636 section 4.1.
var verifierForm = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

// token exchanges a code (RFC 6749 section 4.1.3, RFC 7636 section 4.6).
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	if !clientForm(p, w, r) {
		return
	}
	if r.PostForm.Get("grant_type") == "refresh_token" && p.quirks.RefreshTokens != nil {
		p.refresh(w, r)
		return
	}
	if r.PostForm.Get("grant_type") != "authorization_code" {
		writeError(w, http.StatusBadRequest, "unsupported_grant_type", "grant_type must be authorization_code")
		return
	}
	now := p.now()
	g, ok := p.state.redeem(r.PostForm.Get("code"), now, func(q authorizationRequest) bool {
		return q.redirectURI == r.PostForm.Get("redirect_uri") && q.verifiedBy(r.PostForm.Get("code_verifier"))
	})
	if !ok {
		writeError(w, http.StatusBadRequest, "invalid_grant", "the code is unknown, used or expired, or redirect_uri or code_verifier does not belong to it")
		return
	}
	answerTokens(p, w, g, now, func(tokens map[string]any) {
		if p.quirks.RefreshTokens != nil && slices.Contains(g.request.scopes, "offline_access") {
			tokens["refresh_token"] = p.quirks.RefreshTokens.issue(&family{grant: g})
		}
	})
}

func answerTokens(p *Provider, w http.ResponseWriter, g *grant, now time.Time, more func(map[string]any)) {
	idToken, err := signIdentity(p, p.idToken(g, now))
	if err != nil {
		writeError(w, http.StatusInternalServerError, "server_error", "the ID token could not be signed")
		return
	}
	answer := map[string]any{
		"access_token": g.token,
		"token_type":   "Bearer",
		"expires_in":   int(tokenLife.Seconds()),
		"id_token":     idToken,
		"scope":        strings.Join(g.request.scopes, " "),
	}
	more(answer)
	if p.quirks.Tokens != nil {
		p.quirks.Tokens(answer)
	}
	writeJSON(w, http.StatusOK, answer)
}

// idToken is OpenID Connect Core 1.0 section 2, with the person's claims, so
// that a client need not call the UserInfo endpoint.
func (p *Provider) idToken(g *grant, now time.Time) jwt.MapClaims {
	hash := sha256.Sum256([]byte(g.token))
	claims := p.claims(g, IDToken)
	claims["iss"] = p.Issuer
	claims["aud"] = p.ClientID
	claims["iat"] = now.Unix()
	claims["exp"] = now.Add(tokenLife).Unix()
	claims["auth_time"] = g.at.Unix()
	claims["acr"] = p.acr(g.acr)
	claims["amr"] = g.amr()
	claims["at_hash"] = encode(hash[:16])
	if g.request.nonce != "" {
		claims["nonce"] = g.request.nonce
	}
	applyClaimQuirks(p, claims, g.person.Subject)
	return claims
}

// applyClaimQuirks changes the identity token's claims according to the quirks.
func applyClaimQuirks(p *Provider, claims jwt.MapClaims, sub string) {
	if p.quirks.Tenants != nil {
		claims["iss"], claims["tid"] = p.issuerFor(sub)
	}
	if p.quirks.SessionID != nil {
		claims["sid"] = p.quirks.SessionID(sub)
	}
	if claims["acr"] == "" {
		delete(claims, "acr")
	}
	if _, grouped := claims["groups"]; grouped && p.quirks.Overage {
		delete(claims, "groups")
		claims["_claim_names"] = map[string]string{"groups": "src1"}
		claims["_claim_sources"] = map[string]any{"src1": map[string]string{"endpoint": p.Issuer + "/users/" + sub + "/getMemberObjects"}}
	}
	if p.quirks.Claims != nil {
		p.quirks.Claims(claims)
	}
}

func signIdentity(p *Provider, claims jwt.MapClaims) (string, error) {
	if p.quirks.Sign != nil {
		if raw, signed := p.quirks.Sign(claims); signed {
			return raw, nil
		}
	}
	return p.Sign("JWT", claims)
}

// claims returns the claims about a person that a place includes.
func (p *Provider) claims(g *grant, at Place) jwt.MapClaims {
	claims := jwt.MapClaims{}
	if slices.Contains(g.request.scopes, "profile") {
		claims["name"] = g.person.Name
	}
	if slices.Contains(g.request.scopes, "email") {
		claims["email"] = g.person.Email
		claims["email_verified"] = true
	}
	maps.Copy(claims, p.quirks.People[g.person.Subject])
	maps.DeleteFunc(claims, func(name string, _ any) bool { return !p.includesClaim(name, at) })
	claims["sub"] = g.person.Subject
	return claims
}

// userInfo answers OpenID Connect Core 1.0 section 5.3.
func (p *Provider) userInfo(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	g, ok := p.state.grantByToken(token, p.now())
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		writeError(w, http.StatusUnauthorized, "invalid_token", "the access token is unknown or expired")
		return
	}
	claims := p.claims(g, UserInfo)
	if p.quirks.UserInfo != nil {
		p.quirks.UserInfo(claims)
	}
	writeJSON(w, http.StatusOK, claims)
}

func (q authorizationRequest) verifiedBy(verifier string) bool {
	hash := sha256.Sum256([]byte(verifier))
	return verifierForm.MatchString(verifier) && encode(hash[:]) == q.challenge
}
