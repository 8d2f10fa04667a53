package directory_test

import (
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
)

// TestAppByOrigin_Patterns checks which origins a pattern stands for, and which it does not.
func TestAppByOrigin_Patterns(t *testing.T) {
	w := directory.Workspace{Apps: []directory.App{
		{ID: "old", Origins: []string{"https://old.test", "https://:organization.app.test"}, Disabled: true},
		{ID: "app", Origins: []string{"https://app.test", "https://:organization.app.test:8443"}},
		{ID: "desk", Origins: []string{"https://desk.app.test:8443"}},
	}}
	type owner struct{ app, slug string }
	for origin, want := range map[string]owner{
		"https://app.test":                    {"app", ""},
		"https://acme.app.test:8443":          {"app", "acme"},
		"https://a-1.app.test:8443":           {"app", "a-1"},
		"https://desk.app.test:8443":          {"desk", ""}, // listed as it is
		"https://acme.app.test":               {},           // of a disabled app
		"https://acme.app.test:84430":         {},
		"http://acme.app.test:8443":           {},
		"https://ACME.app.test:8443":          {},
		"https://.app.test:8443":              {},
		"https://app.test:8443":               {},
		"https://a.b.app.test:8443":           {},
		"https://-a.app.test:8443":            {},
		"https://a_b.app.test:8443":           {},
		"https://org_acme.app.test:8443":      {},
		"https://evil.test/.app.test:8443":    {},
		"https://evil.test#.app.test:8443":    {},
		"https://evil@x.app.test:8443":        {},
		`https://evil\.app.test:8443`:         {},
		"https://acme.app.test:8443/":         {},
		"https://acme.app.test:8443.evil":     {},
		"https://:organization.app.test:8443": {},
		"null":                                {}, "": {},
	} {
		app, slug, ok := w.AppByOrigin(origin)
		if got := (owner{app.ID, slug}); got != want || ok != (want != owner{}) {
			t.Errorf("%s: %v %t, want %v", origin, got, ok, want)
		}
	}
}
