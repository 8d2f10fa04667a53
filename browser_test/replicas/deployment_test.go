// Package replicas_test holds the tests of several servers behind one proxy.
package replicas_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
	"github.com/tabard-auth/tabard/web-demo/idp"
)

const clientID, clientSecret = "tabard", "a secret of the tests alone"

// deployment is three replicas of the server binary behind nginx, on PostgreSQL.
type deployment struct {
	testing.TB
	origin   string
	dsn      string // of the database, as pgx takes it
	database string // the same as --database names it
	issuer   string
	secret   string // the operator's copy of the secret file
	replicas []*replica
	further  []string // arguments of the servers

	clientSecret string       // its file
	idp          atomic.Value // the provider's http.HandlerFunc
}

// replica is one server with its own copy of the secret file.
type replica struct {
	listen  string
	secret  string
	process *program.Process
}

// person names the i-th of the people.
func person(i int) string { return fmt.Sprintf("person%d", i) }

// deploy starts a deployment for so many people, who are all members of acme.
func deploy(t testing.TB, people int) *deployment {
	t.Helper()
	d := &deployment{TB: t, secret: filepath.Join(t.TempDir(), "tabard.secret"), dsn: pg.Postgres(t)}
	d.database = address(d.dsn)
	d.run("bash", "-ec", "(umask 077; openssl rand -base64 32 > "+d.secret+")")
	for range 3 {
		d.replicas = append(d.replicas, &replica{
			listen: fmt.Sprintf("127.0.0.1:%d", ports.Hold(t)), secret: filepath.Join(t.TempDir(), "tabard.secret"),
		})
	}
	d.nginx()
	d.provider(people)
	d.apply(people)
	d.distribute()
	for _, r := range d.replicas {
		d.start(r)
	}
	return d
}

// address is a connection string as a URL.
func address(dsn string) string {
	settings := url.Values{}
	for field := range strings.FieldsSeq(dsn) {
		name, value, _ := strings.Cut(field, "=")
		settings.Set(name, value)
	}
	return "postgres:///?" + settings.Encode()
}

// run runs a command of the operator's, and returns what it says.
func (d *deployment) run(name string, args ...string) string {
	d.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		d.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// rotate runs tabard secret rotate, and returns what it says and whether it did a step.
func (d *deployment) rotate(args ...string) (said string, done bool) {
	d.Helper()
	args = append([]string{"secret", "rotate", "--secret-file", d.secret, "--database", d.database}, args...)
	out, err := exec.Command(program.Path(d, "tabard"), args...).CombinedOutput()
	return string(out), err == nil
}

// step does a step of the replacement.
func (d *deployment) step(says string) {
	d.Helper()
	if said, done := d.rotate(); !done || !strings.Contains(said, says) {
		d.Fatalf("it did not say %q: %s", says, said)
	}
}

// distribute gives replicas the operator's secret file: all of them where none is named.
func (d *deployment) distribute(replicas ...*replica) {
	d.Helper()
	if replicas == nil {
		replicas = d.replicas
	}
	for _, r := range replicas {
		d.run("install", "-m", "600", d.secret, r.secret)
	}
}

func (d *deployment) start(r *replica) {
	d.Helper()
	r.process = program.Start(d, "tabard", nil, append([]string{"serve",
		"--listen", r.listen, "--public-url", d.origin + "/auth", "--database", d.database, "--secret-file", r.secret,
		"--oidc-issuer", d.issuer, "--oidc-client-id", clientID, "--oidc-client-secret-file", d.clientSecret}, d.further...)...)
	contract.Ready(d, "http://"+r.listen+"/auth")
}

// restart restarts replicas one after the other, each in peace.
func (d *deployment) restart(replicas ...*replica) {
	d.Helper()
	for _, r := range replicas {
		r.process.Stop()
		d.start(r)
	}
}

const nginxConf = `
daemon off;
master_process off;
pid %[1]s/pid;
error_log %[1]s/error.log warn;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	upstream tabard {
%[2]s	}
	server {
		listen 127.0.0.1:%[3]d;
		location /auth/ {
			proxy_pass http://tabard;
			proxy_next_upstream error timeout non_idempotent; # as backend/deploy has it
			proxy_set_header Host $http_host;
			proxy_set_header X-Forwarded-For $remote_addr;
		}
		location / { default_type text/plain; return 200 "the app"; }
	}
}
`

// nginx starts the proxy, which sends requests to the replicas in turn.
func (d *deployment) nginx() {
	d.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		nginx = "/usr/sbin/nginx" // Debian, where it is not in everybody's path
	}
	folder, port := d.TempDir(), ports.Hold(d)
	d.origin = fmt.Sprintf("http://localhost:%d", port)
	var upstream strings.Builder
	for _, r := range d.replicas {
		fmt.Fprintf(&upstream, "\t\tserver %s max_fails=0;\n", r.listen)
	}
	conf := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, nginxConf, folder, upstream.String(), port), 0o600); err != nil {
		d.Fatal(err)
	}
	command := exec.Command(nginx, "-e", filepath.Join(folder, "error.log"), "-c", conf)
	if err := command.Start(); err != nil {
		d.Fatalf("nginx is needed (Debian: apt install nginx-light): %v", err)
	}
	d.Cleanup(func() {
		command.Process.Kill() // all of it is this one process
		command.Wait()
		if log, err := os.ReadFile(filepath.Join(folder, "error.log")); d.Failed() && err == nil {
			d.Logf("nginx said:\n%s", log)
		}
	})
}

