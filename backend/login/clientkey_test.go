package login_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/web-demo/idp"
)

// TestProvider_PushedAnswers checks that members of the answer are read by their exact
// names, and that those that are not needed cost nobody a sign-in.
func TestProvider_PushedAnswers(t *testing.T) {
	const uri = "urn:ietf:params:oauth:request_uri:1"
	for name, test := range map[string]struct{ answer, want string }{
		"no expires_in":             {`{"request_uri":"` + uri + `"}`, uri},
		"expires_in a string":       {`{"request_uri":"` + uri + `","expires_in":"60"}`, uri},
		"error a number":            {`{"request_uri":"` + uri + `","error":0,"error_description":[]}`, uri},
		"a name of another case":    {`{"request_uri":"` + uri + `","Request_URI":"urn:other"}`, uri},
		"only a name of other case": {`{"REQUEST_URI":"` + uri + `"}`, ""},
		"repeated":                  {`{"request_uri":"` + uri + `","request_uri":"urn:other"}`, ""},
		"a number":                  {`{"request_uri":5}`, ""},
		"a long one":                {`{"request_uri":"urn:` + strings.Repeat("x", 1996) + `"}`, "urn:" + strings.Repeat("x", 1996)},
		"too long for an address":   {`{"request_uri":"urn:` + strings.Repeat("x", 9000) + `"}`, ""},
	} {
		p := provider(t)
		p.PushedRequests = idp.PushRequired
		p.Endpoints = map[string]http.HandlerFunc{"/par": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, test.answer) }}
		address, err := client(p).AuthorizationURL(t.Context(), login.NewAttempt("web", "https://app.example/", now), login.Request{})
		u, _ := url.Parse(address)
		if got := u.Query().Get("request_uri"); got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestClientKey_Files checks the forms in which tools write the key.
func TestClientKey_Files(t *testing.T) {
	key := ecKey(t)
	certificate := func(key *ecdsa.PrivateKey) []byte {
		template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(now, 0)}
		der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	private, own, authority := pemOf(t, key), certificate(key), certificate(ecKey(t))
	for name, test := range map[string]struct {
		text      [][]byte
		certified bool
	}{
		"of OpenSSL, with attributes":      {[][]byte{[]byte("Bag Attributes\n    localKeyID: 01\n"), private}, false},
		"of Windows":                       {[][]byte{[]byte("\ufeff"), bytes.ReplaceAll(private, []byte("\n"), []byte("\r\n"))}, false},
		"the public key first":             {[][]byte{publicPEM, private}, false},
		"a chain, the authority first":     {[][]byte{authority, own, private}, true},
		"a chain after the key":            {[][]byte{private, own, authority}, true},
		"a chain around the key":           {[][]byte{authority, private, own}, true},
		"the public key and a certificate": {[][]byte{publicPEM, own, private}, true},
	} {
		got, err := login.ParseClientKey(bytes.Join(test.text, nil))
		if err != nil || bytes.Contains(got.Set(), []byte("x5t#S256")) != test.certified {
			t.Errorf("%s: %v", name, err)
		}
	}
	encrypted := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, Bytes: []byte("x")})
	if _, err := login.ParseClientKey(encrypted); err == nil || !strings.Contains(err.Error(), "unencrypted") {
		t.Errorf("an encrypted key: %v", err)
	}
}

