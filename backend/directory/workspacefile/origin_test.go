package workspacefile_test

import (
	"testing"

	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
)

// TestParse_PathsOfApps checks paths as browsers write them.
func TestParse_PathsOfApps(t *testing.T) {
	for path, good := range map[string]bool{
		"/": true, "/app/": true, "/app": true, "/a/b%20c/": true,
		"app/": false, "//evil.example/": false, "/\\\\evil.example": false, "/a?b": false, "/a#b": false, "/ü/": false, "/a b/": false,
		"/../": false, "/a/./b": false, "https://app.example.com/": false,
	} {
		text := "apps:\n- {id: a, name: A, origins: ['https://a.test'], audience: api, path: '" + path + "'}"
		_, err := workspacefile.Parse([]byte(text))
		if (err == nil) != good {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestParse_CanonicalOrigins checks origins as browsers write them.
func TestParse_CanonicalOrigins(t *testing.T) {
	for _, origin := range []string{
		"https://app.example.com", "https://app.example.com:8443", "https://xn--bcher-kva.example", "https://a_b.example", "https://a--b.example",
		"https://app.example.com.", "https://1.2.3.4", "http://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000",
	} {
		text := "apps:\n- {id: a, name: A, origins: ['" + origin + "'], audience: api}"
		if _, err := workspacefile.Parse([]byte(text)); err != nil {
			t.Errorf("%s: %v", origin, err)
		}
	}
}
