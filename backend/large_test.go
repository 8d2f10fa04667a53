package main

import (
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
		{250, "", `line 3: .*role "owner" get up to 1\d{4} bytes in app "web"`},
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