// TestClientKey_Algorithm checks that an RSA key signs by an algorithm that the provider
// lists.
func TestClientKey_Algorithm(t *testing.T) {
	key := clientKey(t, pemOf(t, rsaKey(t, 2048)))
	for _, test := range []struct {
		listed []string
		want   string
	}{
		{nil, "RS256"}, {[]string{"ES256"}, "RS256"}, {[]string{"PS256", "RS256"}, "RS256"}, {[]string{"ES256", "PS256"}, "PS256"},
		{[]string{"RS512"}, "RS512"}, {[]string{"PS384", "RS384"}, "RS384"}, {[]string{"PS512"}, "PS512"}, {[]string{"HS256", "none"}, "RS256"},
	} {
		p := provider(t)
		p.ClientAuth, p.ClientKeys = []string{"private_key_jwt"}, func() []byte { return key.Set() }
		p.Metadata = func(m map[string]any) { m["token_endpoint_auth_signing_alg_values_supported"] = test.listed }
		if _, err := signInAt(t, relyingParty(p, func(c *login.Config) { c.ClientKey = key }), p, nil); len(p.Redeemed) == 0 {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(p.Redeemed[0].Get("client_assertion"), ".")
		header, _ := base64.RawURLEncoding.DecodeString(head)
		if !strings.Contains(string(header), `"alg":"`+test.want+`"`) {
			t.Errorf("%v: %s, want %s", test.listed, header, test.want)
		}
	}
}

// TestClientKey_NeedsItsAlgorithmListed checks the keys that not every provider knows:
// they sign where the metadata list their algorithm, and are refused by name elsewhere,
// before the person leaves for the provider.
func TestClientKey_NeedsItsAlgorithmListed(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	generate := func(c elliptic.Curve) any {
		key, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	for algorithm, private := range map[string]any{"ES384": generate(elliptic.P384()), "ES512": generate(elliptic.P521()), "EdDSA": ed} {
		t.Run(algorithm, func(t *testing.T) {
			key := clientKey(t, pemOf(t, private))
			for _, test := range []struct {
				listed any
				says   string
			}{
				{[]string{"RS256", algorithm}, ""}, {algorithm, ""},
				{[]string{"RS256", "ES256"}, "takes only RS256, ES256"}, {nil, "do not say"}, {[]any{5}, "do not say"}, {[]string{strings.ToLower(algorithm)}, "takes only"},
			} {
				p := provider(t)
				p.ClientAuth, p.ClientKeys = []string{"private_key_jwt"}, func() []byte { return key.Set() }
				p.Metadata = func(m map[string]any) { m["token_endpoint_auth_signing_alg_values_supported"] = test.listed }
				c := relyingParty(p, func(c *login.Config) { c.ClientKey = key })
				if test.says == "" {
					if _, err := signInAt(t, c, p, nil); err != nil {
						t.Errorf("%v: %v", test.listed, err)
					}
					continue
				}
				_, err := c.AuthorizationURL(t.Context(), login.NewAttempt("web", "https://app.example/", now), login.Request{})
				if login.FaultOf(err) != login.FaultClient || !strings.Contains(err.Error(), algorithm) || !strings.Contains(err.Error(), test.says) {
					t.Errorf("%v: %v", test.listed, err)
				}
			}
		})
	}
}

// TestClientKey_Ed25519 checks the assertion at a provider that lists the algorithm by
// its newer name alone (RFC 9864).
func TestClientKey_Ed25519(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, p := clientKey(t, pemOf(t, private)), provider(t)
	p.ClientAuth = []string{"private_key_jwt"}
	p.Metadata = func(m map[string]any) { m["token_endpoint_auth_signing_alg_values_supported"] = []string{"Ed25519"} }
	_, _ = signInAt(t, relyingParty(p, func(c *login.Config) { c.ClientKey = key }), p, nil) // the test's provider knows EdDSA alone
	signed, signature, _ := cutLast(p.Redeemed[0].Get("client_assertion"), ".")
	header, _ := base64.RawURLEncoding.DecodeString(strings.Split(signed, ".")[0])
	raw, _ := base64.RawURLEncoding.DecodeString(signature)
	if !strings.Contains(string(header), `"alg":"Ed25519"`) || !ed25519.Verify(public, []byte(signed), raw) {
		t.Errorf("the header is %s", header)
	}
	if set := string(key.Set()); !strings.Contains(set, `"kty":"OKP"`) || strings.Contains(set, `"d"`) {
		t.Errorf("published is %s", set)
	}
}

func cutLast(text, separator string) (before, after string, found bool) {
	at := strings.LastIndex(text, separator)
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at+len(separator):], true
}
