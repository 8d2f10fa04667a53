package login

import (
	"errors"
	"regexp"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// AppleClient is who signs the client secret at Apple, which is a token by the client's key
// that Apple gave out: of a team, and the key's id there. It is made for each request, where
// an operator would have to make another every six months.
type AppleClient struct{ Team, Key string }

// appleLife is how long a secret is good for, in seconds: clocks may differ.
const appleLife = 5 * 60

var appleID = regexp.MustCompile(`^[A-Z0-9]{10}$`)

// ParseAppleClient reads who signs the secret, as TEAM/KEY, by a key that Apple gave out; nil
// for no text.
func ParseAppleClient(text string, key *ClientKey) (*AppleClient, error) {
	if text == "" {
		return nil, nil
	}
	team, id, _ := strings.Cut(text, "/")
	switch {
	case !appleID.MatchString(team) || !appleID.MatchString(id):
		return nil, errors.New("the ids have to be TEAM/KEY, of ten capitals and digits each")
	case key == nil || key.method(nil) != jwt.SigningMethodES256:
		return nil, errors.New("the client key has to be the one that Apple gave out (AuthKey_….p8), of P-256")
	}
	return &AppleClient{team, id}, nil
}

// secret returns the client secret for one request.
func (a AppleClient) secret(c Config, now int64) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"iss": a.Team, "sub": c.ClientID, "aud": c.Issuer, "iat": now, "exp": now + appleLife,
	})
	token.Header["kid"] = a.Key
	return token.SignedString(c.ClientKey.private)
}
