package hold_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/tabard-auth/tabard/browser_test/kit/ports"
)

// everything is a configuration of nginx that logs all that it knows of a request.
const everything = `
daemon off;
master_process off;
pid %[1]s/pid;
error_log %[1]s/error.log debug;
events { worker_connections 64; }
http {
	log_format everything escape=none '$request $status $args $http_authorization $http_dpop $http_cookie $http_origin '
		'$http_sec_websocket_protocol $http_referer $sent_http_sec_websocket_protocol $request_body';
	access_log %[1]s/access.log everything;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	server {
		listen 127.0.0.1:%[2]d;
		location / {
			proxy_pass %[3]s;
			proxy_http_version 1.1;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection $http_connection;
		}
	}
}
`

// behindNginx serves the API through nginx as well, and returns where, and the access log.
func (api *socketAPI) behindNginx() (address, accessLog string) {
	api.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		nginx = "/usr/sbin/nginx" // Debian; it is not in each user's path
	}
	folder, port := api.TempDir(), ports.Hold(api)
	conf := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, everything, folder, port, api.server.URL), 0o600); err != nil {
		api.Fatal(err)
	}
	command := exec.Command(nginx, "-e", filepath.Join(folder, "error.log"), "-c", conf)
	if err := command.Start(); err != nil {
		api.Fatalf("nginx is needed (Debian: apt install nginx-light): %v", err)
	}
	api.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	address = fmt.Sprintf("http://127.0.0.1:%d", port)
	for deadline := time.Now().Add(20 * time.Second); ; {
		if answer, err := http.Get(address); err == nil {
			answer.Body.Close()
			return address, filepath.Join(folder, "access.log")
		} else if time.Now().After(deadline) {
			api.Fatal(err)
		}
	}
}

// TestHandler_LogsOfProxies: a WebSocket's token, its renewal and its proof stand in no log
// of a proxy that logs all that it knows. A token in a header does, as the control shows.
func TestHandler_LogsOfProxies(t *testing.T) {
	api := newSocketAPI(t)
	address, accessLog := api.behindNginx()
	direct := api.server.URL
	api.server.URL = address
	defer func() { api.server.URL = direct }()
	d := api.issuer.NewDevice()
	bound := api.issuer.Bound(d, "org_acme")
	c, first := api.open("/live", bound, d.Proof(bound, "GET", "https://api.example.com/live"))
	if !strings.Contains(first, `"organization":"org_acme"`) {
		t.Fatal(first)
	}
	api.send(c, credential(bound, d.Proof(bound, "GET", "https://api.example.com/live")))
	api.send(c, "hello")
	if got := api.next(c); got != "hello of org_acme" {
		t.Fatal(got)
	}
	c.Close(websocket.StatusNormalClosure, "")
	<-api.over
	if log := api.lineOf(accessLog, "/live"); !strings.Contains(log, " 101 ") || strings.Contains(log, "eyJ") {
		t.Errorf("of a WebSocket: %s", log)
	}
	r, _ := http.NewRequestWithContext(t.Context(), "POST", address+"/links?to=/files/7", nil)
	r.Header.Set("Authorization", "Bearer "+api.token("org_acme", 300))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if log := api.lineOf(accessLog, "/links"); !strings.Contains(log, "Bearer eyJ") {
		t.Errorf("the control, of a request with a header: %s", log)
	}
}

// lineOf waits for the line of a path in a log.
func (api *socketAPI) lineOf(file, path string) string {
	api.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-tick.C {
		text, err := os.ReadFile(file)
		if err != nil {
			api.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, path) {
				return line
			}
		}
	}
	api.Fatalf("%s is not in the log", path)
	return ""
}
