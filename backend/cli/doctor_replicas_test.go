package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
)

// inTurns starts two servers on one database, with further settings each, behind a proxy
// that asks them in turns.
func inTurns(t *testing.T, further ...[]string) deployment {
	t.Helper()
	d, first := deploy(t)
	servers := []string{first, fmt.Sprintf("127.0.0.1:%d", ports.Hold(t))}
	var asked atomic.Int64
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: servers[asked.Add(1)%2]})
		r.SetXForwarded()
	}})
	t.Cleanup(proxy.Close)
	d.publicURL = proxy.URL + "/auth"
	d.issuer = provider(t, d.publicURL)
	d.describe(t, proxy.URL)
	for i, listen := range servers {
		d.starting(t, listen, further[i]...)
	}
	http.DefaultClient.CloseIdleConnections()
	return d
}

// TestDoctor_DifferentCookieMarks: the marks are named, and no proxy is blamed for them.
func TestDoctor_DifferentCookieMarks(t *testing.T) {
	d := inTurns(t, nil, []string{"--cookie-mark", "OTHER"})
	findings, _ := examined(t, d.args())
	if !strings.Contains(findings, "cookies: problem: the servers' cookies have different marks: ") || !strings.Contains(findings, "OTHER in ") {
		t.Errorf("it found\n%s", findings)
	}
	if strings.Contains(findings, "Cookie reaches") || strings.Contains(findings, "Cookie does not reach") {
		t.Errorf("a proxy is blamed:\n%s", findings)
	}
	findings, _ = examined(t, d.args("--cookie-mark", "THIRD"))
	if !strings.Contains(findings, "different marks") || strings.Contains(findings, "Cookie reaches") {
		t.Errorf("with a third mark it found\n%s", findings)
	}
	d, listen := deploy(t)
	d.describe(t, strings.TrimSuffix(d.publicURL, "/auth"))
	d.starting(t, listen, "--cookie-mark", "OTHER")
	findings, _ = examined(t, d.args("--cookie-mark", "OWN"))
	if !strings.Contains(findings, "cookies: problem: the servers' cookies have the mark OTHER, and these settings OWN") {
		t.Errorf("with other settings it found\n%s", findings)
	}
}

// TestDoctor_OneReplicaWithAnotherSecret: what it refuses is not blamed on the size of
// requests.
func TestDoctor_OneReplicaWithAnotherSecret(t *testing.T) {
	folder := t.TempDir()
	old, oldText := signingkey.NewSecret()
	_, freshText := signingkey.NewSecret()
	before, after := filepath.Join(folder, "before"), filepath.Join(folder, "after")
	for path, text := range map[string]string{before: oldText + "\n", after: freshText + "\n" + oldText + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := inTurns(t, []string{"--secret-file", before}, []string{"--secret-file", after})
	findings, _ := examined(t, d.args("--secret-file", after))
	ids, err := old.IDs()
	if err != nil {
		t.Fatal(err)
	}
	for want, is := range map[string]bool{
		" has " + ids[0] + ", and the secret file ": true, "reached something else than a server with this secret": true,
		"requests as large as": false, "answers of errors are replaced": false, "requests with addresses in their query": false,
	} {
		if strings.Contains(findings, want) != is {
			t.Errorf("%q: %v\n%s", want, !is, findings)
		}
	}
}
