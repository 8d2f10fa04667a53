package dpop_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/tabard-auth/tabard/backend/dpop"
)

// TestNormalized_SharedTable runs the addresses that @tabard/server runs too.
func TestNormalized_SharedTable(t *testing.T) {
	text, err := os.ReadFile("../../js/server/vectors/addresses.json")
	if err != nil {
		t.Fatal(err)
	}
	var table [][2]*string
	if err := json.Unmarshal(text, &table); err != nil || len(table) < 50 {
		t.Fatalf("%d addresses, %v", len(table), err)
	}
	for _, c := range table {
		got, err := dpop.Normalized(*c[0])
		switch want := c[1]; {
		case want == nil && err == nil:
			t.Errorf("%q is %q, and should be refused", *c[0], got)
		case want != nil && (err != nil || got != *want):
			t.Errorf("%q is %q, want %q: %v", *c[0], got, *want, err)
		}
	}
}
