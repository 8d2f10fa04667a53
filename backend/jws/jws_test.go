package jws_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/jws"
)

const most = 8 << 10

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// written returns a JWS of texts with an invalid signature.
func written(header, payload string) string {
	return encode(header) + "." + encode(payload) + "." + encode("signature")
}

func TestAMessageIsReadAsItStands(t *testing.T) {
	m, err := jws.Parse(written(`{"alg":"ES256","kid":"k","x":{"a":[1,{"a":2}]}}`, "any\x00bytes"), most)
	if err != nil {
		t.Fatal(err)
	}
	if m.Algorithm() != "ES256" || m.Header.Text("kid") != "k" || string(m.Payload) != "any\x00bytes" {
		t.Errorf("%+v", m)
	}
}

func TestWhatCouldBeReadInTwoWaysIsRefused(t *testing.T) {
	good := written(`{"alg":"ES256"}`, `{"a":1}`)
	parts := strings.Split(good, ".")
	for name, raw := range map[string]string{
		"nothing":                 "",
		"one part":                parts[0],
		"two parts":               parts[0] + "." + parts[1],
		"four parts":              good + ".",
		"a padded header":         encode(`{"alg":"ES256"} `) + "=." + parts[1] + "." + parts[2],
		"another alphabet":        parts[0] + "." + parts[1] + ".+/+/",
		"unused bits":             parts[0] + "." + parts[1] + ".AB",
		"a line break":            parts[0] + "." + parts[1] + "." + parts[2][:4] + "\n" + parts[2][4:],
		"a carriage return":       parts[0] + "\r." + parts[1] + "." + parts[2],
		"a space":                 parts[0] + ". " + parts[1] + "." + parts[2],
		"a header that is null":   written(`null`, `{}`),
		"a header that is a list": written(`[]`, `{}`),
		"a header that is text":   written(`"alg"`, `{}`),
		"half a header":           written(`{"alg":"ES256"`, `{}`),
		"two headers":             written(`{"alg":"ES256"}{}`, `{}`),
		"a member twice":          written(`{"alg":"none","alg":"ES256"}`, `{}`),
		"a member twice, escaped": written(`{"alg":"none","\u0061lg":"ES256"}`, `{}`),
		"a member twice, deeper":  written(`{"alg":"ES256","jwk":{"x":1,"x":2}}`, `{}`),
		"a claim twice":           written(`{"alg":"ES256"}`, `{"a":1,"b":2,"a":1}`),
		"a claim twice, in lists": written(`{"alg":"ES256"}`, `[[{"a":1,"a":1}]]`),
		"a critical member":       written(`{"alg":"ES256","crit":["exp"]}`, `{}`),
		"crit that is null":       written(`{"alg":"ES256","crit":null}`, `{}`),
		"a byte too many":         written(`{"alg":"ES256"}`, strings.Repeat("a", most)),
	} {
		if m, err := jws.Parse(raw, most); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func TestASignatureHoldsByItsKeysAlgorithmOnly(t *testing.T) {
	es, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]struct{ private, public any }{
		"ES256": {es, &es.PublicKey}, "EdDSA": {ed, ed.Public()}, "RS256": {rs, &rs.PublicKey},
		"PS256": {rs, &rs.PublicKey}, "HS256": {[]byte("secret"), []byte("secret")},
	}
	for signed, key := range keys {
		raw, err := jwt.New(jwt.GetSigningMethod(signed)).SignedString(key.private)
		if err != nil {
			t.Fatal(err)
		}
		m, err := jws.Parse(raw, most)
		if err != nil {
			t.Fatal(err)
		}
		for algorithm, by := range keys {
			if err := m.Verify(algorithm, by.public); (err == nil) != (algorithm == signed && jws.Supported(signed)) {
				t.Errorf("%s by %s: %v", signed, algorithm, err)
			}
		}
		for _, algorithm := range []string{"none", "", "ES512"} {
			if m.Verify(algorithm, key.public) == nil {
				t.Errorf("%s holds by %q", signed, algorithm)
			}
		}
		for name, by := range map[string]any{"no key": nil, "a text": "key", "a private key": key.private} {
			if jws.Supported(signed) && m.Verify(signed, by) == nil {
				t.Errorf("%s holds by %s", signed, name)
			}
		}
	}
}

// Any input is refused before much memory is allocated for it.
func TestHugeInputCostsNothing(t *testing.T) {
	for name, raw := range map[string]string{
		"a million dots":    strings.Repeat(".", 1_000_000),
		"a million letters": strings.Repeat("A", 1_000_000),
		"two dots in them":  "." + strings.Repeat("A", 1_000_000) + ".",
	} {
		if n := testing.AllocsPerRun(10, func() { jws.Parse(raw, most) }); n > 4 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	deep := written(`{"alg":"ES256","a":`+strings.Repeat("[", 5000), `{}`)
	if _, err := jws.Parse(deep, most); err == nil {
		t.Error("a header of 5000 open lists is taken")
	}
}

// twice finds a repeated member of an object by another method than the parser's.
func twice(d *json.Decoder) (found, valid bool) {
	open, err := d.Token()
	if err != nil {
		return false, false
	}
	delim, ok := open.(json.Delim)
	if !ok {
		return false, true
	}
	seen := map[string]bool{}
	for d.More() {
		if delim == '{' {
			name, err := d.Token()
			text, isName := name.(string)
			if err != nil || !isName {
				return false, false
			}
			found = found || seen[text]
			seen[text] = true
		}
		inner, valid := twice(d)
		if !valid {
			return false, false
		}
		found = found || inner
	}
	_, err = d.Token()
	return found, err == nil
}

func FuzzParse(f *testing.F) {
	f.Add(`{"alg":"ES256","kid":"k"}`, `{"iss":"i","aud":["a","b"],"n":{"n":1}}`)
	f.Add(`{"alg":"ES256","\u0061lg":"none"}`, `{}`)
	f.Add("{\"a\\\\\":1,\"a\\\"\":2}", "{\"\xff\":1,\"\xfe\":2}")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, header, payload string) {
		raw := written(header, payload)
		m, err := jws.Parse(raw, most)
		if _, direct := jws.Parse(header, most); direct == nil && strings.Count(header, ".") != 2 {
			t.Errorf("%q is taken", header)
		}
		for _, text := range []string{header, payload} {
			if found, valid := twice(json.NewDecoder(strings.NewReader(text))); valid && json.Valid([]byte(text)) && found && err == nil {
				t.Errorf("%q names a member twice", text)
			}
		}
		if err != nil {
			return
		}
		if !bytes.Equal(m.Payload, []byte(payload)) {
			t.Errorf("the payload is %q, want %q", m.Payload, payload)
		}
		var read map[string]any
		if json.Unmarshal([]byte(header), &read) != nil || len(read) != len(m.Header) {
			t.Errorf("the header is %v, want %s", m.Header, header)
		}
	})
}
