package validators

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/judge"
)

// zoo is an issuer's keys, an attacker's, and the tokens that they make.
type zoo struct {
	*testing.T
	es, evil *ecdsa.PrivateKey
	ed       ed25519.PrivateKey
	rs       *rsa.PrivateKey
	set      []byte // published
	now      time.Time
}

type object = map[string]any

func newZoo(t *testing.T) *zoo {
	t.Helper()
	z := &zoo{T: t, now: time.Unix(1_800_000_000, 0)}
	var err [4]error
	z.es, err[0] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	z.evil, err[1] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, z.ed, err[2] = ed25519.GenerateKey(rand.Reader)
	z.rs, err[3] = rsa.GenerateKey(rand.Reader, 2048)
	if i := slices.IndexFunc(err[:], func(e error) bool { return e != nil }); i >= 0 {
		t.Fatal(err[i])
	}
	z.set = z.publish(object{"es": z.es.Public(), "ed": z.ed.Public()})
	return z
}

// publish returns a key set, each key with its algorithm.
func (z *zoo) publish(keys object) []byte {
	z.Helper()
	set := jwk.NewSet()
	for _, kid := range slices.Sorted(maps.Keys(keys)) {
		key, err := jwk.FromRaw(keys[kid])
		if err != nil {
			z.Fatal(err)
		}
		key.Set("kid", kid)
		key.Set("use", "sig")
		key.Set("alg", map[string]string{"es": "ES256", "ed": "EdDSA", "evil": "ES256"}[kid])
		set.AddKey(key)
	}
	text, err := json.Marshal(set)
	if err != nil {
		z.Fatal(err)
	}
	return text
}

// claims are those of a good token, changed; nil takes one away.
func (z *zoo) claims(change object) object {
	claims := object{
		"iss": "https://app.example.com/auth", "sub": "usr_1", "aud": "https://api.example.com", "jti": "j", "client_id": "app",
		"iat": z.now.Unix(), "exp": z.now.Unix() + 300, "sid": "ses_1", "org_id": "org_acme", "org_slug": "acme",
		"auth_time": z.now.Unix(), "roles": []string{}, "permissions": []string{},
	}
	return merged(claims, change)
}

func merged(into, change object) object {
	maps.Copy(into, change)
	maps.DeleteFunc(into, func(_ string, value any) bool { return value == nil })
	return into
}

// with signs claims, changed, as the issuer does.
func (z *zoo) with(change object) string { return z.sign(nil, change, z.es) }

// headed signs a good token's claims under a header, changed.
func (z *zoo) headed(change object) string { return z.sign(change, nil, z.es) }

func (z *zoo) sign(header, claims object, key any) string {
	z.Helper()
	return z.text(z.json(merged(object{"alg": "ES256", "kid": "es", "typ": "at+jwt"}, header)), z.json(z.claims(claims)), "ES256", key)
}

func (z *zoo) json(value any) string {
	z.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		z.Fatal(err)
	}
	return string(text)
}

// text signs any header and payload by an algorithm, whatever the header says of it.
func (z *zoo) text(header, payload, algorithm string, key any) string {
	z.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(header)) + "." + encode([]byte(payload))
	signature, err := jwt.GetSigningMethod(algorithm).Sign(signed, key)
	if err != nil {
		z.Fatal(err)
	}
	return signed + "." + encode(signature)
}

// verifier is ours, over the published set.
func (z *zoo) verifier() *token.Verifier {
	z.Helper()
	v, err := token.NewVerifier(token.Config{
		Issuer: "https://app.example.com/auth", Audience: "https://api.example.com", Leeway: time.Minute, Now: func() time.Time { return z.now },
		Keys: token.NewKeySet("https://app.example.com/jwks.json", &http.Client{Transport: serving(z.set)}),
	})
	if err != nil {
		z.Fatal(err)
	}
	return v
}

// animal is a token, and why our verifier refuses it; "" where it does not.
type animal struct {
	raw    string
	reason token.Reason
}

func (z *zoo) animals() map[string]animal {
	all := map[string]animal{}
	for _, some := range []map[string]animal{z.good(), z.kinds(), z.algorithms(), z.keys(), z.times(), z.subjects(), z.texts()} {
		maps.Copy(all, some)
	}
	return all
}

// TestTheZooIsJudgedAlikeByIndependentValidators shows every token to our verifier and
// to five validators that know nothing of this project's code. Where one differs, the
// table otherwise says so, and the test fails as well if it no longer does.
func TestTheZooIsJudgedAlikeByIndependentValidators(t *testing.T) {
	z := newZoo(t)
	j, v, animals := judge.New(t, "tokens.mjs"), z.verifier(), z.animals()
	for name, a := range animals {
		t.Run(name, func(t *testing.T) {
			_, err := v.Verify(t.Context(), a.raw)
			if got := token.ReasonOf(err); got != a.reason {
				t.Errorf("refused for %q (%v), want %q", got, err, a.reason)
			}
			if _, inspected := v.Inspect(t.Context(), a.raw); token.ReasonOf(inspected) != a.reason {
				t.Errorf("Inspect says %v", inspected)
			}
			for validator, refused := range z.verdicts(t.Context(), j, a.raw) {
				differs := slices.Contains(strings.Fields(otherwise[name].validators), validator)
				if (refused != "") != ((a.reason != "") != differs) {
					t.Errorf("%s says %q", validator, refused)
				}
			}
		})
	}
	for name := range otherwise {
		if _, shown := animals[name]; !shown {
			t.Errorf("there is no token %q", name)
		}
	}
}

// verdicts are why each validator refuses a token, "" where it does not.
func (z *zoo) verdicts(ctx context.Context, j *judge.Judge, raw string) map[string]string {
	z.Helper()
	q := question{raw, "https://app.example.com/auth", "https://api.example.com", z.set, z.now.Unix(), 60}
	verdicts := map[string]string{}
	j.Exchange("judge", q, &verdicts)
	for name, validate := range validators {
		verdicts[name] = ""
		if err := validate(ctx, q); err != nil {
			verdicts[name] = err.Error()
		}
	}
	if len(verdicts) != 5 {
		z.Fatalf("verdicts of %v", slices.Collect(maps.Keys(verdicts)))
	}
	return verdicts
}
