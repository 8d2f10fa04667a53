package replicas_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/tabard-auth/tabard/backend/store/storetest/serverlog"
	"github.com/tabard-auth/tabard/browser_test/kit/deployment"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
)

// proxyKind is an example of backend/deploy, with the function that starts it.
type proxyKind struct {
	name, file string
	command    func(path, folder string) []string
	// local puts the test's listener and certificate into the example.
	local func(config string, port int, folder string) string
	// givesUp is set where the proxy fails requests until a check tells it that a server
	// is dead. The others send them to the next server.
	givesUp bool
}

var proxyKinds = []proxyKind{
	{"nginx", "nginx.conf",
		func(path, folder string) []string {
			return []string{"/usr/sbin/nginx", "-p", folder, "-e", "error.log", "-c", path, "-g", "daemon off; master_process off; pid pid;"}
		},
		func(config string, port int, folder string) string {
			plain := config[strings.Index(config, "\tserver {\n\t\tlisten 80;"):strings.Index(config, "\tserver {\n\t\tlisten 443")]
			config = strings.Replace(config, plain, "\taccess_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;\n", 1)
			return strings.NewReplacer("listen 443", fmt.Sprintf("listen 127.0.0.1:%d", port), "/etc/ssl/app.example.com", folder+"/tls").Replace(config)
		}, false},
	{"HAProxy", "haproxy.cfg",
		func(path, _ string) []string { return []string{"/usr/sbin/haproxy", "-db", "-q", "-f", path} },
		func(config string, port int, folder string) string {
			plain := config[strings.Index(config, "frontend plain"):strings.Index(config, "frontend web")]
			return strings.NewReplacer(plain, "", "bind :443", fmt.Sprintf("bind 127.0.0.1:%d", port),
				"/etc/ssl/app.example.com.pem", folder+"/both.pem").Replace(config)
		}, false},
	{"Caddy", "Caddyfile",
		func(path, _ string) []string {
			return []string{"/usr/bin/caddy", "run", "--config", path, "--adapter", "caddyfile"}
		},
		func(config string, port int, folder string) string {
			return strings.Replace(config, "app.example.com {", fmt.Sprintf("{\n\tadmin off\n\tauto_https disable_redirects\n}\nhttps://localhost:%d {\n\tbind 127.0.0.1\n\ttls %s/tls.pem %s/tls.key", port, folder, folder), 1)
		}, true},
}

// TestProxies_TheExamples runs each proxy of the guide before two servers and an app.
func TestProxies_TheExamples(t *testing.T) {
	for _, kind := range proxyKinds {
		t.Run(kind.name, func(t *testing.T) {
			d := startBehind(t, kind, "--metrics-from", "127.0.0.0/8", "--trusted-proxies", "127.0.0.0/8", "--log-level", "error")
			t.Run("the app sees no session", d.appSeesNoSession)
			t.Run("HTTP 2", d.speaksHTTP2)
			t.Run("WebSocket", d.passesWebSockets)
			t.Run("metrics are not for everybody", d.hidesMetrics)
			t.Run("a server that waits for its database", d.passesOverWaiting)
			t.Run("a server that is dead", d.survivesKill)
		})
	}
}

// proxied is a deployment of two servers and an app behind one of the proxies.
type proxied struct {
	*deployment.Deployment
	client *http.Client
	kind   proxyKind
	folder string // of the proxy
	config string // the proxy's
	app    string // its address
	// stopProxy stops the proxy.
	stopProxy func()
}

// startBehind starts servers, with further arguments, and the proxy before them.
func startBehind(t *testing.T, kind proxyKind, further ...string) *proxied {
	t.Helper()
	folder, port := t.TempDir(), ports.Hold(t)
	d := &proxied{Deployment: &deployment.Deployment{TB: t, Secret: filepath.Join(t.TempDir(), "tabard.secret"), Origin: fmt.Sprintf("https://localhost:%d", port), ExtraArgs: further}, kind: kind, folder: folder}
	d.onSQLite()
	d.StartProvider(1)
	d.Apply(1)
	d.Distribute()
	for _, r := range d.Replicas {
		d.Start(r)
	}
	d.client = d.trust(certificates(t, folder))
	d.Run(kind.command("", "")[0], versionFlag(kind.name))

	app := httptest.NewServer(http.HandlerFunc(serveApp))
	t.Cleanup(app.Close)
	config, err := os.ReadFile("../../backend/deploy/" + kind.file)
	if err != nil {
		t.Fatal(err)
	}
	d.app = strings.TrimPrefix(app.URL, "http://")
	d.config = strings.NewReplacer("10.0.0.11:8787", d.Replicas[0].Listen, "10.0.0.12:8787", d.Replicas[1].Listen,
		"10.0.0.21:3000", d.app).Replace(kind.local(string(config), port, folder))
	d.stopProxy = d.startProxy(d.config, "/auth/readyz")
	return d
}

