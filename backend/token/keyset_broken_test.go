package token_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tabard-auth/tabard/backend/token"
)

// TestKeySet_BrokenKeyIgnored, wherever it stands.
func TestKeySet_BrokenKeyIgnored(t *testing.T) {
	const good = `{"kty":"EC","kid":"good","alg":"ES256","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	for name, bad := range map[string]string{
		"no y":         `{"kty":"EC","kid":"bad","alg":"ES256","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}`,
		"no point":     `{"kty":"EC","kid":"bad","alg":"ES256","crv":"P-256","x":"AAAA","y":"AAAA"}`,
		"padding":      `{"kty":"RSA","kid":"bad","alg":"RS256","n":"sXchDQ==","e":"AQAB"}`,
		"x5c":          `{"kty":"EC","kid":"bad","alg":"ES256","crv":"P-256","x":"AAAA","x5c":["AAAA"]}`,
		"no kty":       `{"kid":"bad","alg":"ES256"}`,
		"kty a number": `{"kty":5,"kid":"bad"}`,
		"alg a number": `{"kty":"EC","kid":"bad","alg":5}`,
		"null":         `null`,
		"a string":     `"bad"`,
		"a number":     `5`,
		"a list":       `[]`,
	} {
		for _, keys := range []string{good + "," + bad, bad + "," + good} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"keys":[` + keys + `]}`)) }))
			set := token.NewKeySet(server.URL, nil)
			if _, err := set.PublicKey(t.Context(), "good"); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			server.Close()
		}
	}
}
