package browser

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/js"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// deployed is one server with an app at a path of a host. The app's pages are the same
// at every address, and its provider still has a session of the person.
type deployed struct {
	testing.TB
	origin, base string // such as http://localhost:8080 and /staging
	person       string
	slow         time.Duration // delay of the provider
	ahead        atomic.Int64  // seconds by which its clock is
	together     gate          // for sign-ins that begin
	given        atomic.Int64  // browser values
	late         time.Duration // by which answers of /login come at most
}

// gate lets requests pass when so many wait.
type gate struct {
	wants   int
	waiting atomic.Int64
	opened  chan struct{}
}

func (g *gate) pass() {
	if g.wants == 0 {
		return
	}
	if g.waiting.Add(1) == int64(g.wants) {
		close(g.opened)
	}
	<-g.opened
}

const deployedPage = `<!doctype html><title>app</title><link rel="icon" href="data:,"><script type="module">
import { createClient } from "%s/auth/client/tabard.js";
globalThis.tabard = createClient();
</script>`

// deploy serves one or more servers on one port, each below a base of its own.
func deploy(t testing.TB, bases ...string) []*deployed {
	t.Helper()
	mux, origin := http.NewServeMux(), serve(t, nil)
	var all []*deployed
	for _, base := range bases {
		d := &deployed{TB: t, origin: origin.address, base: base, person: "alice"}
		all = append(all, d)
		backend := d.backend()
		mux.HandleFunc(base+"/auth/", func(w http.ResponseWriter, r *http.Request) {
			begins := strings.HasSuffix(r.URL.Path, "/login")
			if begins {
				d.together.pass()
			}
			backend.ServeHTTP(w, r)
			if begins && d.late > 0 { // the answer is short enough to wait in a buffer
				<-time.After(rand.N(d.late))
			}
			for _, cookie := range w.Header()["Set-Cookie"] {
				if strings.Contains(cookie, "-login.") && !strings.Contains(cookie, "Max-Age=0") {
					d.given.Add(1)
				}
			}
		})
		mux.HandleFunc(base+"/", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, deployedPage, base)
		})
	}
	origin.handler = mux
	return all
}

// served is a server of the test's on a port of its own.
type served struct {
	address string
	handler http.Handler
}

func serve(t testing.TB, handler http.Handler) *served {
	t.Helper()
	port := ports.Hold(t)
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	s := &served{fmt.Sprintf("http://localhost:%d", port), handler}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) })}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return s
}

func (d *deployed) now() time.Time {
	return time.Now().Add(time.Duration(d.ahead.Load()) * time.Second)
}

func (d *deployed) publicURL() string { return d.origin + d.base + "/auth" }

func (d *deployed) backend() http.Handler {
	d.Helper()
	issuer, own := d.startProvider(), d.startProvider()
	store, err := sqlite.Open(d.Context(), lite.NewFile(d))
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() { store.Close() })
	member := func(sub string) directory.Member {
		return directory.Member{User: directory.User{Issuer: issuer, Subject: sub}, Roles: []string{"viewer"}}
	}
	_, err = store.Apply(d.Context(), directory.Desired{
		Workspace: directory.Workspace{
			Apps:  []directory.App{{ID: "web", Name: "Web", Origins: []string{d.origin}, Audience: d.origin + "/api"}},
			Roles: map[string][]string{"viewer": {"notes:read"}},
		},
		Organizations: []directory.DesiredOrganization{{
			Organization: directory.Organization{ID: "org_acme", Slug: "acme", Name: "Acme"}, Members: []directory.Member{member("alice"), member("bob")},
		}},
	}, time.Now().Unix())
	if err != nil {
		d.Fatal(err)
	}
	secret, _ := signingkey.NewSecret()
	const connection = "con_acme"
	err = store.CreateConnection(d.Context(), directory.Connection{
		ID: connection, OrganizationID: "org_acme", Issuer: own, ClientID: logintest.ClientID, Provisioning: directory.Provisioning{JustInTime: true},
		SealedSecret: secret.Sealer(signingkey.ForConnections).Seal([]byte(logintest.ClientSecret), connection),
	}, time.Now().Unix())
	if err == nil {
		err = store.EnableConnection(d.Context(), "org_acme", connection)
	}
	if err != nil {
		d.Fatal(err)
	}
	handler, err := host.New(host.Config{
		PublicURL: d.publicURL(), Secret: secret, Now: d.now, Client: js.Handler(),
		Tenants: login.NewTransport(true), LoopbackConnections: true,
		Provider: login.Config{Issuer: issuer, ClientID: logintest.ClientID, ClientSecret: logintest.ClientSecret},
	}, store)
	if err != nil {
		d.Fatal(err)
	}
	return handler
}

