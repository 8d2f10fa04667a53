package workspacefile_test

import (
	"testing"

	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
)

// TestParse_OriginsAsBrowsersWriteThem are taken, whatever their form.
func TestParse_OriginsAsBrowsersWriteThem(t *testing.T) {
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