// onSQLite gives the deployment two replicas that share a SQLite file.
func (d *proxied) onSQLite() {
	d.Helper()
	d.Database = "sqlite:" + filepath.Join(d.TempDir(), "tabard.db")
	d.NewSecret()
	d.AddReplicas(2)
}

func versionFlag(proxy string) string {
	if proxy == "Caddy" {
		return "version"
	}
	return "-v"
}

// startProxy starts the proxy with a configuration, and waits until it answers at a path:
// for a server, unless the path is the app's.
func (d *proxied) startProxy(config, path string) (stop func()) {
	d.Helper()
	file := filepath.Join(d.folder, d.kind.file)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		d.Fatal(err)
	}
	var said strings.Builder
	args := d.kind.command(file, d.folder)
	command := exec.Command(args[0], args[1:]...)
	command.Dir, command.Stdout, command.Stderr = d.folder, &said, &said
	command.Env = append(os.Environ(), "HOME="+d.folder, "XDG_DATA_HOME="+d.folder, "XDG_CONFIG_HOME="+d.folder)
	if err := command.Start(); err != nil {
		d.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		command.Process.Kill()
		command.Wait()
		log, _ := os.ReadFile(filepath.Join(d.folder, "error.log"))
		serverlog.Report(d, "proxy", said.String()+string(log))
	})
	d.Cleanup(stop)
	d.Await("the proxy answers", func() bool {
		response, err := d.client.Get(d.Origin + path)
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	return stop
}

// serveApp answers with the cookies of the request, and echoes WebSocket messages.
func serveApp(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" {
		fmt.Fprint(w, strings.Join(r.Header.Values("Cookie"), "; "))
		return
	}
	connection, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer connection.CloseNow()
	if kind, message, err := connection.Read(r.Context()); err == nil {
		connection.Write(r.Context(), kind, message)
	}
	connection.Close(websocket.StatusNormalClosure, "")
}

func (d *proxied) appSeesNoSession(t *testing.T) {
	session := func(i int) string { return fmt.Sprintf("__Host-Http-tabard.mark.app.%08d=secret%d", i, i) }
	many := []string{"first=1"}
	for i := range 12 {
		many = append(many, session(i))
	}
	many = append(many, "__Host-Http-tabard-login.mark=secret", "last=2")
	for _, test := range []struct{ sent, want string }{
		{"theme=dark", "theme=dark"},
		{session(1), ""},
		{session(1) + "; theme=dark", "theme=dark"},
		{"theme=dark; " + session(1), "theme=dark"},
		{"a=1; " + session(1) + "; b=2", "a=1; b=2"},
		{"my__Host-Http-tabard=mine; " + session(2), "my__Host-Http-tabard=mine"},
		{strings.Join(many, "; "), "first=1; last=2"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.Origin+"/page", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Cookie", test.sent)
		response, err := d.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || strings.TrimSuffix(strings.TrimSpace(string(got)), ";") != test.want {
			t.Errorf("of %q the app got %q, want %q (%v)", test.sent, got, test.want, err)
		}
	}
}

func (d *proxied) speaksHTTP2(t *testing.T) {
	response, err := d.client.Get(d.Origin + "/auth/.well-known/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.ProtoMajor != 2 || response.StatusCode != http.StatusOK {
		t.Errorf("%s, %s", response.Proto, response.Status)
	}
}

func (d *proxied) passesWebSockets(t *testing.T) {
	pool := d.client.Transport.(*http.Transport).TLSClientConfig.RootCAs
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, NextProtos: []string{"http/1.1"}}}}
	connection, _, err := websocket.Dial(t.Context(), d.Origin+"/live", &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	defer connection.CloseNow()
	if err := connection.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, message, err := connection.Read(t.Context()); err != nil || string(message) != "hello" {
		t.Errorf("%q, %v", message, err)
	}
}

