package logintest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// authorize asks who is there, in the form of the development provider's page;
// httpbrowser.Browser.Choose answers it.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, `<form action="/sign-in"><input type="hidden" name="request" value="%s">`, html.EscapeString(r.URL.RawQuery))
}

// SignIn signs a person in at an authorization URL, and returns what the provider
// tells the client's callback.
func (p *Provider) SignIn(authorizationURL, person string) url.Values {
	p.t.Helper()
	asked, err := url.Parse(authorizationURL)
	if err != nil {
		p.t.Fatal(err)
	}
	back, err := url.Parse(p.consent(asked.RawQuery, person))
	if err != nil {
		p.t.Fatal(err)
	}
	return back.Query()
}

func (p *Provider) consent(request, person string) string {
	asked, err := url.ParseQuery(request)
	if err != nil {
		p.t.Error(err)
	}
	code := rand.Text()
	p.mu.Lock()
	p.code[code] = grant{person, asked}
	p.mu.Unlock()
	answer := url.Values{"code": {code}, "state": {asked.Get("state")}, "iss": {p.Issuer}}
	if p.Answer != nil {
		p.Answer(answer)
	}
	return asked.Get("redirect_uri") + "?" + answer.Encode()
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	secret, _ = url.QueryUnescape(secret)
	code := r.FormValue("code")
	p.mu.Lock()
	p.Redeemed = append(p.Redeemed, r.PostForm)
	g, known := p.code[code]
	delete(p.code, code)
	p.mu.Unlock()
	challenge := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	switch {
	case id != ClientID || secret != ClientSecret:
		w.WriteHeader(http.StatusUnauthorized)
		p.json(w, map[string]string{"error": "invalid_client"})
	case !known, g.asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(challenge[:]),
		g.asked.Get("redirect_uri") != r.PostForm.Get("redirect_uri"):
		w.WriteHeader(http.StatusBadRequest)
		p.json(w, map[string]string{"error": "invalid_grant"})
	default:
		p.json(w, map[string]any{
			"access_token": "at." + g.person, "token_type": "Bearer", "expires_in": 300, "id_token": p.identityToken(g),
		})
	}
}

func (p *Provider) identityToken(g grant) string {
	now := p.Now().Unix()
	claims := jwt.MapClaims{"name": strings.ToUpper(g.person)}
	maps.Copy(claims, p.People[g.person])
	maps.Copy(claims, jwt.MapClaims{
		"iss": p.Issuer, "aud": ClientID, "sub": g.person, "nonce": g.asked.Get("nonce"),
		"iat": now, "exp": now + 300, "auth_time": now, "acr": "1", "amr": []string{"pwd"}, "sid": "upstream-" + g.person,
	})
	if p.Claims != nil {
		p.Claims(claims)
	}
	if p.Sign != nil {
		return p.Sign(p, claims)
	}
	return p.Signed(jwt.SigningMethodES256, p.key, claims)
}

// Signed returns claims as a token of the provider's key id, by any method and key.
func (p *Provider) Signed(method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	return p.signedAs("JWT", method, key, claims)
}

// LogoutToken returns claims as a token of that type (typ), by the provider's own
// key (OpenID Connect Back-Channel Logout 1.0 section 2.4).
func (p *Provider) LogoutToken(typ string, claims jwt.MapClaims) string {
	return p.signedAs(typ, jwt.SigningMethodES256, p.key, claims)
}

func (p *Provider) signedAs(typ string, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"], token.Header["typ"] = p.kid, typ
	text, err := token.SignedString(key)
	if err != nil {
		p.t.Error(err)
	}
	return text
}

// SignedText returns a payload, as it is written, as an identity token by the provider's
// own key.
func (p *Provider) SignedText(payload string) string {
	header := `{"alg":"ES256","typ":"JWT","kid":"` + p.kid + `"}`
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	signature, err := jwt.SigningMethodES256.Sign(text, p.key)
	if err != nil {
		p.t.Error(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func (p *Provider) userInfo(w http.ResponseWriter, r *http.Request) {
	person, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer at.")
	if !ok {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	claims := map[string]any{"sub": person, "email": person + "@example.com", "email_verified": true}
	maps.Copy(claims, p.People[person])
	if p.UserInfo != nil {
		p.UserInfo(claims)
	}
	p.json(w, claims)
}
