package token_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"

	"github.com/tabard-auth/tabard/backend/token"
)

// TestKeySet_SharedTable reads the key sets that @tabard/server reads too: of each, both have
// the same keys. None has others than these.
func TestKeySet_SharedTable(t *testing.T) {
	text, err := os.ReadFile("../../js/server/vectors/keysets.json")
	if err != nil {
		t.Fatal(err)
	}
	var table []struct {
		Name, Text string
		Kids       []string
	}
	if err := json.Unmarshal(text, &table); err != nil || len(table) < 60 {
		t.Fatalf("%d sets, %v", len(table), err)
	}
	for _, c := range table {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(c.Text)) }))
		set := token.NewKeySet(server.URL, nil)
		for _, kid := range []string{"a", "good", "\uFFFD", "5", "bad"} {
			_, err := set.PublicKey(t.Context(), kid)
			if has := slices.Contains(c.Kids, kid); has != (err == nil) || len(c.Kids) == 0 && errors.Is(err, token.ErrUnknownKey) {
				t.Errorf("%s: %s: %v, want %t", c.Name, kid, err, has)
			}
		}
		server.Close()
	}
}