func (d *proxied) hidesMetrics(t *testing.T) {
	response, err := d.client.Get(d.Origin + "/auth/metrics")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusNotFound {
		t.Error(response.Status)
	}
}

// callers is the number of concurrent callers. Each mints every pause, so that they leave
// processor time to the servers and proxies.
const (
	callers = 8
	pause   = 25 * time.Millisecond
)

// survivesKill kills one of the servers while callers mint. That costs no request, unless
// the proxy gives some up for at most two seconds.
func (d *proxied) survivesKill(t *testing.T) {
	dead := d.Replicas[0]
	killed := d.underLoad(func() {
		dead.Process.Kill()
		<-time.After(2 * time.Second)
	})
	if failures(killed) > 0 && !d.kind.givesUp {
		t.Errorf("when the server was killed: %v", killed)
	}
	if gone := d.underLoad(func() { <-time.After(4 * time.Second) }); failures(gone) > 0 {
		t.Errorf("while the server was dead: %v", gone)
	}
	if back := d.underLoad(func() { d.Start(dead) }); failures(back) > 0 {
		t.Errorf("when the server came back: %v", back)
	}
}

// underLoad has callers mint until act returns, and counts their answers.
func (d *proxied) underLoad(act func()) map[string]int {
	d.Helper()
	var waiting sync.WaitGroup
	done, answers := make(chan struct{}), make(chan string)
	for range callers {
		waiting.Go(func() {
			tick := time.NewTicker(pause)
			defer tick.Stop()
			for {
				answers <- d.mint()
				select {
				case <-done:
					return
				case <-tick.C:
				}
			}
		})
	}
	counts, counted := map[string]int{}, make(chan struct{})
	go func() {
		defer close(counted)
		for a := range answers {
			counts[a]++
		}
	}()
	act()
	close(done)
	waiting.Wait()
	close(answers)
	<-counted
	return counts
}

// passesOverWaiting starts one of the servers with a database that does not answer, for which
// it waits: the proxy asks the other one at once.
func (d *proxied) passesOverWaiting(t *testing.T) {
	waiting, database := d.Replicas[1], d.Database
	waiting.Process.Stop()
	d.Database = fmt.Sprintf("postgres://tabard@127.0.0.1:%d/tabard", ports.Hold(t))
	d.Launch(waiting)
	d.Database = database
	d.Await("it waits", func() bool {
		answer, err := http.Get("http://" + waiting.Listen + "/auth/readyz")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusServiceUnavailable
	})
	if d.kind.givesUp {
		<-time.After(2 * time.Second) // it has seen that
	}
	begun := time.Now()
	answers := d.underLoad(func() { <-time.After(2 * time.Second) })
	if took := time.Since(begun); failures(answers) > 0 || took > 10*time.Second {
		t.Errorf("after %v: %v", took, answers)
	}
	waiting.Process.Stop()
	d.Start(waiting)
	if d.kind.givesUp {
		<-time.After(2 * time.Second)
	}
}

// served is a server's answer to the callers, which have no session.
const served = "401 login_required"

// failures returns how many answers came from no server.
func failures(answers map[string]int) int {
	all := 0
	for _, n := range answers {
		all += n
	}
	return all - answers[served]
}

// mint asks for a token with no session, and returns status and code.
func (d *proxied) mint() string {
	request, err := http.NewRequest(http.MethodPost, d.Origin+"/auth/token", strings.NewReader(`{"organization":"acme"}`))
	if err != nil {
		return err.Error()
	}
	request.Header = http.Header{"Content-Type": {"application/json"}, "Origin": {d.Origin}, "Tabard-Client": {"1"}, "Sec-Fetch-Site": {"same-origin"}}
	response, err := d.client.Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	code := ""
	if _, rest, ok := strings.Cut(string(body), `"error":"`); ok {
		code, _, _ = strings.Cut(rest, `"`)
	}
	return fmt.Sprint(response.StatusCode, " ", code)
}
