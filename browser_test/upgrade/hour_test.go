//go:build long

package upgrade

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/deployment"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
	"github.com/tabard-auth/tabard/browser_test/upgrade/release"
	"github.com/tabard-auth/tabard/web-demo/idp"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

const last = "0.1"

// rolling is a rolling upgrade: servers of the last release and of this one answer the
// same browsers, in turns, on one database.
type rolling struct {
	*testing.T
	clock             *release.Clock
	provider          *logintest.Provider
	origin, database  string
	secret, workspace string
	programs          map[string]string
	servers           map[string]*server
	answers           map[string]int // by release
	answered          []string       // the releases that answered, one by one
	random            *rand.Rand
	kept              string // the release that answers all requests; "" is any
	mints, rotations  int
}

type server struct {
	*program.Process
	listen string
}

// TestUpgrade_AnHourBesideTheLastRelease: servers of the last release and of this one
// share the new tables for an hour, and the last one even serves alone again for a while.
// No person is signed out or gets another organization, and neither release revives a
// session that the other one ended.
func TestUpgrade_AnHourBesideTheLastRelease(t *testing.T) {
	for name, database := range map[string]func(*testing.T) string{
		release.SQLite:   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "tabard.db") },
		release.Postgres: func(t *testing.T) string { return deployment.Address(pg.Postgres(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRolling(t, database(t))
			r.start(last)
			r.apply(last, "viewer")
			crowd := r.signEverybodyIn()
			r.tabard(release.This, "migrate") // while the last release serves
			r.start(release.This)
			for minute := range 70 {
				r.clock.Pass(t, time.Minute)
				switch minute {
				case 30:
					r.stop(release.This)
				case 36:
					r.start(release.This)
				case 60:
					r.stop(last)
				}
				crowd.work(minute)
				if t.Failed() {
					t.Fatalf("in minute %d", minute)
				}
			}
			t.Logf("%d tokens, %d rotations, answers of %v", r.mints, r.rotations, r.answers)
			if r.mints < 500 || r.rotations < 20 || r.answers[last] < 200 || r.answers[release.This] < 200 {
				t.Error("hardly anything was tried")
			}
		})
	}
}

func newRolling(t *testing.T, database string) *rolling {
	t.Helper()
	r := &rolling{
		T: t, clock: release.NewClock(t), database: database, random: rand.New(rand.NewPCG(1, 2)),
		programs: map[string]string{last: release.Program(t, last), release.This: release.Program(t, release.This)},
		servers:  map[string]*server{}, answers: map[string]int{},
		secret: filepath.Join(t.TempDir(), "secret"), workspace: filepath.Join(t.TempDir(), "workspace.json"),
	}
	r.run("bash", "-ec", "umask 077; openssl rand -base64 32 > "+r.secret)
	at, err := idp.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.provider = logintest.New(t, "http://"+at.Addr().String())
	r.provider.Now = r.clock.Now
	r.serve(at, r.provider)
	front, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", ports.Hold(t)))
	if err != nil {
		t.Fatal(err)
	}
	r.origin = strings.Replace("http://"+front.Addr().String(), "127.0.0.1", "localhost", 1)
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a page") })
	mux.Handle("/auth/", &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(&url.URL{Scheme: "http", Host: r.choose().listen})
		p.Out.Host = p.In.Host
	}})
	r.serve(front, mux)
	return r
}

func (r *rolling) serve(at net.Listener, handler http.Handler) {
	server := &http.Server{Handler: handler}
	go server.Serve(at)
	r.Cleanup(func() { server.Close() })
}

// choose returns the server that answers the next request: of any release that serves,
// unless one is kept.
func (r *rolling) choose() *server {
	which := r.kept
	if which == "" {
		which = r.any()
	}
	r.answers[which]++
	r.answered = append(r.answered, which)
	return r.servers[which]
}

// any returns a release that serves.
func (r *rolling) any() string {
	which := []string{last, release.This}[r.random.IntN(2)]
	if r.servers[which] == nil {
		which = map[string]string{last: release.This, release.This: last}[which]
	}
	return which
}

// by has one release that serves answer all that act asks.
func (r *rolling) by(which string, act func()) {
	r.kept = which
	defer func() { r.kept = "" }()
	act()
}

func (r *rolling) start(which string) {
	r.Helper()
	s := &server{listen: fmt.Sprintf("127.0.0.1:%d", ports.Hold(r))}
	command := exec.Command(r.programs[which], "serve", "--listen", s.listen, "--public-url", r.origin+"/auth", "--database", r.database,
		"--secret-file", r.secret, "--oidc-issuer", r.provider.Issuer, "--oidc-client-id", logintest.ClientID)
	command.Env = append(append(os.Environ(), "TABARD_OIDC_CLIENT_SECRET="+logintest.ClientSecret), r.clock.Environment()...)
	s.Process = program.Run(r, "tabard "+which, command)
	contract.Ready(r, "http://"+s.listen+"/auth")
	r.servers[which] = s
}

func (r *rolling) stop(which string) {
	r.servers[which].Stop()
	delete(r.servers, which)
}

// tabard runs a command of a release on the database.
func (r *rolling) tabard(which string, args ...string) string {
	r.Helper()
	return r.run(r.programs[which], append(args, "--database", r.database)...)
}

func (r *rolling) run(name string, args ...string) string {
	r.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		r.Fatalf("%s %v: %v\n%s", filepath.Base(name), args, err, out)
	}
	return string(out)
}

// apply applies the workspace file by a release, with everybody's role at acme.
func (r *rolling) apply(which, role string) {
	r.Helper()
	organization := func(slug string, policy map[string]any, people ...string) map[string]any {
		var members []any
		for _, person := range people {
			members = append(members, map[string]any{"iss": r.provider.Issuer, "sub": person, "roles": []string{role}})
		}
		return map[string]any{"id": "org_" + slug, "slug": slug, "name": slug, "policy": policy, "members": members}
	}
	text, err := json.Marshal(map[string]any{
		"apps":  []any{map[string]any{"id": "web", "name": "Web", "origins": []string{r.origin}, "audience": r.origin + "/api"}},
		"roles": map[string]any{"viewer": []string{"notes:read"}, "editor": []string{"notes:read", "notes:write"}},
		"organizations": []any{
			organization("acme", map[string]any{}, everybody...),
			organization("globex", map[string]any{}, "alice", "dora"),
			organization("lamna", map[string]any{"idle_timeout": "20m"}, "ina"),
			organization("bank", map[string]any{"acr": []string{"urn:tabard:mfa"}}, "steve"),
		},
	})
	if err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(r.workspace, text, 0o600); err != nil {
		r.Fatal(err)
	}
	r.tabard(which, "apply", r.workspace)
}

// ask sends a tab's request, and once more where the server wants a nonce.
func (r *rolling) ask(b *httpbrowser.Browser, path, body string) httpbrowser.Response {
	r.Helper()
	for {
		got := b.Post(path, body)
		if got.Code() != string(api.UseDPoPNonce) {
			return got
		}
	}
}

// refused fails the test unless the answer is one of the codes.
func (r *rolling) refused(got httpbrowser.Response, codes ...api.Code) {
	r.Helper()
	for _, code := range codes {
		if got.Code() == string(code) {
			return
		}
	}
	r.Errorf("%d %s, want %v; answered by %v", got.Status, got.Body, codes, r.answered[max(0, len(r.answered)-12):])
}
