package cli

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/ports"
)

// TestDoctor_ForgedForwarded: nginx passes a client's Forwarded on unless it is told not to.
// The server reads it where no X-Forwarded-For arrives.
func TestDoctor_ForgedForwarded(t *testing.T) {
	d, listen := deploy(t)
	port := ports.Hold(t)
	d.publicURL = fmt.Sprintf("http://127.0.0.1:%d/auth", port)
	d.issuer = provider(t, d.publicURL)
	d.describe(t, strings.TrimSuffix(d.publicURL, "/auth"))
	d.starting(t, listen, "--trusted-proxies", "127.0.0.1")
	const chooses = "every client chooses the address that it seems to have"
	for headers, want := range map[string]string{
		`proxy_set_header X-Forwarded-For "";`: "proxy: problem: the proxy passes on the Forwarded of clients: " + chooses,
		``:                                     "proxy: problem: the proxy passes on the X-Forwarded-For of clients: " + chooses,
		`proxy_set_header X-Forwarded-For $remote_addr;`:                                    "proxy: ok: the server knows where requests come from",
		`proxy_set_header X-Forwarded-For ""; proxy_set_header Forwarded for=$remote_addr;`: "proxy: ok: the server knows where requests come from",
	} {
		nginx(t, port, listen, "} location ~ ^/auth/ { proxy_pass http://"+listen+"; proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto $scheme; "+headers, func() {
			http.DefaultClient.CloseIdleConnections()
			if findings, _ := examined(t, d.args("--trusted-proxies", "127.0.0.1")); !strings.Contains(findings, want) {
				t.Errorf("%s: %q is not among\n%s", headers, want, findings)
			}
		})
	}
}
