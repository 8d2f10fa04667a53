package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestApplySaysHowLargeARolesTokensGet, and refuses those that no request could carry,
// also where it prints a script for the Worker.
func TestApplySaysHowLargeARolesTokensGet(t *testing.T) {
	for _, test := range []struct {
		permissions  int
		warns, fails string
	}{
		{10, "", ""},
		{90, `warning: access tokens of role "owner" get up to [45]\d{3} bytes in app "web"`, ""},
		{250, "", `line 3: .*role "owner" can have 1\d{4} bytes in app "web"`},
	} {
		text := "apps: [{id: web, name: Web, audience: a, origins: [https://app.example.com]}]\nroles:\n  owner:\n"
		for i := range test.permissions {
			text += fmt.Sprintf("  - billing:statements:%06d\n", i)
		}
		file := filepath.Join(t.TempDir(), "workspace.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{"apply", file, "--database", "sqlite:" + filepath.Join(t.TempDir(), "tabard.db")}, {"apply", file, "--print-sql"},
		} {
			out, errs, err := tabard(t, args...)
			if (test.fails != "") != (err != nil) || err != nil && (!regexp.MustCompile(test.fails).MatchString(err.Error()) || strings.Contains(out, "INSERT")) {
				t.Errorf("%d permissions: %v", test.permissions, err)
			}
			if err == nil && (test.warns == "") != !strings.Contains(errs, "warning:") || test.warns != "" && !regexp.MustCompile(test.warns).MatchString(errs) {
				t.Errorf("%d permissions: it says %q", test.permissions, errs)
			}
		}
	}
}

// TestApplySaysThatGroupsTogetherGiveTooMuch: each gives a role that fits, and no person
// has to be in both.
func TestApplySaysThatGroupsTogetherGiveTooMuch(t *testing.T) {
	text := "issuer: https://id.example.com\napps: [{id: web, name: Web, audience: a, origins: [https://app.example.com]}]\nroles:\n"
	for _, role := range []string{"clerk", "owner"} {
		text += "  " + role + ":\n"
		for i := range 110 {
			text += fmt.Sprintf("  - %s:statements:%06d\n", role, i)
		}
	}
	text += `
organizations:
- slug: acme
  name: Acme
  connections:
  - {id: con_acme, issuer: https://login.acme.example, client_id: t, client_secret: {env: ACME_SECRET}, roles: [clerk], claim: groups, groups: {a: [clerk], b: [owner]}}
`
	folder := t.TempDir()
	file, secret := filepath.Join(folder, "workspace.yaml"), filepath.Join(folder, "secret")
	if err := errors.Join(os.WriteFile(file, []byte(text), 0o600), makeSecret(secret)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ACME_SECRET", "hunter2")
	_, errs, err := tabard(t, "apply", file, "--database", "sqlite:"+filepath.Join(folder, "tabard.db"), "--secret-file", secret)
	if err != nil || !strings.Contains(errs, `warning: a member of all groups of connection "con_acme" gets no access token`) {
		t.Errorf("it says %q, %v", errs, err)
	}
}
