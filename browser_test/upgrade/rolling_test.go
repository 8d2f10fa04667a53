package upgrade

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
	"github.com/tabard-auth/tabard/browser_test/upgrade/release"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

const rolledWorkspace = `issuer: %s
apps:
  - {id: web, name: Web, origins: [http://localhost:8080], audience: http://localhost:8080/api}
roles:
  viewer: [notes:read]
organizations:
  - {id: org_acme, slug: acme, name: Acme, members: [{sub: alice, roles: [viewer]}]}
  - {id: org_globex, slug: globex, name: Globex, members: [{sub: alice, roles: [viewer]}]}
  - {id: org_lamna, slug: lamna, name: Lamna, policy: {acr: [mfa]}, members: [{sub: alice, roles: [viewer]}]}
`

// rolled is a database that the program of release 0.1 and this release serve in turns,
// behind one address.
type rolled struct {
	*testing.T
	provider *logintest.Provider
	before   http.Handler // release 0.1
	now      http.Handler
	hosts    httpbrowser.Hosts
	random   *rand.Rand
	old      bool // serves the next request
	fixed    bool // the same release serves the next requests as well
	clock    *release.Clock
	folder   string
	secret   signingkey.Secret
}

func newRolled(t *testing.T) *rolled {
	t.Helper()
	r := &rolled{T: t, clock: release.NewClock(t), folder: t.TempDir()}
	r.provider = newProvider(t, r.clock)
	r.hosts = httpbrowser.Hosts{strings.TrimPrefix(r.provider.Issuer, "http://"): r.provider}
	r.startBefore(release.Program(t, "0.1"))
	r.hosts["localhost:8080"] = http.HandlerFunc(r.answer)
	r.old, r.fixed = true, true
	r.open(t).b.SignIn("alice") // before the upgrade begins
	r.startNow()
	r.fixed = false
	return r
}

// answer answers a request by a release of chance.
func (r *rolled) answer(w http.ResponseWriter, request *http.Request) {
	if !r.fixed {
		r.old = r.random.IntN(2) == 0
	}
	switch {
	case !strings.HasPrefix(request.URL.Path, "/auth/"):
		fmt.Fprint(w, "a page")
	case r.old:
		r.before.ServeHTTP(w, request)
	default:
		r.now.ServeHTTP(w, request)
	}
}

// open opens a browser without a key.
func (r *rolled) open(t *testing.T) *day {
	d := &day{rolled: r, b: httpbrowser.New(t, leftOrigin, leftURL)}
	d.b.Transport, d.b.Now = r.hosts, r.clock.Now
	return d
}

