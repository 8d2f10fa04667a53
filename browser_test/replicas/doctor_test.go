package replicas_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/doctor"
	"github.com/tabard-auth/tabard/browser_test/kit/deployment"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// toServers begins the part of the guide's nginx.conf that reaches the servers.
const toServers = "\t\tlocation /auth/ {\n"

// nginxFaults are mistakes in nginx's configuration: a text of the guide's that is replaced,
// and what the doctor has to say.
var nginxFaults = []struct{ name, from, to, says string }{
	{"Cookie kept", toServers, toServers + `proxy_set_header Cookie "";`, "Cookie does not reach the server"},
	{"Cookie replaced", toServers, toServers + `proxy_set_header Cookie "theme=dark";`, "Cookie reaches the server changed"},
	{"Cookie as for the app", toServers, toServers + `proxy_set_header Cookie $cookie_13;`, "Cookie does not reach the server"},
	{"Set-Cookie kept", toServers, toServers + `proxy_hide_header Set-Cookie;`, "Set-Cookie does not reach browsers"},
	{"Set-Cookie for a path", toServers, toServers + `proxy_cookie_path / /auth;`, "Set-Cookie reaches browsers changed"},
	{"Set-Cookie SameSite", toServers, toServers + `proxy_cookie_flags ~ samesite=none;`, "Set-Cookie reaches browsers changed"},
	{"DPoP kept", toServers, toServers + `proxy_set_header DPoP "";`, "DPoP does not reach the server"},
	{"DPoP replaced", toServers, toServers + `proxy_set_header DPoP "x$http_dpop";`, "DPoP reaches the server changed"},
	{"Sec-Fetch-Site kept", toServers, toServers + `proxy_set_header Sec-Fetch-Site "";`, "Sec-Fetch-Site does not reach the server"},
	{"Sec-Fetch-Site replaced", toServers, toServers + `proxy_set_header Sec-Fetch-Site none;`, "Sec-Fetch-Site reaches the server changed"},
	{"Tabard-Client kept", toServers, toServers + `proxy_set_header Tabard-Client "";`, "Tabard-Client does not reach the server"},
	{"Tabard-Time kept", toServers, toServers + `proxy_set_header Tabard-Time "";`, "Tabard-Time does not reach the server"},
	{"Origin kept", toServers, toServers + `proxy_set_header Origin "";`, "Origin does not reach the server"},
	{"no headers", toServers, toServers + `proxy_pass_request_headers off;`, "Cookie does not reach the server"},
	{"DPoP-Nonce kept", toServers, toServers + `proxy_hide_header DPoP-Nonce;`, "DPoP-Nonce does not reach browsers"},
	{"Retry-After kept", toServers, toServers + `proxy_hide_header Retry-After;`, "Retry-After does not reach browsers"},
	{"Retry-After replaced", toServers, toServers + `proxy_hide_header Retry-After; add_header Retry-After 1 always;`, "Retry-After reaches browsers changed"},
	{"Host of the upstream", "Host $http_host", "Host $proxy_host", "Host reaches the server changed"},
	{"Host without its port", "Host $http_host", "Host $host", "Host reaches the server changed"},
	{"another port", "max_fails=0;", "max_fails=0 down; server 127.0.0.1:1;", "this backend does not answer there: it answers 502"},
	{"path taken away", "proxy_pass http://tabard;", "proxy_pass http://tabard/;", "this backend does not answer there: it answers 404"},
	{"path doubled", "proxy_pass http://tabard;", "proxy_pass http://tabard/auth/auth/;", "this backend does not answer there: it answers 404"},
	{"TLS to the servers", "proxy_pass http://tabard;", "proxy_pass https://tabard;", "this backend does not answer there: it answers 502"},
	{"sent to plain http", toServers, toServers + `return 301 http://$host$request_uri;`, "this backend does not answer there: it answers 301"},
	{"small buffers for answers", toServers, toServers + `proxy_buffer_size 1k; proxy_buffers 4 1k; proxy_busy_buffers_size 1k;`, "requests as large as those of a browser with several sessions are refused"},
	{"small buffers for requests", "ssl_certificate ", "client_header_buffer_size 512; large_client_header_buffers 2 1k; ssl_certificate ", "requests as large as those of a browser with several sessions are refused"},
	{"no bodies", toServers, toServers + `client_max_body_size 1;`, "POST requests do not reach the server: 413"},
	{"GET alone", toServers, toServers + `limit_except GET { deny all; }`, "DELETE requests do not reach the server: 403"},
	{"cached", "\tupstream app {", "proxy_cache_path cache keys_zone=c:1m; proxy_cache c; proxy_cache_valid any 1m; proxy_ignore_headers Cache-Control Set-Cookie Expires Vary;\n\tupstream app {", "the proxy answers from a cache"},
	{"cached without the query", "\tupstream app {", "proxy_cache_path cache keys_zone=c:1m; proxy_cache c; proxy_cache_key $uri; proxy_cache_valid any 1m; proxy_ignore_headers Cache-Control Set-Cookie Expires Vary;\n\tupstream app {", "the proxy answers from a cache"},
	{"Cache-Control replaced", toServers, toServers + `proxy_hide_header Cache-Control; add_header Cache-Control "public, max-age=60" always;`, "arrives without Cache-Control: no-store"},
	{"errors replaced", toServers, toServers + `proxy_intercept_errors on; error_page 401 429 503 /sorry;`, "answers of errors are replaced"},
	{"nobody forwarded for", "proxy_set_header X-Forwarded-For $remote_addr;", "", "does not say for whom it asks"},
	{"sessions shown to the app", "proxy_set_header Cookie $cookie_13;", "", "received a cookie named like the session's"},
}

