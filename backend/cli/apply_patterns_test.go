package cli

import (
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
)

// TestApply_OriginOfAnotherApp checks that apply names the organizations that have no origin,
// because another app has it.
func TestApply_OriginOfAnotherApp(t *testing.T) {
	w := directory.Workspace{Apps: []directory.App{
		{ID: "desk", Origins: []string{"https://desk.example.com", "https://a.b.example.com", "http://x.example.com"}},
		{ID: "web", Origins: []string{"https://app.example.com", "https://:organization.example.com"}},
	}}
	var out strings.Builder
	if err := (&patternSettings{}).check("workspace.yaml", w, &out); err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "has no origin") != 1 || !strings.Contains(out.String(), `"desk"`) || !strings.Contains(out.String(), "https://desk.example.com is app") {
		t.Error(out.String())
	}
}

// TestApply_OriginPattern checks that apply refuses a pattern of origins on another site
// than the backend's, and says what a good one trusts.
func TestApply_OriginPattern(t *testing.T) {
	w := directory.Workspace{Apps: []directory.App{
		{ID: "desk", Origins: []string{"https://desk.example.com"}},
		{ID: "web", Origins: []string{"https://app.example.com", "https://:organization.app.example.com"}},
	}}
	for public, problem := range map[string]string{
		"": "", "https://auth.example.com": "", "https://app.example.com/auth": "",
		"https://auth.example.org": "another site", "http://auth.example.com": "--public-url", "https://acme.github.io": "another site",
	} {
		var out strings.Builder
		err := (&patternSettings{public}).check("workspace.yaml", w, &out)
		switch {
		case problem == "" && (err != nil || strings.Count(out.String(), "trusts the scripts of every host") != 1 || strings.Contains(out.String(), "desk")):
			t.Errorf("%q: %v %q", public, err, out.String())
		case problem != "" && (err == nil || !strings.Contains(err.Error(), problem) || !strings.Contains(err.Error(), "nothing was applied")):
			t.Errorf("%q: %v, want %q", public, err, problem)
		}
	}
}
