package workspacefile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
)

func TestParse_Domains(t *testing.T) {
	d, err := workspacefile.Parse([]byte(organization("  domains: [Acme.example., bücher.example]\n- {slug: globex, name: Globex, domains: [acme.example]}")))
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Organizations[0].Domains; !slices.Equal(got, []string{"acme.example", "xn--bcher-kva.example"}) {
		t.Errorf("%q", got)
	}
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprintf("d%d.example", i)
	}
	for text, want := range map[string]string{
		"[co.uk]":                            `"co.uk" is a public suffix`,
		"[localhost]":                        `"localhost" is not a registered domain`,
		"[alice@acme.example]":               `"alice@acme.example" is not a domain name`,
		"[acme.example, ACME.example]":       `domain "acme.example" is repeated`,
		"[" + strings.Join(many, ", ") + "]": "an organization has at most 100 domains",
	} {
		if _, err := workspacefile.Parse([]byte(organization("  domains: " + text))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}
