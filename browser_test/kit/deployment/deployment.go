// Package deployment runs several servers behind a proxy, and a crowd of people that
// work with them, for tests.
package deployment

import (
	"crypto/rand"
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
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/backend/store/storetest/serverlog"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
	"github.com/tabard-auth/tabard/web-demo/idp"
)

// ClientID and ClientSecret are the servers' credentials at their provider.
const ClientID, ClientSecret = "tabard", "a secret of the tests alone"

// Deployment is a set of servers behind a proxy, on one database.
type Deployment struct {
	testing.TB
	Origin    string
	DSN       string // of the PostgreSQL database, as pgx takes it
	Database  string // as --database names it
	Issuer    string
	Secret    string // the operator's copy of the secret file
	Replicas  []*Replica
	ExtraArgs []string // extra arguments of the servers
	// Wrapper is a command that runs the servers: their own command is appended.
	Wrapper []string
	// LastRelease is the program of the last release, where that is what runs.
	LastRelease string

	ClientSecretFile string
	idp              atomic.Pointer[idp.Provider]
}

// Replica is one server with its own copy of the secret file.
type Replica struct {
	Listen  string
	Secret  string
	Process *program.Process
}

// Person returns the name of the i-th person.
func Person(i int) string { return fmt.Sprintf("person%d", i) }

// New starts three replicas of the server binary behind nginx, on PostgreSQL. Each of
// the people is a member of acme and of globex.
func New(t testing.TB, people int) *Deployment {
	t.Helper()
	dsn := pg.Postgres(t)
	d := prepare(t, people, Address(dsn), 3, "error timeout non_idempotent") // a 503 is seen
	d.DSN = dsn
	d.Apply(people)
	for _, r := range d.Replicas {
		d.Start(r)
	}
	return d
}

// Prepare makes a deployment of three replicas on that database: its proxy and its
// provider run, its replicas do not run yet, and no workspace is applied.
func Prepare(t testing.TB, people int, dsn string) *Deployment {
	t.Helper()
	d := prepare(t, people, Address(dsn), 3, guideNextUpstream)
	d.DSN = dsn
	return d
}

// PrepareOne is [Prepare] for one server on a SQLite file.
func PrepareOne(t testing.TB, people int) *Deployment {
	t.Helper()
	return prepare(t, people, "sqlite:"+filepath.Join(t.TempDir(), "tabard.db"), 1, guideNextUpstream)
}

const guideNextUpstream = "error timeout http_502 http_503 non_idempotent" // backend/deploy/nginx.conf

func prepare(t testing.TB, people int, database string, replicas int, nextUpstream string) *Deployment {
	t.Helper()
	d := &Deployment{TB: t, Secret: filepath.Join(t.TempDir(), "tabard.secret"), Database: database}
	d.NewSecret()
	d.AddReplicas(replicas)
	d.nginx(nextUpstream)
	d.StartProvider(people)
	d.Distribute()
	return d
}

// NewSecret makes the operator's secret file.
func (d *Deployment) NewSecret() {
	d.Helper()
	d.Run("bash", "-ec", "(umask 077; openssl rand -base64 32 > "+d.Secret+")")
}

// AddReplicas adds replicas to the deployment without starting them.
func (d *Deployment) AddReplicas(n int) {
	d.Helper()
	for range n {
		d.Replicas = append(d.Replicas, &Replica{
			Listen: fmt.Sprintf("127.0.0.1:%d", ports.Hold(d)), Secret: filepath.Join(d.TempDir(), "tabard.secret"),
		})
	}
}

// Address returns a connection string as a URL.
func Address(dsn string) string {
	settings := url.Values{}
	for field := range strings.FieldsSeq(dsn) {
		name, value, _ := strings.Cut(field, "=")
		settings.Set(name, value)
	}
	return "postgres:///?" + settings.Encode()
}

