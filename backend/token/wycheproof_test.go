package token_test

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"github.com/tabard-auth/tabard/backend/jws"
	"github.com/tabard-auth/tabard/backend/token"
)

// spared reports whether a valid vector is refused on purpose: its key is symmetric,
// cannot be in a key set, or is for an algorithm that access tokens do not use.
func spared(public map[string]any) bool {
	algorithm, _ := public["alg"].(string)
	return !jws.Supported(algorithm)
}

// TestWycheproofLeavesNoInvalidSignatureAccepted sends the vectors of Project
// Wycheproof through the verification of a token: the key through a published set, the
// text through the strict reader, the algorithm from the key.
func TestWycheproofLeavesNoInvalidSignatureAccepted(t *testing.T) {
	text, err := os.ReadFile("testdata/wycheproof/json_web_signature_test.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		TestGroups []struct {
			Public map[string]any
			Tests  []struct {
				TcID                 int
				Comment, JWS, Result string
			}
		}
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	accepted, refused := 0, 0
	for _, group := range vectors.TestGroups {
		for _, c := range group.Tests {
			err := signed(t, group.Public, c.JWS)
			switch {
			case c.Result == "invalid" && err == nil:
				t.Errorf("vector %d, %s: accepted", c.TcID, c.Comment)
			case c.Result == "invalid":
				refused++
			case spared(group.Public) != (err != nil):
				t.Errorf("vector %d, %s: valid, and %v", c.TcID, c.Comment, err)
			case err == nil:
				accepted++
			}
		}
	}
	if accepted != 10 || refused != 355 {
		t.Errorf("%d accepted, %d refused: the vectors were not used", accepted, refused)
	}
}

// signed verifies a JWS by a public JWK.
func signed(t *testing.T, public map[string]any, raw string) error {
	t.Helper()
	if public != nil {
		public["kid"] = "key"
	}
	set, err := json.Marshal(map[string]any{"keys": []any{public}})
	if err != nil {
		t.Fatal(err)
	}
	var p published
	p.text.Store(string(set))
	key, err := token.NewKeySet("https://app.example.com/jwks.json", &http.Client{Transport: &p}).PublicKey(t.Context(), "key")
	if err != nil {
		return err
	}
	message, err := jws.Parse(raw, 8<<10)
	if err != nil {
		return err
	}
	return message.Verify(key.Algorithm, key.Key)
}
