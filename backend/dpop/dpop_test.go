package dpop_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// now is the time of the tests.
var now = time.Unix(1_800_000_000, 0)

const address = "https://app.example.com/auth/token"

func goodClaims() map[string]any {
	return map[string]any{"jti": "a-jti", "htm": "POST", "htu": address, "iat": now.Unix()}
}

func TestAGoodProofTellsItsKey(t *testing.T) {
	device := httpbrowser.NewDevice(t)
	claims := goodClaims()
	claims["nonce"], claims["extension"] = "a-nonce", map[string]any{"a": []any{1}}
	proof, err := dpop.Parse(device.Sign(t, map[string]any{"kid": "ignored", "jku": "https://evil.example"}, claims))
	if err != nil {
		t.Fatal(err)
	}
	if proof.JKT != device.Thumbprint() || proof.ID != "a-jti" || proof.IssuedAt != now.Unix() || proof.Nonce != "a-nonce" {
		t.Errorf("%+v", proof)
	}
	if err := proof.Covers("POST", address); err != nil {
		t.Error(err)
	}
}

// The key and its thumbprint are those of RFC 9449, sections 4.1 and 6.1.
func TestTheThumbprintIsThatOfTheStandard(t *testing.T) {
	const raw = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik" +
		"VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR" +
		"nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JE" +
		"QSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIj" +
		"oiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwia" +
		"WF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg" +
		"4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	proof, err := dpop.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if proof.JKT != "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" {
		t.Errorf("thumbprint %s", proof.JKT)
	}
	if err := proof.Covers("POST", "https://server.example.com/token"); err != nil {
		t.Error(err)
	}
}

// badHeaders returns changes to the header of a device's valid proof.
func badHeaders(device, other *httpbrowser.Device) map[string]map[string]any {
	jwk := func(change map[string]any) map[string]any {
		key := device.JWK()
		maps.Copy(key, change)
		maps.DeleteFunc(key, func(_ string, value any) bool { return value == nil })
		return map[string]any{"jwk": key}
	}
	return map[string]map[string]any{
		"no typ":                      {"typ": nil},
		"typ of a JWT":                {"typ": "JWT"},
		"typ of an access token":      {"typ": "at+jwt"},
		"typ in capitals":             {"typ": "DPOP+JWT"},
		"no alg":                      {"alg": nil},
		"alg none":                    {"alg": "none"},
		"a symmetric alg":             {"alg": "HS256"},
		"another curve's alg":         {"alg": "ES384"},
		"an RSA alg":                  {"alg": "RS256"},
		"an EdDSA alg":                {"alg": "EdDSA"},
		"no key":                      {"jwk": nil},
		"a key that is a text":        {"jwk": "key"},
		"another's key":               {"jwk": other.JWK()},
		"something critical":          {"crit": []string{"exp"}, "exp": now.Unix()},
		"a private key":               jwk(map[string]any{"d": "AAAA"}),
		"a symmetric secret":          jwk(map[string]any{"k": "AAAA"}),
		"an RSA key":                  jwk(map[string]any{"kty": "RSA", "n": "AAAA", "e": "AQAB"}),
		"an octet key":                jwk(map[string]any{"kty": "oct"}),
		"no key type":                 jwk(map[string]any{"kty": nil}),
		"another curve":               jwk(map[string]any{"crv": "P-384"}),
		"no curve":                    jwk(map[string]any{"crv": nil}),
		"no x":                        jwk(map[string]any{"x": nil}),
		"an x that is a number":       jwk(map[string]any{"x": 7}),
		"a short x":                   jwk(map[string]any{"x": "AAAA"}),
		"a padded x":                  jwk(map[string]any{"x": device.JWK()["x"].(string) + "="}),
		"a long y":                    jwk(map[string]any{"y": device.JWK()["y"].(string) + "AA"}),
		"a point that is off":         jwk(map[string]any{"y": other.JWK()["y"]}),
		"a point that is none":        jwk(map[string]any{"x": strings.Repeat("A", 43), "y": strings.Repeat("A", 43)}),
		"an x beyond the field":       jwk(map[string]any{"x": "_" + strings.Repeat("_", 41) + "8"}),
		"trailing bits in x":          jwk(map[string]any{"x": device.JWK()["x"].(string)[:42] + "_"}),
		"a part of a private RSA key": jwk(map[string]any{"dp": "AAAA"}),
	}
}