// startProvider starts a provider that remembers the person, and takes its time. It
// returns its issuer.
func (d *deployed) startProvider() string {
	d.Helper()
	served := serve(d, nil)
	issuer := strings.Replace(served.address, "localhost", "127.0.0.1", 1) // another site
	provider := logintest.New(d, issuer)
	provider.Now = d.now
	served.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/authorize" {
			provider.ServeHTTP(w, r)
			return
		}
		<-time.After(d.slow)
		back := provider.SignIn(issuer+r.URL.String(), d.person)
		http.Redirect(w, r, r.URL.Query().Get("redirect_uri")+"?"+back.Encode(), http.StatusSeeOther)
	})
	return issuer
}

// signInAt begins a sign-in at the address where a tab is, and waits until it is back
// there with a token.
func signInAt(t testing.TB, tab context.Context) {
	t.Helper()
	address := chrome.Eval[string](t, tab, `location.href`)
	chrome.Eval[any](t, tab, `(globalThis.before = true, void tabard.signIn())`)
	awaitBack(t, tab, address)
}

func awaitBack(t testing.TB, tab context.Context, address string) {
	t.Helper()
	chrome.Await(t, tab, `!globalThis.before && globalThis.tabard?.state.status === "active"`)
	if got := chrome.Eval[string](t, tab, `location.href`); got != address {
		t.Errorf("back at %.200q, want %.200q", got, address)
	}
}

// cookieBytes are the bytes of the cookies that a tab's browser sends with each request.
func cookieBytes(t testing.TB, tab context.Context, address string) (bytes int) {
	t.Helper()
	for _, c := range chrome.Cookies(t, tab, address) {
		bytes += len(c.Name) + len(c.Value) + 3
	}
	return bytes
}

// beginAt are the addresses where a sign-in begins: one of each kind.
var beginAt = []string{
	"/customers/o'neil", `/list?filter={"a":1}`, "/?q=^a", "/#/map?view={x}", `/files?path=C:\dir`, "/münchen/größe", "/a b/c d?e f#g h", "/a%20b?c%20d",
	"/?&&", "/x/../y/./z", "/%2F%5C%00?%zz", "/?next=https://evil.test/#//evil.test", `/list?filter={"name":"` + strings.Repeat("ü", 900) + `"}#{x}`,
}

// TestSignIn_FromAnyAddress: the person returns to exactly the address where the
// sign-in began. TestSignIn_FromEveryAddress has more of them.
func TestSignIn_FromAnyAddress(t *testing.T) {
	t.Parallel()
	signInFrom(t, beginAt)
}

func signInFrom(t *testing.T, addresses []string) {
	t.Helper()
	d := deploy(t, "")[0]
	tab := chrome.New(t)
	for _, address := range addresses {
		chrome.Eval[any](t, tab, `(globalThis.before = true, null)`)
		chrome.Go(t, tab, d.origin+address)
		chrome.Await(t, tab, `globalThis.tabard && tabard.state.status !== "starting"`)
		signInAt(t, tab)
		if got := chrome.Eval[string](t, tab, `Object.keys(sessionStorage).filter((k) => k.includes(":return:")).join()`); got != "" {
			t.Errorf("%.60q left %s in the tab", address, got)
		}
	}
	if size := cookieBytes(t, tab, d.origin); size > 2560 {
		t.Errorf("the browser carries %d bytes", size)
	}
}

// beginning is a way in which tabs without a session begin to sign in.
type beginning struct {
	script string
	late   bool // the answers
}