// Run runs one of the operator's commands and returns its output.
func (d *Deployment) Run(name string, args ...string) string {
	d.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		d.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// Start starts a replica, and waits until it is ready.
func (d *Deployment) Start(r *Replica) {
	d.Helper()
	d.Launch(r)
	d.AwaitReady(r)
}

// AwaitReady waits until a replica is ready.
func (d *Deployment) AwaitReady(r *Replica) {
	d.Helper()
	contract.Ready(d, "http://"+r.Listen+"/auth")
}

// StartTogether starts all replicas at once, and waits until they are ready.
func (d *Deployment) StartTogether() {
	d.Helper()
	for _, r := range d.Replicas {
		d.Launch(r)
	}
	for _, r := range d.Replicas {
		d.AwaitReady(r)
	}
}

// Launch starts a replica, which need not get ready.
func (d *Deployment) Launch(r *Replica) {
	d.Helper()
	words := append(d.Wrapper, d.program(), "serve",
		"--listen", r.Listen, "--public-url", d.Origin+"/auth", "--database", d.Database, "--secret-file", r.Secret,
		"--oidc-issuer", d.Issuer, "--oidc-client-id", ClientID)
	if d.LastRelease == "" {
		words = append(words, "--oidc-client-secret-file", d.ClientSecretFile)
	}
	words = append(words, d.ExtraArgs...)
	command := exec.Command(words[0], words[1:]...)
	if d.LastRelease != "" { // which reads no file
		command.Env = append(os.Environ(), "TABARD_OIDC_CLIENT_SECRET="+ClientSecret)
	}
	r.Process = program.Run(d, "tabard", command)
}

// program returns the path of the program that runs.
func (d *Deployment) program() string {
	d.Helper()
	if d.LastRelease != "" {
		return d.LastRelease
	}
	return program.Path(d, "tabard")
}

// Restart restarts replicas one after the other, each gracefully.
func (d *Deployment) Restart(replicas ...*Replica) {
	d.Helper()
	for _, r := range replicas {
		r.Process.Stop()
		d.Start(r)
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
			proxy_next_upstream %[4]s;
			proxy_next_upstream_tries 2;
			proxy_connect_timeout 2s;
			proxy_read_timeout 25s;
			proxy_set_header Host $http_host;
			proxy_set_header X-Forwarded-For $remote_addr;
		}
		location / { default_type text/plain; return 200 "the app"; }
	}
}
`

// nginx starts the proxy, which sends requests to the replicas in turn.
func (d *Deployment) nginx(nextUpstream string) {
	d.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		nginx = "/usr/sbin/nginx" // Debian; it is not in each user's path
	}
	folder, port := d.TempDir(), ports.Hold(d)
	d.Origin = fmt.Sprintf("http://localhost:%d", port)
	var upstream strings.Builder
	for _, r := range d.Replicas {
		fmt.Fprintf(&upstream, "\t\tserver %s max_fails=0;\n", r.Listen)
	}
	conf := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, nginxConf, folder, upstream.String(), port, nextUpstream), 0o600); err != nil {
		d.Fatal(err)
	}
	command := exec.Command(nginx, "-e", filepath.Join(folder, "error.log"), "-c", conf)
	if err := command.Start(); err != nil {
		d.Fatalf("nginx is needed (Debian: apt install nginx-light): %v", err)
	}
	d.Cleanup(func() {
		command.Process.Kill() // all of it is this one process
		command.Wait()
		log, _ := os.ReadFile(filepath.Join(folder, "error.log"))
		serverlog.Report(d, "nginx", string(log))
	})
}

// StartProvider starts the development provider, with this number of people.
func (d *Deployment) StartProvider(people int) {
	d.Helper()
	listener, err := idp.Listen("127.0.0.1:0")
	if err != nil {
		d.Fatal(err)
	}
	d.Issuer = "http://" + listener.Addr().String()
	d.ClientSecretFile = filepath.Join(d.TempDir(), "client-secret")
	d.Register(people, ClientSecret)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.idp.Load().ServeHTTP(w, r)
	})}
	go server.Serve(listener)
	d.Cleanup(func() { server.Close() })
}

// Register sets another client secret at the provider and in the servers' file.
func (d *Deployment) Register(people int, secret string) {
	d.Helper()
	c := idp.Config{
		Issuer: d.Issuer, ClientID: ClientID, ClientSecret: secret,
		RedirectURIs: []string{d.Origin + "/auth/callback"}, PostLogoutRedirectURIs: []string{d.Origin + "/"},
	}
	for i := range people {
		c.People = append(c.People, idp.Person{Subject: Person(i), Name: Person(i)})
	}
	provider, err := idp.New(c)
	if err != nil {
		d.Fatal(err)
	}
	d.idp.Store(provider)
	if err := os.WriteFile(d.ClientSecretFile, []byte(secret+"\n"), 0o600); err != nil {
		d.Fatal(err)
	}
}

// LogoutToken returns a new logout token of a person by the provider (OpenID Connect
// Back-Channel Logout 1.0).
func (d *Deployment) LogoutToken(person string) string {
	d.Helper()
	now := time.Now().Unix()
	raw, err := d.idp.Load().Sign("logout+jwt", jwt.MapClaims{
		"iss": d.Issuer, "aud": ClientID, "sub": person, "iat": now, "exp": now + 120, "jti": rand.Text(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	})
	if err != nil {
		d.Fatal(err)
	}
	return raw
}

// Apply applies a workspace with this number of people as members of acme and of
// globex.
func (d *Deployment) Apply(people int) {
	d.Helper()
	var members []map[string]any
	for i := range people {
		members = append(members, map[string]any{"iss": d.Issuer, "sub": Person(i), "roles": []string{"viewer"}})
	}
	text, err := json.Marshal(map[string]any{
		"apps":  []any{map[string]any{"id": "demo", "name": "Demo", "origins": []string{d.Origin}, "audience": d.Origin + "/api"}},
		"roles": map[string]any{"viewer": []string{"notes:read"}},
		"organizations": []any{
			map[string]any{"id": "org_acme", "slug": "acme", "name": "Acme", "members": members},
			map[string]any{"id": "org_globex", "slug": "globex", "name": "Globex", "members": members},
		},
	})
	if err != nil {
		d.Fatal(err)
	}
	file := filepath.Join(d.TempDir(), "workspace.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		d.Fatal(err)
	}
	d.Run(d.program(), "apply", file, "--database", d.Database)
}