// badClaims are changes to the claims of a valid proof.
var badClaims = map[string]map[string]any{
	"no jti":                {"jti": nil},
	"an empty jti":          {"jti": ""},
	"a jti that is long":    {"jti": strings.Repeat("j", 129)},
	"a jti that is a list":  {"jti": []string{"a"}},
	"no htm":                {"htm": nil},
	"no htu":                {"htu": nil},
	"no iat":                {"iat": nil},
	"an iat that is text":   {"iat": "1800000000"},
	"an iat before time":    {"iat": -1},
	"an iat without bounds": {"iat": 1e300},
}

// mangled returns variants of a device's valid proof, changed as a whole.
func mangled(t *testing.T, device, other *httpbrowser.Device) map[string]string {
	good := device.Sign(t, nil, goodClaims())
	parts := strings.Split(good, ".")
	return map[string]string{
		"nothing":                "",
		"dots":                   "..",
		"many dots":              strings.Repeat(".", 4000),
		"no signature":           parts[0] + "." + parts[1] + ".",
		"a cut signature":        good[:len(good)-2],
		"a longer signature":     good + "AA",
		"a padded signature":     good + "==",
		"another signature":      parts[0] + "." + parts[1] + "." + strings.Split(other.Sign(t, nil, goodClaims()), ".")[2],
		"a signature of zeros":   parts[0] + "." + parts[1] + "." + strings.Repeat("A", 86),
		"other claims":           parts[0] + "." + strings.Split(device.Sign(t, nil, map[string]any{"jti": "b", "htm": "POST", "htu": address, "iat": now.Unix()}), ".")[1] + "." + parts[2],
		"two of them":            good + "," + good,
		"a space":                " " + good,
		"too much of it":         device.Sign(t, map[string]any{"x": strings.Repeat("x", 4<<10)}, goodClaims()),
		"a member twice":         device.SignText(t, `{"typ":"dpop+jwt","alg":"ES256","jwk":{}}`, `{"jti":"a","jti":"b","htm":"POST","htu":"`+address+`","iat":1}`),
		"claims that are a list": device.SignText(t, `{"typ":"dpop+jwt","alg":"ES256"}`, `[]`),
		"claims that are null":   device.Sign(t, nil, nil),
	}
}

func TestABadProofIsRefused(t *testing.T) {
	device, other := httpbrowser.NewDevice(t), httpbrowser.NewDevice(t)
	bad := mangled(t, device, other)
	for name, header := range badHeaders(device, other) {
		bad[name] = device.Sign(t, header, goodClaims())
	}
	for name, change := range badClaims {
		changed := goodClaims()
		maps.Copy(changed, change)
		maps.DeleteFunc(changed, func(_ string, value any) bool { return value == nil })
		bad[name] = device.Sign(t, nil, changed)
	}
	for name, raw := range bad {
		t.Run(name, func(t *testing.T) {
			if proof, err := dpop.Parse(raw); proof != nil || !errors.Is(err, dpop.ErrProof) {
				t.Errorf("%+v, %v", proof, err)
			}
		})
	}
}