func (r *rolled) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// startBefore applies the workspace by the program of release 0.1, and serves it.
func (r *rolled) startBefore(tabard string) {
	r.Helper()
	secret, text := signingkey.NewSecret()
	r.secret = secret
	file := func(name, content string) string {
		path := filepath.Join(r.folder, name)
		r.must(os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	environment := append(os.Environ(), "TABARD_DATABASE=sqlite:"+filepath.Join(r.folder, "tabard.db"),
		"TABARD_SECRET_FILE="+file("secret", text+"\n"), "TABARD_OIDC_CLIENT_SECRET="+logintest.ClientSecret)
	environment = append(environment, r.clock.Environment()...)
	apply := exec.Command(tabard, "apply", file("workspace.yaml", fmt.Sprintf(rolledWorkspace, r.provider.Issuer)))
	apply.Env = environment
	if out, err := apply.CombinedOutput(); err != nil {
		r.Fatalf("%v\n%s", err, out)
	}
	address := fmt.Sprintf("127.0.0.1:%d", ports.Hold(r))
	serve := exec.Command(tabard, "serve", "--listen", address, "--public-url", leftURL, "--oidc-issuer", r.provider.Issuer,
		"--oidc-client-id", logintest.ClientID, "--loopback-connections")
	serve.Env = environment
	program.Run(r, "release 0.1", serve).Await(r, `"serving"`)
	r.before = passTo(func() string { return address })
}

// startNow serves the same database by this release, which brings the schema up to date.
func (r *rolled) startNow() {
	r.Helper()
	store, err := sqlite.Open(r.Context(), filepath.Join(r.folder, "tabard.db"))
	r.must(err)
	r.Cleanup(func() { store.Close() })
	r.now, err = host.New(host.Config{
		PublicURL: leftURL, Secret: r.secret, Now: r.clock.Now, LoopbackConnections: true,
		Provider: login.Config{Issuer: r.provider.Issuer, ClientID: logintest.ClientID, ClientSecret: logintest.ClientSecret},
	}, store)
	r.must(err)
}

// day is a person's browser.
type day struct {
	*rolled
	b      *httpbrowser.Browser
	device *httpbrowser.Device // nil without a key
}

// post sends a request, and again with the nonce if one is missing.
func (d *day) post(path, body string) httpbrowser.Response {
	d.Helper()
	got := d.b.Post(path, body)
	if got.Code() == string(api.UseDPoPNonce) {
		got = d.b.Post(path, body)
	}
	return got
}

// login goes to the provider and back. Release 0.1 cannot complete an attempt of this
// one, and shows a page; the person then starts again. A page's script proves its key
// to this release, and names it to the one before.
func (d *day) login(query string) {
	d.Helper()
	for range 20 {
		d.old, d.fixed = d.random.IntN(2) == 0, true
		var page httpbrowser.Response
		if d.device != nil && d.old {
			page = d.b.Login(query + "&dpop_jkt=" + d.device.Thumbprint())
		} else {
			page = d.b.Begin(leftURL + "/login?" + query)
		}
		d.fixed = false
		landed := d.b.Choose(page, "alice")
		if landed.Status == http.StatusOK && landed.URL.Path == "/notes" {
			if code := landed.URL.Query().Get(api.ParamError); code != "" {
				d.Fatalf("the sign-in ends with %s", code)
			}
			return
		}
		if landed.Status != http.StatusBadRequest {
			d.Fatalf("%d at %s: %s", landed.Status, landed.URL, landed.Body)
		}
	}
	d.Fatal("no sign-in succeeds")
}

// enter chooses an organization, with the step-up that it may ask for, and mints.
func (d *day) enter(organization string) {
	d.Helper()
	for range 3 {
		got := d.post("/token", `{"organization":"`+organization+`","enter":true}`)
		if got.Status == http.StatusOK {
			return
		}
		if got.Code() != string(api.InsufficientUserAuthentication) {
			d.Fatalf("%s by release 0.1: %v: %d %s", organization, d.old, got.Status, got.Body)
		}
		var e api.Error
		got.JSON(d, &e)
		d.login(strings.TrimPrefix(e.LoginURL, leftURL+"/login?") + "&return_to=/notes")
	}
	d.Fatalf("%s asks for ever", organization)
}

func (d *day) signOut() {
	d.Helper()
	if got := d.post("/logout", `{"scope":"session"}`); got.Status != http.StatusOK {
		d.Fatalf("%d %s", got.Status, got.Body)
	}
	if got := d.post("/token", `{"organization":"acme"}`); got.Status != http.StatusUnauthorized {
		d.Fatalf("signed out by release 0.1: %v, the browser mints: %d %s", d.old, got.Status, got.Body)
	}
}

// TestUpgrade_RollingBesideRelease01: the program of release 0.1 and this release answer
// the requests of one browser in turns for days of signing in, minting, switching,
// stepping up and signing out. Nobody is signed out otherwise, and no token counts as
// used twice.
func TestUpgrade_RollingBesideRelease01(t *testing.T) {
	r := newRolled(t)
	for _, keyed := range []bool{false, true} {
		for run := range 4 {
			t.Run(fmt.Sprintf("keyed %v, %d", keyed, run), func(t *testing.T) {
				r.T = t
				r.random = rand.New(rand.NewPCG(uint64(run), 7))
				d := r.open(t)
				if keyed {
					d.device = httpbrowser.NewDevice(t)
					d.b = d.b.On(d.device)
				}
				for range 2 {
					d.spend()
				}
			})
		}
	}
	r.T = t
	r.checkNoReuse()
}

// checkNoReuse fails the test if a session ended as stolen.
func (r *rolled) checkNoReuse() {
	r.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(r.folder, "tabard.db"))
	r.must(err)
	defer db.Close()
	var all, reused int
	r.must(db.QueryRow(`SELECT COUNT(*), SUM(CASE WHEN revoke_reason LIKE 'reuse%' THEN 1 ELSE 0 END) FROM sessions`).Scan(&all, &reused))
	if all < 16 || reused != 0 {
		r.Errorf("%d of %d sessions ended as stolen", reused, all)
	}
}

// spend is a day of one person.
func (d *day) spend() {
	d.Helper()
	d.provider.Claims = nil
	d.login("return_to=/notes")
	d.enter("acme")
	for range 60 {
		d.clock.Pass(d, time.Duration(d.random.IntN(900))*time.Second)
		switch d.random.IntN(12) {
		case 0:
			d.enter("globex")
		case 1:
			d.provider.Claims = func(claims map[string]any) { claims["acr"] = "mfa" }
			d.enter("lamna")
			d.provider.Claims = nil
		case 2:
			lost := d.b.Copy() // its answers are lost
			if d.device != nil {
				lost = lost.On(d.device)
			}
			lost.Post("/token", `{"organization":"acme"}`)
		case 3:
			if got := d.b.Get("/session"); got.Status != http.StatusOK {
				d.Fatalf("%d %s", got.Status, got.Body)
			}
		default:
			d.enter("acme")
		}
	}
	d.signOut()
}
