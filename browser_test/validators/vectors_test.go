package validators

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/validator"
)

// vectors are an issuer's keys, an attacker's, and the tokens that they make.
type vectors struct {
	*testing.T
	es, evil *ecdsa.PrivateKey
	ed       ed25519.PrivateKey
	rs       *rsa.PrivateKey
	set      []byte // published
	now      time.Time
}

type object = map[string]any

func newVectors(t *testing.T) *vectors {
	t.Helper()
	v := &vectors{T: t, now: time.Unix(1_800_000_000, 0)}
	v.es, v.evil = fixedKey(t, "es"), fixedKey(t, "evil")
	seed := sha256.Sum256([]byte("ed"))
	v.ed = ed25519.NewKeyFromSeed(seed[:])
	text, err := os.ReadFile("testdata/rsa.pem")
	if err != nil {
		t.Fatal(err)
	}
	if v.rs, err = jwt.ParseRSAPrivateKeyFromPEM(text); err != nil {
		t.Fatal(err)
	}
	v.set = v.publish(object{"es": v.es.Public(), "ed": v.ed.Public()})
	return v
}

// fixedKey returns the P-256 key of a name: the same vectors come of it each time.
func fixedKey(t *testing.T, name string) *ecdsa.PrivateKey {
	t.Helper()
	scalar := sha256.Sum256([]byte(name))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// publish returns a key set, each key with its algorithm.
func (v *vectors) publish(keys object) []byte {
	v.Helper()
	set := jwk.NewSet()
	for _, kid := range slices.Sorted(maps.Keys(keys)) {
		key, err := jwk.FromRaw(keys[kid])
		if err != nil {
			v.Fatal(err)
		}
		key.Set("kid", kid)
		key.Set("use", "sig")
		key.Set("alg", map[string]string{"es": "ES256", "ed": "EdDSA", "evil": "ES256"}[kid])
		set.AddKey(key)
	}
	text, err := json.Marshal(set)
	if err != nil {
		v.Fatal(err)
	}
	return text
}

// claims are those of a good token, changed; nil takes one away.
func (v *vectors) claims(change object) object {
	claims := object{
		"iss": "https://app.example.com/auth", "sub": "usr_1", "aud": "https://api.example.com", "jti": "j", "client_id": "app",
		"iat": v.now.Unix(), "exp": v.now.Unix() + 300, "sid": "ses_1", "org_id": "org_acme", "org_slug": "acme",
		"auth_time": v.now.Unix(), "roles": []string{}, "permissions": []string{},
	}
	return merged(claims, change)
}

func merged(into, change object) object {
	maps.Copy(into, change)
	maps.DeleteFunc(into, func(_ string, value any) bool { return value == nil })
	return into
}

// with signs claims, changed, as the issuer does.
func (v *vectors) with(change object) string { return v.sign(nil, change, v.es) }

// headed signs a good token's claims under a header, changed.
func (v *vectors) headed(change object) string { return v.sign(change, nil, v.es) }

func (v *vectors) sign(header, claims object, key any) string {
	v.Helper()
	return v.text(v.json(merged(object{"alg": "ES256", "kid": "es", "typ": "at+jwt"}, header)), v.json(v.claims(claims)), "ES256", key)
}

func (v *vectors) json(value any) string {
	v.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		v.Fatal(err)
	}
	return string(text)
}

// text signs any header and payload by an algorithm, which need not be the one in the
// header.
func (v *vectors) text(header, payload, algorithm string, key any) string {
	v.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(header)) + "." + encode([]byte(payload))
	if key, ok := key.(*ecdsa.PrivateKey); ok {
		var parts struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(v.der(signed, key), &parts); err != nil {
			v.Fatal(err)
		}
		signature := make([]byte, 64)
		parts.R.FillBytes(signature[:32])
		parts.S.FillBytes(signature[32:])
		return signed + "." + encode(signature)
	}
	signature, err := jwt.GetSigningMethod(algorithm).Sign(signed, key)
	if err != nil {
		v.Fatal(err)
	}
	return signed + "." + encode(signature)
}

// der returns an ES256 signature in DER, the same for the same text (RFC 6979).
func (v *vectors) der(signed string, key *ecdsa.PrivateKey) []byte {
	v.Helper()
	sum := sha256.Sum256([]byte(signed))
	signature, err := key.Sign(nil, sum[:], crypto.SHA256)
	if err != nil {
		v.Fatal(err)
	}
	return signature
}

// verifier is ours, over the published set.
func (v *vectors) verifier() *token.Verifier {
	v.Helper()
	verifier, err := token.NewVerifier(token.Config{
		Issuer: "https://app.example.com/auth", Audience: "https://api.example.com", Leeway: time.Minute, Now: func() time.Time { return v.now },
		Keys: token.NewKeySet("https://app.example.com/jwks.json", &http.Client{Transport: serving(v.set)}),
	})
	if err != nil {
		v.Fatal(err)
	}
	return verifier
}

// vector is a token, and why our verifier refuses it; "" where it does not.
type vector struct {
	raw    string
	reason token.Reason
}

func (v *vectors) all() map[string]vector {
	all := map[string]vector{}
	for _, some := range []map[string]vector{v.good(), v.kinds(), v.algorithms(), v.keys(), v.times(), v.subjects(), v.texts()} {
		maps.Copy(all, some)
	}
	return all
}

// TestVectors_IndependentValidatorsAgree passes every vector to our verifier and to
// five independent validators. If one of these disagrees, the table deviations says so,
// and the test also fails if it no longer disagrees.
func TestVectors_IndependentValidatorsAgree(t *testing.T) {
	v := newVectors(t)
	libraries, verifier, all := validator.New(t, "tokens.mjs"), v.verifier(), v.all()
	for name, vec := range all {
		t.Run(name, func(t *testing.T) {
			_, err := verifier.Verify(t.Context(), vec.raw)
			if got := token.ReasonOf(err); got != vec.reason {
				t.Errorf("refused for %q (%v), want %q", got, err, vec.reason)
			}
			if _, inspected := verifier.Inspect(t.Context(), vec.raw); token.ReasonOf(inspected) != vec.reason {
				t.Errorf("Inspect says %v", inspected)
			}
			for validator, refused := range v.verdicts(t.Context(), libraries, vec.raw) {
				differs := slices.Contains(strings.Fields(deviations[name].validators), validator)
				if (refused != "") != ((vec.reason != "") != differs) {
					t.Errorf("%s says %q", validator, refused)
				}
			}
		})
	}
	for name := range deviations {
		if _, shown := all[name]; !shown {
			t.Errorf("there is no token %q", name)
		}
	}
}

// verdicts are why each validator refuses a token, "" where it does not.
func (v *vectors) verdicts(ctx context.Context, libraries *validator.Validator, raw string) map[string]string {
	v.Helper()
	q := question{raw, "https://app.example.com/auth", "https://api.example.com", v.set, v.now.Unix(), 60}
	verdicts := map[string]string{}
	libraries.Ask("validate", q, &verdicts)
	for name, validate := range validators {
		verdicts[name] = ""
		if err := validate(ctx, q); err != nil {
			verdicts[name] = err.Error()
		}
	}
	if len(verdicts) != 5 {
		v.Fatalf("verdicts of %v", slices.Collect(maps.Keys(verdicts)))
	}
	return verdicts
}