func TestAProofCoversItsRequestAlone(t *testing.T) {
	device := httpbrowser.NewDevice(t)
	for htu, covers := range map[string]bool{
		address:                                      true,
		address + "?a=1":                             true,
		address + "#top":                             true,
		"HTTPS://App.Example.com/auth/token":         true,
		"https://app.example.com:443/auth/token":     true,
		"https://app.example.com:/auth/token":        true,
		"https://app.example.com/auth/%74oken":       true,
		"https://app.example.com/auth/x/../token":    true,
		"https://app.example.com/auth/token/":        false,
		"https://app.example.com/auth/Token":         false,
		"https://app.example.com/auth%2Ftoken":       false,
		"https://app.example.com/auth":               false,
		"https://app.example.com":                    false,
		"http://app.example.com/auth/token":          false,
		"https://app.example.com:8443/auth/token":    false,
		"https://app.example.com:80/auth/token":      false,
		"https://evil.example.com/auth/token":        false,
		"https://app.example.com.evil/auth/token":    false,
		"https://app.example.com@evil.com/token":     false,
		"https://user@app.example.com/auth/token":    false,
		"//app.example.com/auth/token":               false,
		"/auth/token":                                false,
		"https:app.example.com/auth/token":           false,
		"https://app.example.com/auth/token%":        false,
		"https://app.example.com\\@evil/auth/token":  false,
		"wss://app.example.com/auth/token":           false,
		"https://evil.com#@app.example.com/auth/tok": false,
	} {
		claims := goodClaims()
		claims["htu"] = htu
		proof, err := dpop.Parse(device.Sign(t, nil, claims))
		if err != nil {
			t.Fatal(err)
		}
		if err := proof.Covers("POST", address); (err == nil) != covers {
			t.Errorf("%s: %v", htu, err)
		}
		for _, method := range []string{"GET", "post", "DELETE", ""} {
			if proof.Covers(method, address) == nil {
				t.Errorf("%s: covers %s", htu, method)
			}
		}
	}
}

func TestAProofCoversItsTokenAlone(t *testing.T) {
	device := httpbrowser.NewDevice(t)
	proof, err := dpop.Parse(device.Proof(t, "GET", address, now, "the token"))
	if err != nil {
		t.Fatal(err)
	}
	if err := proof.CoversToken("the token"); err != nil {
		t.Error(err)
	}
	if proof.CoversToken("another") == nil {
		t.Error("it covers another token")
	}
	if proof, err = dpop.Parse(device.Proof(t, "GET", address, now)); err != nil || proof.CoversToken("the token") == nil {
		t.Errorf("a proof without ath covers a token (%v)", err)
	}
}

func TestAThumbprintHasOneForm(t *testing.T) {
	good := httpbrowser.NewDevice(t).Thumbprint()
	if !dpop.IsThumbprint(good) {
		t.Errorf("%s is none", good)
	}
	for _, bad := range []string{"", good[1:], good + "A", good + "=", good[:42] + "/", good[:42] + "\n", good[:42] + "_", strings.Repeat("é", 43)} {
		if dpop.IsThumbprint(bad) {
			t.Errorf("%q is one", bad)
		}
	}
}

func FuzzParseProof(f *testing.F) {
	device := httpbrowser.NewDevice(f)
	for _, seed := range []string{
		device.Sign(f, nil, goodClaims()), device.SignText(f, "{}", "{}"), device.SignText(f, `{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC"}}`, "null"), "..", "a.b.c",
	} {
		f.Add(seed, address)
	}
	f.Fuzz(func(t *testing.T, raw, to string) {
		proof, err := dpop.Parse(raw)
		if (proof == nil) == (err == nil) || err != nil && !errors.Is(err, dpop.ErrProof) {
			t.Fatalf("%+v, %v", proof, err)
		}
		if proof == nil {
			signed := goodClaims()
			signed["htu"] = raw // htu may be any text
			proof, err = dpop.Parse(device.Sign(t, nil, signed))
			if err != nil {
				return
			}
		}
		if !dpop.IsThumbprint(proof.JKT) || proof.ID == "" || len(proof.ID) > 128 {
			t.Errorf("%+v", proof)
		}
		proof.Covers("POST", to)
	})
}
