package logintest

import (
	"encoding/base64"
	"html"
	"net/url"

	"github.com/golang-jwt/jwt/v5"
)

// PostedForm returns the action and the hidden fields of a page's form, which a browser
// posts when it runs the page's script.
func PostedForm(page string) (action string, fields url.Values) {
	if found := formAction.FindStringSubmatch(page); found != nil {
		action = html.UnescapeString(found[1])
	}
	fields = url.Values{}
	for _, field := range formField.FindAllStringSubmatch(page, -1) {
		fields.Add(html.UnescapeString(field[1]), html.UnescapeString(field[2]))
	}
	return action, fields
}

// Signed returns claims as a token of the provider's key id, by any method and key.
func (p *Provider) Signed(method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	p.t.Helper()
	_, public := p.provider.Key()
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = public["kid"]
	text, err := token.SignedString(key)
	if err != nil {
		p.t.Error(err)
	}
	return text
}

// LogoutToken returns claims as a token of a type (typ), signed by the provider's own
// key (OpenID Connect Back-Channel Logout 1.0 section 2.4). An empty type is left out.
func (p *Provider) LogoutToken(typ string, claims jwt.MapClaims) string {
	p.t.Helper()
	text, err := p.provider.Sign(typ, claims)
	if err != nil {
		p.t.Error(err)
	}
	return text
}

// SignedText returns a payload, as it is written, as an identity token by the provider's
// own key, which must be of ES256.
func (p *Provider) SignedText(payload string) string {
	p.t.Helper()
	_, public := p.provider.Key()
	return p.SignedUnder(`{"alg":"ES256","typ":"JWT","kid":"`+public["kid"]+`"}`, payload)
}

// SignedUnder is SignedText with a header, as it is written, by a key of ES256 or RS256.
func (p *Provider) SignedUnder(header, payload string) string {
	p.t.Helper()
	key, public := p.provider.Key()
	var method jwt.SigningMethod = jwt.SigningMethodES256
	if public["kty"] == "RSA" {
		method = jwt.SigningMethodRS256
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	signature, err := method.Sign(text, key)
	if err != nil {
		p.t.Error(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// WithoutID returns claims as an identity token without a key id, signed by the
// provider's own key, which must be of ES256.
func (p *Provider) WithoutID(claims jwt.MapClaims) string {
	p.t.Helper()
	key, _ := p.provider.Key()
	text, err := jwt.NewWithClaims(jwt.SigningMethodES256, claims).SignedString(key)
	if err != nil {
		p.t.Error(err)
	}
	return text
}
