package guide_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/markdown"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// production is a deployment that was made by the guide's commands, with addresses of this
// machine for the guide's.
type production struct {
	*operator
	origin  string
	issuer  string // of the provider
	servers []string
	local   *strings.Replacer
}

// noted finds a finding of the doctor's that is not ok.
var noted = regexp.MustCompile(`(?m)^(\S.*)?  +(look|warning|problem) .*$`)

// TestGuide_FromAnEmptyMachine runs the guide's commands: with PostgreSQL, nginx and TLS,
// two servers, and an OpenID provider that is not Tabard's. Then the doctor has nothing to
// say, and a sign-in leads to the provider.
func TestGuide_FromAnEmptyMachine(t *testing.T) {
	guide, err := os.ReadFile("../../backend/deploy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := markdown.Blocks(markdown.Sections(string(guide))["From an empty machine"], "bash")
	p := newProduction(t, blocks)
	t.Log(p.block("createdb", ""))
	p.block("openssl rand -base64", "")
	p.settings()
	t.Log(p.block("tabard apply", ""))
	p.serve()
	p.nginx()
	said := p.block("tabard doctor", "")
	t.Log(said)
	if finding := noted.FindString(strings.ReplaceAll(said, "\ndisk ", "\n")); finding != "" || !strings.Contains(said, "No problem found.") {
		t.Errorf("the doctor says %s", finding)
	}
	if to := p.beginSignIn(); !strings.HasPrefix(to, p.issuer+"/") {
		t.Errorf("a sign-in leads to %s", to)
	}
}

// beginSignIn follows a link of the app's to a sign-in, and returns where it leads.
func (p *production) beginSignIn() string {
	p.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(p.read(filepath.Join(p.folder, "app.pem"))))
	link, err := http.NewRequestWithContext(p.Context(), http.MethodGet, p.origin+"/auth/login?app=app&organization=acme", nil)
	if err != nil {
		p.Fatal(err)
	}
	link.Header = http.Header{"Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Referer": {p.origin + "/"}}
	answer, err := (&http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}).RoundTrip(link)
	if err != nil {
		p.Fatal(err)
	}
	answer.Body.Close()
	return answer.Header.Get("Location")
}

func newProduction(t *testing.T, blocks []string) *production {
	t.Helper()
	folder, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	p := &production{operator: &operator{t, folder, blocks}, origin: fmt.Sprintf("https://localhost:%d", ports.Hold(t))}
	p.copy(program.Path(t, "tabard"), "tabard", 0o755)
	p.copy("../../backend/deploy/tabard.env", "backend/deploy/tabard.env", 0o644)
	p.run("", `initdb --username=postgres --auth=trust --encoding=UTF8 --no-locale --no-sync "$PGDATA" > initdb.log
printf 'local tabard tabard scram-sha-256\nlocal all all trust\n' > "$PGDATA/pg_hba.conf"
pg_ctl start --pgdata="$PGDATA" --wait --silent --log=postgresql.log --options="-k '$PWD' -c listen_addresses="
umask 077; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout app.key -out app.pem -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2> openssl.log`)
	t.Cleanup(func() {
		stop := exec.Command("bash", "-c", `kill -QUIT "$(head -1 data/postmaster.pid)"`) // at once
		stop.Dir = folder
		stop.Run()
	})
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { json.NewEncoder(w).Encode(r.Header) }))
	t.Cleanup(app.Close)
	for range 2 {
		p.servers = append(p.servers, fmt.Sprintf("127.0.0.1:%d", ports.Hold(t)))
	}
	p.issuer = p.startProvider()
	p.local = strings.NewReplacer("https://app.example.com", p.origin, "https://id.example.com", p.issuer,
		"10.0.0.11:8787", p.servers[0], "10.0.0.12:8787", p.servers[1], "10.0.0.21:3000", strings.TrimPrefix(app.URL, "http://"),
		"postgres://tabard@10.0.0.31/tabard?sslmode=verify-full", "postgres://tabard:PASSWORD@/tabard?host="+folder,
		"CLIENT_ID=tabard", "CLIENT_ID=product", "CLIENT_SECRET=", "CLIENT_SECRET=of-the-tests-alone", "10.0.0.0/24", "127.0.0.1/32",
		"/etc/ssl/app.example.com", folder+"/app")
	for i, block := range p.blocks {
		p.blocks[i] = "export PGHOST=" + folder + " PGUSER=postgres SSL_CERT_FILE=" + folder + "/app.pem\n" + p.local.Replace(block)
	}
	return p
}

func (p *production) copy(from, to string, mode os.FileMode) {
	p.Helper()
	text := p.read(from)
	to = filepath.Join(p.folder, to)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(to, []byte(text), mode); err != nil {
		p.Fatal(err)
	}
}

func (p *production) read(path string) string {
	p.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		p.Fatal(err)
	}
	return string(text)
}

// startProvider starts a certified OpenID provider, and returns its issuer.
func (p *production) startProvider() (issuer string) {
	p.Helper()
	node := exec.Command("node", "../browser/certified/provider.mjs", "product", "of-the-tests-alone", p.origin+"/auth/callback", p.origin+"/",
		p.origin+"/auth/backchannel-logout")
	node.Env = append(os.Environ(), "NODE_NO_WARNINGS=1")
	stdin, errIn := node.StdinPipe()
	stdout, errOut := node.StdoutPipe()
	if errIn != nil || errOut != nil {
		p.Fatal(errIn, errOut)
	}
	if err := node.Start(); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() {
		stdin.Close()
		node.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		p.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// settings fills in the settings as the guide says.
func (p *production) settings() {
	p.Helper()
	password := strings.TrimSpace(p.read(filepath.Join(p.folder, "postgres.secret")))
	file := filepath.Join(p.folder, "tabard.env")
	text := strings.ReplaceAll(p.local.Replace(p.read(file)), "PASSWORD", password)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		p.Fatal(err)
	}
}

// serve starts a server for each address, as the unit does.
func (p *production) serve() {
	p.Helper()
	environment := []string{"TABARD_SECRET_FILE=" + filepath.Join(p.folder, "tabard.secret")}
	for line := range strings.Lines(p.read(filepath.Join(p.folder, "tabard.env"))) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "TABARD_") {
			environment = append(environment, strings.ReplaceAll(line, "'", "")) // as systemd reads it
		}
	}
	for _, listen := range p.servers {
		program.Start(p, "tabard", append(environment, "TABARD_LISTEN="+listen), "serve")
		contract.Ready(p, "http://"+listen+"/auth")
	}
}

// nginx starts the guide's proxy, without its redirect of port 80.
func (p *production) nginx() {
	p.Helper()
	config := p.local.Replace(p.read("../../backend/deploy/nginx.conf"))
	from, to := strings.Index(config, "\tserver {\n\t\tlisten 80;"), strings.Index(config, "\tserver {\n\t\tlisten 443")
	config = config[:from] + "\taccess_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;\n" + config[to:]
	config = strings.Replace(config, "listen 443", "listen "+strings.TrimPrefix(p.origin, "https://"), 1)
	file := filepath.Join(p.folder, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		p.Fatal(err)
	}
	proxy := exec.Command("/usr/sbin/nginx", "-p", p.folder, "-e", "error.log", "-c", file, "-g", "daemon off; master_process off; pid pid;")
	if err := proxy.Start(); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() {
		proxy.Process.Kill()
		proxy.Wait()
	})
}
