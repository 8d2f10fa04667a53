package cli

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/ports"
)

const nginxConfig = `daemon off; master_process off; pid pid; error_log error.log;
events {}
http {
	access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
	server {
		listen 127.0.0.1:%d;
		location = /sorry.html { return 200 "sorry"; }
		location /auth/ {
			proxy_pass http://%s;
			proxy_set_header Host $host;
			proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
			%s
		}
	}
}
`

// nginx runs nginx before a server, with further directives, while do runs.
func nginx(t *testing.T, port int, listen, directives string, do func()) {
	t.Helper()
	folder := t.TempDir()
	path := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(path, fmt.Appendf(nil, nginxConfig, port, listen, directives), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "/usr/sbin/nginx", "-p", folder, "-c", path)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		command.Process.Kill()
		command.Wait()
	}()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			do()
			return
		}
		<-tick.C
	}
	log, _ := os.ReadFile(filepath.Join(folder, "error.log"))
	t.Fatalf("nginx does not listen: %s", log)
}

func TestDoctor_WhatNginxDoesWithHeaders(t *testing.T) {
	d, listen := deploy(t)
	port := ports.Hold(t)
	d.publicURL = fmt.Sprintf("http://127.0.0.1:%d/auth", port)
	d.issuer = provider(t, d.publicURL)
	d.describe(t, strings.TrimSuffix(d.publicURL, "/auth"))
	d.starting(t, listen, "--trusted-proxies", "127.0.0.1")
	for directives, want := range map[string]string{
		"":                                                    "proxy: ok: headers of requests and answers arrive as they were sent",
		`proxy_set_header Cookie "";`:                         "the request's Cookie does not reach the server",
		`proxy_set_header DPoP "";`:                           "the request's DPoP does not reach the server",
		`proxy_set_header Sec-Fetch-Site none;`:               "the request's Sec-Fetch-Site reaches the server changed",
		`proxy_pass_request_headers off;`:                     "the request's Tabard-Client does not reach the server",
		`proxy_hide_header Set-Cookie;`:                       "the answer's Set-Cookie does not reach browsers",
		`proxy_cookie_path / /auth/;`:                         "the answer's Set-Cookie reaches browsers changed",
		`proxy_cookie_flags ~ nohttponly samesite=none;`:      "the answer's Set-Cookie reaches browsers changed",
		`proxy_hide_header DPoP-Nonce;`:                       "the answer's DPoP-Nonce does not reach browsers",
		`proxy_hide_header Retry-After;`:                      "the answer's Retry-After does not reach browsers",
		`proxy_set_header Authorization "";`:                  "the request's Authorization does not reach the server",
		`proxy_hide_header WWW-Authenticate;`:                 "the answer's WWW-Authenticate does not reach browsers",
		`proxy_redirect ~^https://[^/]+ https://example.com;`: "the answer's Location reaches browsers changed",
		`if ($args ~* "http") { return 403; }`:                "requests with addresses in their query are refused",
		`client_max_body_size 4k;`:                            "large requests do not reach the server: 413",
		`proxy_set_header Origin http://$http_host;`:          "the proxy writes the request's Origin itself",
		`limit_except GET { deny all; }`:                      "POST requests do not reach the server: 403",
		`add_header Access-Control-Allow-Origin * always;`:    "the answer has Access-Control-Allow-Origin: ",
		`} location = /auth/callback { return 200 ours;`: "addresses that browsers need to sign in, stay signed in, or sign out: GET http://127.0.0.1:" +
			fmt.Sprintf("%[1]d/auth/callback: 200 OK (text/plain); POST http://127.0.0.1:%[1]d/auth/callback: ", port),
		`} location /auth/login { return 302 /sign-in;`:                                     "/auth/login: 302 Found to ",
		`} location /auth/sessions { return 404;`:                                           "/auth/sessions: 404 Not Found (text/html)",
		`} location /auth/backchannel-logout { return 403;`:                                 "proxy: warning: something else than the server answers addresses at which the provider says that a session ended: POST ",
		`if ($request_method = POST) { set $p "$uri"; } if ($p ~ callback) { return 403; }`: "POST http://127.0.0.1:" + fmt.Sprint(port) + "/auth/callback: 403 Forbidden",
		`proxy_http_version 1.1;`:                                                           "proxy: ok: the addresses that browsers and the provider need",
		`proxy_http_version 1.0;`:                                                           "proxy: look: the proxy asks the server by HTTP/1.0",
		`proxy_intercept_errors on; error_page 429 /sorry.html;`:                            "answers of errors are replaced",
	} {
		nginx(t, port, listen, directives, func() {
			http.DefaultClient.CloseIdleConnections()
			findings, _ := examined(t, d.args("--trusted-proxies", "127.0.0.1"))
			if !strings.Contains(findings, want) {
				t.Errorf("%s: %q is not among\n%s", directives, want, findings)
			}
		})
	}
}
