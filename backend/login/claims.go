package login

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/strictjson"
)

// checkedClaims are the claims of a provider's token that go-oidc checks, by their
// exact names: go-oidc reads them whatever the case of their names.
type checkedClaims struct {
	Issuer   string           `json:"iss"`
	Subject  string           `json:"sub"`
	Audience jwt.ClaimStrings `json:"aud"`
	Expires  jwt.NumericDate  `json:"exp"`
	IssuedAt jwt.NumericDate  `json:"iat"`
}

// identityClaims are the claims of an identity token that mean something here (OpenID
// Connect Core section 2).
type identityClaims struct {
	checkedClaims
	Nonce           string   `json:"nonce"`
	AuthorizedParty string   `json:"azp"`
	AuthTime        int64    `json:"auth_time"`
	ACR             string   `json:"acr"`
	AMR             []string `json:"amr"`
	SessionID       string   `json:"sid"`
	Name            string   `json:"name"`
	Email           string   `json:"email"`
}

// signedAlone are the claims that only an identity token makes: what userinfo says of
// them is about no authentication, and its names are anybody's to choose.
var signedAlone = []string{
	"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "nonce", "azp", "auth_time", "acr", "amr", "sid", "at_hash", "c_hash",
}

// readClaims reads the claims of a token that go-oidc has verified by their exact names.
// It refuses a token in which go-oidc took a claim of another name for one of these.
func readClaims(token *oidc.IDToken, into any, checked *checkedClaims) (json.RawMessage, error) {
	var text json.RawMessage
	if err := token.Claims(&text); err != nil {
		return nil, err
	}
	if err := strictjson.DecodeKnown(text, into); err != nil {
		return nil, err
	}
	if checked.Issuer != token.Issuer || checked.Subject != token.Subject || !slices.Equal(checked.Audience, token.Audience) ||
		checked.Expires.Unix() != token.Expiry.Unix() || checked.IssuedAt.Unix() != token.IssuedAt.Unix() {
		return nil, errors.New("claims whose names differ by case alone")
	}
	return text, nil
}

// authTime returns when the person authenticated, by a clock that may be ahead, or 0
// where the token does not say.
func (c *identityClaims) authTime(now int64) int64 {
	if c.AuthTime <= 0 || c.AuthTime > now+maxSkew {
		return 0
	}
	return min(c.AuthTime, now)
}

// recent refuses an authentication that is older than the attempt asked for, or of
// which nobody knows how old it is. Asking again would bring no other answer.
func (a Attempt) recent(authTime, now int64) error {
	switch {
	case a.MaxAge == nil:
		return nil
	case authTime == 0:
		return &Refused{Code: string(api.AuthTimeMissing), Err: fmt.Errorf("identity token: no auth_time, although max_age=%d was asked for: "+
			"have the provider put auth_time into its identity tokens, or lift the rule about the age of authentications", *a.MaxAge)}
	case now-authTime > *a.MaxAge+maxSkew:
		return refused("identity token: the authentication is older than was asked for")
	}
	return nil
}