// provider starts the development provider of the people.
func (d *deployment) provider(people int) {
	d.Helper()
	listener, err := idp.Listen("127.0.0.1:0")
	if err != nil {
		d.Fatal(err)
	}
	d.issuer = "http://" + listener.Addr().String()
	d.clientSecret = filepath.Join(d.TempDir(), "client-secret")
	d.register(people, clientSecret)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.idp.Load().(http.HandlerFunc)(w, r)
	})}
	go server.Serve(listener)
	d.Cleanup(func() { server.Close() })
}

// register gives the client another secret at the provider, and to the servers' file.
func (d *deployment) register(people int, secret string) {
	d.Helper()
	c := idp.Config{
		Issuer: d.issuer, ClientID: clientID, ClientSecret: secret,
		RedirectURIs: []string{d.origin + "/auth/callback"}, PostLogoutRedirectURIs: []string{d.origin + "/"},
	}
	for i := range people {
		c.People = append(c.People, idp.Person{Subject: person(i), Name: person(i)})
	}
	handler, err := idp.New(c)
	if err != nil {
		d.Fatal(err)
	}
	d.idp.Store(http.HandlerFunc(handler.ServeHTTP))
	if err := os.WriteFile(d.clientSecret, []byte(secret+"\n"), 0o600); err != nil {
		d.Fatal(err)
	}
}

func (d *deployment) apply(people int) {
	d.Helper()
	var members []map[string]any
	for i := range people {
		members = append(members, map[string]any{"iss": d.issuer, "sub": person(i), "roles": []string{"viewer"}})
	}
	text, err := json.Marshal(map[string]any{
		"apps":          []any{map[string]any{"id": "demo", "name": "Demo", "origins": []string{d.origin}, "audience": d.origin + "/api"}},
		"roles":         map[string]any{"viewer": []string{"notes:read"}},
		"organizations": []any{map[string]any{"slug": "acme", "name": "Acme", "members": members}},
	})
	if err != nil {
		d.Fatal(err)
	}
	file := filepath.Join(d.TempDir(), "workspace.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		d.Fatal(err)
	}
	d.run(program.Path(d, "tabard"), "apply", file, "--database", d.database)
}

// ids are the ids of the values of the operator's secret file.
func (d *deployment) ids() []string {
	d.Helper()
	text, err := os.ReadFile(d.secret)
	if err != nil {
		d.Fatal(err)
	}
	secret, err := signingkey.ParseSecret(string(text))
	if err != nil {
		d.Fatal(err)
	}
	ids, err := secret.IDs()
	if err != nil {
		d.Fatal(err)
	}
	return ids
}