const (
	byClient = `void tabard.signIn()`
	byLink   = `void (location.href = "/auth/login?return_to=" + encodeURIComponent(location.href))`
)

func (b beginning) inTwelveTabs(t *testing.T) {
	d := deploy(t, "")[0]
	d.slow = 1500 * time.Millisecond
	d.together = gate{wants: 6, opened: make(chan struct{})} // Chromium has six connections to a host
	if b.late {
		d.slow, d.late = 20*time.Millisecond, 300*time.Millisecond
	}
	tabs := []context.Context{chrome.Guest(t)}
	for len(tabs) < 12 {
		tabs = append(tabs, chrome.Tab(t, tabs[0]))
	}
	for i, tab := range tabs {
		chrome.Go(t, tab, fmt.Sprintf("%s/tab-%d?q={%d}", d.origin, i, i))
		chrome.Await(t, tab, `globalThis.tabard?.state.status === "signed_out"`)
	}
	for _, tab := range tabs {
		chrome.Eval[any](t, tab, `(globalThis.before = true, `+b.script+`)`)
	}
	for i, tab := range tabs {
		awaitBack(t, tab, fmt.Sprintf("%s/tab-%d?q={%d}", d.origin, i, i))
	}
	if size := cookieBytes(t, tabs[0], d.origin); size > 2560 {
		t.Errorf("the browser carries %d bytes", size)
	}
	if given := d.given.Load(); given < 2 {
		t.Errorf("%d browser values were given: no attempt had to begin anew", given)
	}
}

// TestSignIn_TwoServersOnOneHost: two servers, on two ports or below two paths of one
// host, leave each other's cookies alone for some hours, and in
// TestSignIn_TwoServersForADay for 24.
func TestSignIn_TwoServersOnOneHost(t *testing.T) {
	t.Parallel()
	twoServers(t, 2)
}

func twoServers(t *testing.T, hours int) {
	t.Helper()
	for name, servers := range map[string]func(*testing.T) []*deployed{
		"two ports": func(t *testing.T) []*deployed { return append(deploy(t, ""), deploy(t, "")...) },
		"two paths": func(t *testing.T) []*deployed { return deploy(t, "", "/staging") },
	} {
		t.Run(name, func(t *testing.T) {
			all := servers(t)
			one, two := all[0], all[1]
			two.person = "bob"
			tabs := []context.Context{chrome.Guest(t)}
			tabs = append(tabs, chrome.Tab(t, tabs[0]))
			opens := func(i int, status string) {
				t.Helper()
				chrome.Go(t, tabs[i], all[i].origin+all[i].base+"/notes")
				chrome.Await(t, tabs[i], fmt.Sprintf(`globalThis.tabard?.state.status === %q`, status))
			}
			serves := func(i int) {
				t.Helper()
				want := fmt.Sprint(all[i].publicURL(), " ", strings.ToUpper(all[i].person))
				got := chrome.Eval[string](t, tabs[i], `tabard.getToken().then((token) => JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).iss + " " + tabard.state.user.name)`)
				if got != want {
					t.Errorf("a token of %s, want %s", got, want)
				}
			}
			opens(0, "signed_out")
			signInAt(t, tabs[0])
			opens(1, "signed_out") // no session ended
			serves(0)
			signInAt(t, tabs[1])
			for range hours {
				one.ahead.Add(3500)
				two.ahead.Add(3500)
				for i := range all {
					chrome.Reload(t, tabs[i])
					chrome.Await(t, tabs[i], `globalThis.tabard?.state.status === "active"`)
					serves(i)
				}
				if size := cookieBytes(t, tabs[0], one.origin); size > 2560 {
					t.Fatalf("the browser carries %d bytes", size)
				}
			}
			chrome.Eval[any](t, tabs[1], `tabard.signOut().then(() => null)`)
			chrome.Reload(t, tabs[0])
			chrome.Await(t, tabs[0], `globalThis.tabard?.state.status === "active"`)
			serves(0)
			opens(1, "signed_out")
			signInAt(t, tabs[1])
			serves(1)
			serves(0)
		})
	}
}
