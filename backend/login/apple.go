package login

import (
	"errors"
	"regexp"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// AppleClient identifies the key that signs the client secret for Apple: the team and
// the key id. At Apple the client secret is a token signed by that key. The server
// signs one for each request; otherwise an operator would have to make a new one every
// six months.
type AppleClient struct{ Team, Key string }

// appleLife is the lifetime of such a secret in seconds. It allows for clock skew.
const appleLife = 5 * 60

var appleID = regexp.MustCompile(`^[A-Z0-9]{10}$`)

// ParseAppleClient parses TEAM/KEY for a key from Apple. It returns nil for an empty
// text.
func ParseAppleClient(text string, key *ClientKey) (*AppleClient, error) {
	if text == "" {
		return nil, nil
	}
	team, id, _ := strings.Cut(text, "/")
	switch {
	case !appleID.MatchString(team) || !appleID.MatchString(id):
		return nil, errors.New("the ids have to be TEAM/KEY, of ten capitals and digits each")
	case !key.isP256():
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
