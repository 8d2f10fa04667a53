package validators

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/validator"
)

// issuer is an issuer with a key of its own.
type issuer struct {
	*httptest.Server
	private *ecdsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	coordinate := base64.RawURLEncoding.EncodeToString
	i := &issuer{private: private}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]string{
			"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "k", "x": coordinate(point[1:33]), "y": coordinate(point[33:]),
		}}})
	}))
	t.Cleanup(i.Close)
	return i
}

// bound returns an access token that is bound to a key, or to none if jkt is "".
func (i *issuer) bound(t *testing.T, jkt string) string {
	t.Helper()
	now := time.Now().Unix()
	claims := token.Claims{
		Issuer: i.URL, Subject: "usr_a", Audience: []string{"api"}, IssuedAt: now, Expires: now + 300,
		ID: rand.Text(), ClientID: "app", OrganizationID: "org_a",
	}
	if jkt != "" {
		claims.Confirmation = &token.Confirmation{JKT: jkt}
	}
	raw, err := claims.Sign(token.SigningKey{ID: "k", Algorithm: "ES256", Private: i.private}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestBoundTokens_IndependentValidatorAgrees compares the verifier and the tests' own
// device with oauth4webapi.
func TestBoundTokens_IndependentValidatorAgrees(t *testing.T) {
	const api, path = "https://api.example.com", "/notes/%C3%A4?page=2"
	v, i, device := validator.New(t, "dpop.mjs"), newIssuer(t), httpbrowser.NewDevice(t)
	verifier, err := token.NewVerifier(token.Config{Issuer: i.URL, Audience: "api", Keys: token.NewKeySet(i.URL, nil)})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := resource.NewGuard(verifier, resource.Config{BaseURL: api})
	if err != nil {
		t.Fatal(err)
	}
	raw, other, now := i.bound(t, device.Thumbprint()), i.bound(t, device.Thumbprint()), time.Now()
	theirs := v.MakeRequest("GET", api+path, i.bound(t, v.MakeRequest("GET", api, raw).JKT))
	proof := func(method, url string, bound ...string) string { return device.Proof(t, method, url, now, bound...) }
	for name, c := range map[string]struct {
		good                bool
		authorization, dpop string
	}{
		"the judge's own":    {true, theirs.Authorization, theirs.DPoP},
		"the device's":       {true, "DPoP " + raw, proof("GET", api+path, raw)},
		"without the query":  {true, "DPoP " + raw, proof("GET", api+"/notes/%C3%A4", raw)},
		"of another path":    {false, "DPoP " + raw, proof("GET", api+"/notes", raw)},
		"of another host":    {false, "DPoP " + raw, proof("GET", "https://evil.example"+path, raw)},
		"of another method":  {false, "DPoP " + raw, proof("POST", api+path, raw)},
		"of another token":   {false, "DPoP " + raw, proof("GET", api+path, other)},
		"of no token":        {false, "DPoP " + raw, proof("GET", api+path)},
		"by another key":     {false, "DPoP " + raw, httpbrowser.NewDevice(t).Proof(t, "GET", api+path, now, raw)},
		"of an hour ago":     {false, "DPoP " + raw, device.Proof(t, "GET", api+path, now.Add(-time.Hour), raw)},
		"of another type":    {false, "DPoP " + raw, device.Sign(t, map[string]any{"typ": "JWT"}, map[string]any{"jti": "a", "htm": "GET", "htu": api + path, "iat": now.Unix()})},
		"none":               {false, "DPoP " + raw, ""},
		"none, under Bearer": {false, "Bearer " + raw, ""},
		"under Bearer":       {false, "Bearer " + raw, proof("GET", api+path, raw)},
		"of an unbound one":  {false, "DPoP " + i.bound(t, ""), proof("GET", api+path, i.bound(t, ""))},
		"plain Bearer":       {true, "Bearer " + i.bound(t, ""), ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Header.Set("Authorization", c.authorization)
			if c.dpop != "" {
				r.Header.Set("DPoP", c.dpop)
			}
			if _, err := guard.VerifyRequest(r); (err == nil) != c.good {
				t.Errorf("the verifier says %v", err)
			}
			refused := v.Refusal(validator.Request{
				Issuer: i.URL, Keys: i.URL, Audience: "api", Method: "GET", URL: api + path, Authorization: c.authorization, DPoP: c.dpop,
			})
			if (refused == "") != c.good {
				t.Errorf("the judge says %q", refused)
			}
		})
	}
}
