package token_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/token"
)

const (
	issuer   = "https://app.example.com/auth"
	audience = "https://app.example.com/api"
)

var now = time.Unix(1_800_000_000, 0)

// keyRing is an issuer's keys and implements its key source.
type keyRing map[string]token.PublicKey

func (k keyRing) PublicKey(_ context.Context, kid string) (token.PublicKey, error) {
	if key, ok := k[kid]; ok {
		return key, nil
	}
	return token.PublicKey{}, token.ErrUnknownKey
}

func newKey(t testing.TB) (token.SigningKey, token.PublicKey) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return token.SigningKey{ID: "k1", Algorithm: "ES256", Private: private},
		token.PublicKey{Algorithm: "ES256", Key: &private.PublicKey}
}

func claims() token.Claims {
	return token.Claims{
		Issuer: issuer, Subject: "usr_1", Audience: []string{audience}, IssuedAt: now.Unix(), Expires: now.Unix() + 300,
		ID: "jti", ClientID: "app", SessionID: "ses_1", OrganizationID: "org_acme", OrganizationSlug: "acme",
		Roles: []string{"editor"}, Permissions: []string{"notes:read"}, AuthTime: now.Unix() - 60, ACR: "urn:x", AMR: []string{"pwd"},
	}
}

func newVerifier(t testing.TB, keys token.KeySource, at time.Time) *token.Verifier {
	t.Helper()
	v, err := token.NewVerifier(token.Config{Issuer: issuer, Audience: audience, Keys: keys,
		Algorithms: []string{"ES256", "EdDSA", "RS256"}, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func sign(t testing.TB, c token.Claims, key token.SigningKey) string {
	t.Helper()
	raw, err := c.Sign(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func refusedFor(t *testing.T, err error, want token.Reason) {
	t.Helper()
	if got := token.ReasonOf(err); got != want {
		t.Errorf("refused for %q (%v), want %q", got, err, want)
	}
}

func TestATokenOfEveryAlgorithmIsAcceptedByItsKey(t *testing.T) {
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	es, _ := newKey(t)
	for algorithm, private := range map[string]crypto.Signer{"ES256": es.Private, "EdDSA": ed, "RS256": rs} {
		keys := keyRing{"k": {Algorithm: algorithm, Key: private.Public()}}
		raw := sign(t, claims(), token.SigningKey{ID: "k", Algorithm: algorithm, Private: private})
		got, err := newVerifier(t, keys, now).Verify(t.Context(), raw)
		if err != nil {
			t.Errorf("%s: %v", algorithm, err)
			continue
		}
		if got.OrganizationID != "org_acme" || got.Audience[0] != audience || !got.Allows("notes:read") || got.Allows("notes:write") {
			t.Errorf("%s: %+v", algorithm, got)
		}
	}
}

// forge makes a token that is valid except for its header and signature.
func forge(t *testing.T, method jwt.SigningMethod, header map[string]any, with any) string {
	t.Helper()
	j := jwt.NewWithClaims(method, jwt.MapClaims{
		"iss": issuer, "sub": "usr_1", "aud": audience, "iat": now.Unix(), "exp": now.Unix() + 300, "org_id": "org_acme",
	})
	j.Header["typ"], j.Header["kid"] = token.Type, "k1"
	maps.Copy(j.Header, header)
	raw, err := j.SignedString(with)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestVerifier_ReadsNotBefore: Tabard's tokens have no nbf, but those of others may.
func TestVerifier_ReadsNotBefore(t *testing.T) {
	key, public := newKey(t)
	v := newVerifier(t, keyRing{"k1": public}, now)
	for later, want := range map[time.Duration]token.Reason{
		-time.Hour: "", 0: "", 30 * time.Second: "", 31 * time.Second: token.NotYetValid, time.Minute: token.NotYetValid,
	} {
		c := claims()
		c.NotBefore = now.Add(later).Unix()
		_, err := v.Verify(t.Context(), sign(t, c, key))
		refusedFor(t, err, want)
	}
}

func TestWhatIsNoValidTokenIsRefused(t *testing.T) {
	key, public := newKey(t)
	other, _ := newKey(t)
	keys := keyRing{"k1": public}
	good := func(change func(*token.Claims)) string {
		c := claims()
		change(&c)
		return sign(t, c, key)
	}
	forged := func(method jwt.SigningMethod, header map[string]any, with any) string {
		return forge(t, method, header, with)
	}
	secret := public.Key.(*ecdsa.PublicKey)
	point, _ := secret.Bytes()
	valid := good(func(*token.Claims) {})
	for name, c := range map[string]struct {
		raw  string
		want token.Reason
	}{
		"another issuer":                  {good(func(c *token.Claims) { c.Issuer = "https://evil.example" }), token.WrongIssuer},
		"another audience":                {good(func(c *token.Claims) { c.Audience = []string{"https://other.example"} }), token.WrongAudience},
		"no organization":                 {good(func(c *token.Claims) { c.OrganizationID = "" }), token.MissingClaim},
		"no subject":                      {good(func(c *token.Claims) { c.Subject = "" }), token.MissingClaim},
		"expired":                         {good(func(c *token.Claims) { c.Expires = now.Unix() - 31 }), token.Expired},
		"issued in the future":            {good(func(c *token.Claims) { c.IssuedAt = now.Unix() + 31 }), token.NotYetValid},
		"another key":                     {sign(t, claims(), token.SigningKey{ID: "k1", Algorithm: "ES256", Private: other.Private}), token.BadSignature},
		"an unknown key":                  {sign(t, claims(), token.SigningKey{ID: "k2", Algorithm: "ES256", Private: key.Private}), token.UnknownKey},
		"no signature":                    {forged(jwt.SigningMethodNone, nil, jwt.UnsafeAllowNoneSignatureType), token.BadSignature},
		"HS256 with the public key":       {forged(jwt.SigningMethodHS256, nil, point), token.BadSignature},
		"an ID token":                     {forged(jwt.SigningMethodES256, map[string]any{"typ": "JWT"}, key.Private), token.WrongType},
		"no typ":                          {forged(jwt.SigningMethodES256, map[string]any{"typ": nil}, key.Private), token.WrongType},
		"a critical extension":            {forged(jwt.SigningMethodES256, map[string]any{"crit": []string{"b64"}}, key.Private), token.Malformed},
		"a key address of its own":        {forged(jwt.SigningMethodES256, map[string]any{"kid": "k3", "jku": "https://evil.example"}, other.Private), token.UnknownKey},
		"a path for a key id":             {forged(jwt.SigningMethodES256, map[string]any{"kid": "../../k1"}, key.Private), token.UnknownKey},
		"nothing":                         {"", token.Malformed},
		"one part":                        {"abc", token.Malformed},
		"five parts":                      {valid + ".a.b", token.Malformed},
		"a million dots":                  {strings.Repeat(".", 1_000_000), token.Malformed},
		"padding":                         {valid + "=", token.Malformed},
		"a cut signature":                 {valid[:len(valid)-2], token.BadSignature},
		"a member that stands twice":      {twice(valid, `"org_id"`), token.Malformed},
		"one that is spelled in two ways": {twice(valid, `"org\u005fid"`), token.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVerifier(t, keys, now)
			_, err := v.Verify(t.Context(), c.raw)
			refusedFor(t, err, c.want)
			if got, _ := v.Inspect(t.Context(), c.raw); got != nil && c.want != token.Expired && c.want != token.NotYetValid {
				t.Errorf("Inspect tells of %+v", got)
			}
		})
	}
}

// twice adds a second organization to the token's own.
func twice(raw, name string) string {
	parts := strings.Split(raw, ".")
	text, _ := base64.RawURLEncoding.DecodeString(parts[1])
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(text), "{", "{"+name+`:"org_evil",`, 1)))
	return strings.Join(parts, ".")
}

func TestP8TheExpiredStillSpeak(t *testing.T) {
	key, public := newKey(t)
	raw := sign(t, claims(), key)
	late := newVerifier(t, keyRing{"k1": public}, now.Add(24*time.Hour))

	if _, err := late.Verify(t.Context(), raw); token.ReasonOf(err) != token.Expired {
		t.Errorf("Verify: %v", err)
	}
	if _, err := late.VerifyFor(t.Context(), raw, "org_acme"); token.ReasonOf(err) != token.Expired {
		t.Errorf("VerifyFor: %v", err)
	}
	was, err := late.Inspect(t.Context(), raw)
	refusedFor(t, err, token.Expired)
	if was == nil || was.Subject != "usr_1" || was.OrganizationID != "org_acme" {
		t.Fatalf("Inspect tells %+v", was)
	}
	if tampered, err := late.Inspect(t.Context(), raw[:len(raw)-8]+"AAAAAAAA"); tampered != nil || err == nil {
		t.Error("a token that is not authentic tells something")
	}
}

func TestALeewayIsBounded(t *testing.T) {
	key, public := newKey(t)
	raw := sign(t, claims(), key)
	for after, want := range map[time.Duration]token.Reason{329 * time.Second: "", 330 * time.Second: token.Expired} {
		_, err := newVerifier(t, keyRing{"k1": public}, now.Add(after)).Verify(t.Context(), raw)
		refusedFor(t, err, want)
	}
	if _, err := token.NewVerifier(token.Config{Issuer: issuer, Audience: audience, Keys: keyRing{}, Leeway: 61 * time.Second}); err == nil {
		t.Error("a leeway of more than a minute is accepted")
	}
	for _, algorithm := range []string{"none", "HS256", "", "es256"} {
		if _, err := token.NewVerifier(token.Config{Issuer: issuer, Audience: audience, Keys: keyRing{}, Algorithms: []string{algorithm}}); err == nil {
			t.Errorf("algorithm %q is accepted", algorithm)
		}
	}
}

func TestP5ATokenServesOneOrganization(t *testing.T) {
	key, public := newKey(t)
	v, raw := newVerifier(t, keyRing{"k1": public}, now), sign(t, claims(), key)
	for _, organization := range []string{"org_acme", "acme"} {
		if _, err := v.VerifyFor(t.Context(), raw, organization); err != nil {
			t.Error(err)
		}
	}
	for _, organization := range []string{"org_globex", "globex", "", "ORG_ACME", "Acme", "org_", "org_acme "} {
		_, err := v.VerifyFor(t.Context(), raw, organization)
		refusedFor(t, err, token.WrongOrganization)
	}
}

func TestKeysThatCannotBeHadAreNoVerdictOnTheToken(t *testing.T) {
	key, _ := newKey(t)
	_, err := newVerifier(t, failing{}, now).Verify(t.Context(), sign(t, claims(), key))
	refusedFor(t, err, token.KeysUnavailable)
}

type failing struct{}

func (failing) PublicKey(context.Context, string) (token.PublicKey, error) {
	return token.PublicKey{}, errors.New("away")
}

func TestAliasesRepeatClaimsAndReplaceNone(t *testing.T) {
	key, public := newKey(t)
	c := claims()
	raw, err := c.Sign(key, map[string]string{"tenantId": "org_id", "sub": "org_id", "nothing": "nowhere"})
	if err != nil {
		t.Fatal(err)
	}
	var all jwt.MapClaims
	if _, err := jwt.NewParser(jwt.WithoutClaimsValidation()).ParseWithClaims(raw, &all, func(*jwt.Token) (any, error) { return public.Key, nil }); err != nil {
		t.Fatal(err)
	}
	if all["tenantId"] != "org_acme" || all["sub"] != "usr_1" || all["nothing"] != nil {
		t.Errorf("claims %v", all)
	}
}

func FuzzVerifyNeverPanics(f *testing.F) {
	key, public := newKey(f)
	raw := sign(f, claims(), key)
	f.Add(raw)
	f.Add("..")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	v := newVerifier(f, keyRing{"k1": public}, now)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := v.Verify(t.Context(), text)
		if err == nil && text != raw {
			t.Errorf("%q is accepted as %+v", text, got)
		}
	})
}

func TestAVerifierTellsWhoActs(t *testing.T) {
	key, public := newKey(t)
	for _, act := range []*token.Actor{nil, {Subject: "usr_1"}, {Subject: "reports"}, {Subject: "reports", Actor: &token.Actor{Subject: "usr_1"}}} {
		c := claims()
		c.Actor = act
		got, err := newVerifier(t, keyRing{"k1": public}, now).Verify(t.Context(), sign(t, c, key))
		if err != nil || !reflect.DeepEqual(got.Actor, act) {
			t.Fatalf("%+v: %v", got, err)
		}
		if staff := act != nil && (act.Subject == "usr_1" || act.Actor != nil); got.ByStaff() != staff {
			t.Errorf("%+v: by staff %t", act, got.ByStaff())
		}
	}
}