// TestDoctor_NamesEachFaultOfAProxy runs the doctor as the guide says, behind the guide's
// nginx: it has nothing to say. Then it names each mistake in nginx's configuration.
func TestDoctor_NamesEachFaultOfAProxy(t *testing.T) {
	d := startBehind(t, proxyKinds[0], "--trusted-proxies", "127.0.0.1/32")
	for _, f := range d.examine(t) {
		if f.Level != doctor.OK && f.Subject != "disk" {
			t.Errorf("it says of a good deployment: %s %s: %s → %s", f.Level, f.Subject, f.Text, f.Advice)
		}
	}
	for _, fault := range nginxFaults {
		t.Run(fault.name, func(t *testing.T) {
			if !strings.Contains(d.config, fault.from) {
				t.Fatalf("the guide's nginx.conf does not have %q", fault.from)
			}
			d.stopProxy()
			os.RemoveAll(filepath.Join(d.folder, "cache"))
			d.stopProxy = d.startProxy(strings.ReplaceAll(d.config, fault.from, fault.to), "/page")
			findings := d.examine(t)
			for _, f := range findings {
				if f.Level != doctor.OK && strings.Contains(f.Text, fault.says) {
					t.Logf("%s %s: %s → %s", f.Level, f.Subject, f.Text, f.Advice)
					return
				}
			}
			t.Errorf("nobody says %q: %+v", fault.says, findings)
		})
	}
}

// examine runs tabard doctor with the settings of the servers.
func (d *proxied) examine(t *testing.T) (findings []doctor.Finding) {
	t.Helper()
	command := exec.Command(program.Path(t, "tabard"), "doctor", "--json", "--public-url", d.Origin+"/auth", "--database", d.Database,
		"--secret-file", d.Secret, "--oidc-issuer", d.Issuer, "--oidc-client-id", deployment.ClientID,
		"--oidc-client-secret-file", d.ClientSecretFile, "--trusted-proxies", "127.0.0.1/32", "--echo-url", d.Origin+"/page")
	command.Env = append(os.Environ(), "SSL_CERT_FILE="+filepath.Join(d.folder, "tls.pem"))
	out, err := command.Output()
	if json.Unmarshal(out, &findings) != nil {
		t.Fatalf("%v: %s%s", err, out, program.Stderr(err))
	}
	return findings
}
