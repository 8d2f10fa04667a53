package workspacefile_test

import (
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
)

// TestParse_OriginPatterns checks that an origin that names the organization is refused if
// it can never be a page's, or is below a public suffix.
func TestParse_OriginPatterns(t *testing.T) {
	for origins, problem := range map[string]string{
		"https://app.example.com, https://:organization.app.example.com":                        "",
		"https://app.example.com, https://:organization.example.com":                            "",
		"https://app.example.com:8443, https://:organization.example.com:8443":                  "",
		"http://app.localhost:8080, http://:organization.app.localhost:8080":                    "",
		"http://localhost:3000, https://app.example.com, https://:organization.app.example.com": "",

		"https://app.example.com, https://:organization.:organization.example.com":                          "more than one variable",
		"https://app.example.com, https://:organization.:app.example.com":                                   "more than one variable",
		"https://app.example.com, https://:tenant.app.example.com":                                          "unknown variable",
		"https://app.example.com, https://:Organization.app.example.com":                                    "unknown variable",
		"https://app.example.com, https://{organization}.app.example.com":                                   "unknown variable",
		"https://app.example.com, https://:organization_.app.example.com":                                   "unknown variable",
		"https://app.example.com, https://x-:organization.app.example.com":                                  "can never be an origin",
		"https://app.example.com, https://:organization-x.app.example.com":                                  "can never be an origin",
		"https://app.example.com, https://app.:organization.example.com":                                    "can never be an origin",
		"https://app.example.com, https://:organization":                                                    "can never be an origin",
		"https://app.example.com, https://:organization.app.example.com/":                                   "can never be an origin",
		"https://app.example.com, https://:organization.App.example.com":                                    "can never be an origin",
		"https://app.example.com, https://:organization.app.example.com:443":                                "can never be an origin",
		"https://app.example.com, http://:organization.app.example.com":                                     "can never be an origin",
		"https://app.example.com, https://:organization.1.2.3.4":                                            "can never be an origin",
		"https://app.example.com, https://:organization.example.com@evil.test":                              "can never be an origin",
		"https://app.example.com, https://:organization.com":                                                "public suffix",
		"https://app.example.com, https://:organization.co.uk":                                              "public suffix",
		"https://app.example.com, https://:organization.github.io":                                          "public suffix",
		"https://app.example.com, https://:organization.workers.dev":                                        "public suffix",
		"http://localhost:8080, http://:organization.localhost:8080":                                        "public suffix",
		"https://:organization.app.example.com":                                                             "needs an origin without :organization",
		"https://app.example.org, https://:organization.app.example.com":                                    "another site",
		"http://app.localhost, https://:organization.app.localhost":                                         "another site",
		"https://app.example.com, https://:organization.a.example.com, https://:organization.b.example.com": "two origins with :organization",
	} {
		text := "apps:\n- {id: a, name: A, origins: ['" + strings.ReplaceAll(origins, ", ", "', '") + "'], audience: api}"
		_, err := workspacefile.Parse([]byte(text))
		if problem == "" && err != nil || problem != "" && (err == nil || !strings.Contains(err.Error(), problem)) {
			t.Errorf("%s: %v, want %q", origins, err, problem)
		}
	}
}

// TestParse_OriginPatternOfTwoApps checks that one origin never belongs to two apps.
func TestParse_OriginPatternOfTwoApps(t *testing.T) {
	const pattern = "https://:organization.app.example.com"
	text := "apps:\n- {id: a, name: A, origins: ['https://a.example.com', '" + pattern + "'], audience: a}\n" +
		"- {id: b, name: B, origins: ['https://b.example.com', '" + pattern + "'], audience: b}"
	if _, err := workspacefile.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), "belongs to app") {
		t.Error(err)
	}
}
