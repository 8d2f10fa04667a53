package validators

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v2/jwk"
	jwxjwt "github.com/lestrrat-go/jwx/v2/jwt"
)

// question is a token and the parameters that a validator needs.
type question struct {
	Raw      string          `json:"raw"`
	Issuer   string          `json:"issuer"`
	Audience string          `json:"audience"`
	Keys     json.RawMessage `json:"keys"` // the published set
	Now      int64           `json:"now"`
	Leeway   int64           `json:"leeway"`
}

func (q question) clock() time.Time { return time.Unix(q.Now, 0) }

// validators are generic validators for Go, each used as its documentation says.
var validators = map[string]func(context.Context, question) error{
	"go-oidc":    byGoOIDC,
	"jwx":        byJWX,
	"golang-jwt": byGolangJWT,
}

func byGoOIDC(ctx context.Context, q question) error {
	ctx = oidc.ClientContext(ctx, &http.Client{Transport: serving(q.Keys)})
	keys := oidc.NewRemoteKeySet(ctx, "https://app.example.com/jwks.json")
	_, err := oidc.NewVerifier(q.Issuer, keys, &oidc.Config{
		ClientID: q.Audience, SupportedSigningAlgs: []string{"ES256", "EdDSA"}, Now: q.clock,
	}).Verify(ctx, q.Raw)
	return err
}

func byJWX(_ context.Context, q question) error {
	set, err := jwk.Parse(q.Keys)
	if err != nil {
		return err
	}
	_, err = jwxjwt.Parse([]byte(q.Raw), jwxjwt.WithKeySet(set), jwxjwt.WithIssuer(q.Issuer), jwxjwt.WithAudience(q.Audience),
		jwxjwt.WithAcceptableSkew(time.Duration(q.Leeway)*time.Second), jwxjwt.WithClock(jwxjwt.ClockFunc(q.clock)),
		jwxjwt.WithRequiredClaim("exp"), jwxjwt.WithRequiredClaim("iat"), jwxjwt.WithRequiredClaim("sub"))
	return err
}

func byGolangJWT(_ context.Context, q question) error {
	set, err := jwk.Parse(q.Keys)
	if err != nil {
		return err
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256", "EdDSA"}), jwt.WithIssuer(q.Issuer), jwt.WithAudience(q.Audience),
		jwt.WithLeeway(time.Duration(q.Leeway)*time.Second), jwt.WithTimeFunc(q.clock), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithStrictDecoding())
	_, err = parser.Parse(q.Raw, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		key, known := set.LookupKeyID(kid)
		if !known {
			return nil, errors.New("unknown key")
		}
		var raw any
		err := key.Raw(&raw)
		return raw, err
	})
	return err
}

// serving is a published key set, served without a network.
type serving []byte

func (s serving) RoundTrip(*http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	answer.Write(s)
	return answer.Result(), nil
}
