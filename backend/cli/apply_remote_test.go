package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestApplyURL_SaysWhatAnswers: a URL without the backend's path, and a key that is none
// there, are said as such.
func TestApplyURL_SaysWhatAnswers(t *testing.T) {
	app := func(status int, media, text string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", media)
			w.WriteHeader(status)
			fmt.Fprint(w, text)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	d, listen := deploy(t)
	d.describe(t, strings.TrimSuffix(d.publicURL, "/auth"))
	d.start(t, listen)
	narrow, _, err := tabard(t, "keys", "create", "--name", "one", "--kind", "events", "--database", d.database)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "workspace.yaml")
	if err := os.WriteFile(file, []byte("apps: [{id: app, name: App, origins: ['https://app.example.com'], audience: api}]\norganizations: [{slug: acme, name: Acme}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	html := app(http.StatusOK, "text/html; charset=utf-8", "<!doctype html>")
	for _, test := range []struct{ url, key, want string }{
		{html, "k", "no Tabard backend answers at " + html + " (200 OK, text/html): pass the server's public URL with its path, such as " + html + "/auth"},
		{html + "/auth", "k", "/auth (200 OK, text/html): check that the proxy passes everything below it to the server"},
		{app(http.StatusOK, "application/json", "{}"), "k", "no Tabard backend answers at "},
		{app(http.StatusOK, "application/json", "true"), "k", "no Tabard backend answers at "},
		{strings.TrimSuffix(d.publicURL, "/auth"), "k", "(404 Not Found, application/json): pass the server's public URL with its path, such as " + d.publicURL},
		{d.publicURL + "/admin/v1/", "k", "is the address of the administration API; pass the server's public URL, " + d.publicURL},
		{app(http.StatusNotFound, "text/html", "none"), "k", "(404 Not Found, text/html): pass the server's public URL with its path"},
		{d.publicURL, "tbk_nokey", "A valid administration key is required. The key is unknown here, expired, revoked, or of another kind. tabard keys list shows"},
		{d.publicURL, strings.TrimSpace(narrow), "A valid administration key is required. The key is unknown here"},
	} {
		said, _, err := tabard(t, "apply", file, "--url", test.url, "--key", test.key)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "invalid character") {
			t.Errorf("%s: it says %v %s, not %q", test.url, err, said, test.want)
		}
	}
}
