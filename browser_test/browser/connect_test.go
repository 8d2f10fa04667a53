package browser

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/resource/hold"
	"github.com/tabard-auth/tabard/backend/resource/hold/coderws"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// live is an API with WebSockets on an origin of its own, which follows the feed of
// endings.
type live struct {
	*demo.Demo
	server *httptest.Server
	over   chan ending // of each connection's context

	mu  sync.Mutex
	log strings.Builder // the addresses and headers of requests, and the guard's records
}

type ending struct {
	at    time.Time
	cause error
}

// Write is the API's log.
func (l *live) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.Write(p)
}

// liveDemo runs the demo, with a page that connects to the API and an Acme where sessions
// soon idle out.
func liveDemo(t *testing.T) *live {
	t.Helper()
	l := &live{over: make(chan ending, 10)}
	var handler http.Handler
	l.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(l, r.URL, r.Header)
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(l.server.Close)
	folder := t.TempDir()
	program.Write(t, filepath.Join(folder, "index.html"), `<!doctype html><html lang="en"><meta charset="utf-8"><title>page</title><link rel="icon" href="data:,">
<button id="sign-in">Sign in</button><script type="module" src="/main.js"></script></html>`)
	program.Write(t, filepath.Join(folder, "main.js"), `import { createClient } from "/auth/client/tabard.js";
globalThis.tabard = createClient({ backend: "/auth", apis: ["`+l.server.URL+`"] });
document.getElementById("sign-in").onclick = () => tabard.signIn();
globalThis.openLive = async () => {
	globalThis.ending = undefined;
	globalThis.socket = await tabard.connect("`+l.server.URL+`/live");
	socket.onclose = ({ code, reason }) => (globalThis.ending = { at: Date.now(), code, reason });
	return new Promise((answer) => {
		socket.onmessage = ({ data }) => answer(data);
		socket.send("hello");
	});
};
`)
	l.Demo = demo.StartWith(t, folder)
	l.Apply(t, strings.Replace(l.Workspace(t), "name: Acme Corporation\n", "name: Acme Corporation\n    policy: {idle_timeout: "+idleTimeout.String()+"}\n", 1))
	handler = l.handler(t)
	return l
}

func (l *live) handler(t *testing.T) http.Handler {
	t.Helper()
	verifier, err := token.NewVerifier(token.Config{
		Issuer: l.Backend, Audience: l.Origin + "/api", Keys: token.NewKeySet(l.Backend+"/.well-known/jwks.json", nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	follower, err := resource.Follow(t.Context(), resource.FollowConfig{
		Verifier: verifier, Key: l.Tabard(t, "keys", "create", "--kind", "events", "--name", "live"),
	})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := resource.NewGuard(verifier, resource.Config{
		Ended: follower.Ended, Ready: follower.Ready,
		Record: resource.LogTo(slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))),
	})
	if err != nil {
		t.Fatal(err)
	}
	holder, err := hold.New(guard, hold.Config{Origins: []string{l.Origin}, Follower: follower})
	if err != nil {
		t.Fatal(err)
	}
	return holder.Handler(resource.Rule{}, coderws.Upgrade, func(c *hold.Conn) {
		for {
			text, body, err := c.Read()
			if err != nil {
				l.over <- ending{time.Now(), err}
				return
			}
			c.Write(text, append(body, " of "+resource.OrganizationFrom(c.Context())...))
		}
	})
}

// opens opens a WebSocket in a tab, which is its organization's.
func (l *live) opens(t *testing.T, tab context.Context, organization string) {
	t.Helper()
	if got := chrome.Eval[string](t, tab, `openLive().catch((e) => e.code + " " + e.message)`); got != "hello of org_"+organization {
		t.Fatalf("in %s: %s", organization, got)
	}
}

// signInAgain signs in at a provider that still knows the person.
func signInAgain(t *testing.T, tab context.Context) {
	t.Helper()
	chrome.Press(t, tab, "#sign-in")
	chrome.Await(t, tab, `globalThis.tabard && ["choose", "active"].includes(tabard.state.status)`)
}

// The ends of a connection: code and reason.
const (
	leftByTheTab  = "4000 organization_left"
	endedByTheAPI = "4401 invalid_token session_ended"
)

// closes expects that both sides are closed within a second of a time, in one of some ways.
func (l *live) closes(t *testing.T, tab context.Context, what string, after time.Time, ways ...string) {
	t.Helper()
	chrome.Await(t, tab, `globalThis.ending`)
	closed := chrome.Eval[struct {
		At     int64
		Code   int
		Reason string
	}](t, tab, `ending`)
	select {
	case api := <-l.over:
		page := time.UnixMilli(closed.At)
		t.Logf("%s: the page after %v, the API after %v", what, page.Sub(after), api.at.Sub(after))
		if way := fmt.Sprintf("%d %s", closed.Code, closed.Reason); !slices.Contains(ways, way) || page.Sub(after) > time.Second || api.at.Sub(after) > time.Second {
			t.Errorf("%s: %+v; the API: %v", what, closed, api.cause)
		}
	case <-time.After(10 * time.Second):
		t.Errorf("%s: the API goes on", what)
	}
}

// TestP4_ConnectionsEndWithTheOrganization: a WebSocket is closed on both sides within a
// second when its tab leaves the organization, when a session is ended by an
// administrator, signed out of in another tab, or idles out. No log has a token.
func TestP4_ConnectionsEndWithTheOrganization(t *testing.T) {
	t.Parallel()
	l := liveDemo(t)
	tab := chrome.Guest(t)
	example.SignIn(t, l.Demo, tab, "/", "alice")

	switchTo(t, tab, "acme")
	l.opens(t, tab, "acme")
	left := time.Now()
	switchTo(t, tab, "globex")
	l.closes(t, tab, "left", left, leftByTheTab)

	l.opens(t, tab, "globex")
	user := chrome.Eval[string](t, tab, `tabard.state.user.id`)
	l.Tabard(t, "sessions", "end", "--user", user)
	l.closes(t, tab, "revoked", time.Now(), endedByTheAPI)
	chrome.Await(t, tab, `tabard.state.status === "signed_out"`)

	signInAgain(t, tab)
	switchTo(t, tab, "globex")
	l.opens(t, tab, "globex")
	other := chrome.Tab(t, tab)
	chrome.Go(t, other, l.Origin)
	chrome.Await(t, other, `globalThis.tabard && ["choose", "active"].includes(tabard.state.status)`)
	signedOut := time.Now()
	chrome.Eval[any](t, other, `void tabard.signOut()`)
	l.closes(t, tab, "signed out in another tab", signedOut, leftByTheTab, endedByTheAPI) // whichever hears of it first

	signInAgain(t, tab)
	switchTo(t, tab, "acme")
	l.opens(t, tab, "acme")
	expires := chrome.Eval[int64](t, tab, `tabard.getToken().then((token) => JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).exp)`)
	chrome.Await(t, tab, `globalThis.ending`)
	l.closes(t, tab, "idled out", time.Unix(expires, 0), chrome.Eval[string](t, tab, `ending.code + " " + ending.reason`))

	l.mu.Lock()
	defer l.mu.Unlock()
	if log := l.log.String(); strings.Contains(log, "eyJ") || !strings.Contains(log, "access token allowed") {
		t.Errorf("the API's log has a token, or nothing:\n%s", log)
	}
}

// TestConnect_ForeignPage: a page of an origin that the API does not list opens no
// WebSocket.
func TestConnect_ForeignPage(t *testing.T) {
	t.Parallel()
	l := liveDemo(t)
	tab := chrome.Guest(t)
	example.SignIn(t, l.Demo, tab, "/", "alice")
	switchTo(t, tab, "globex")
	raw := chrome.Eval[string](t, tab, `tabard.getToken()`)
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><title>foreign</title><link rel="icon" href="data:,">`)
	}))
	defer foreign.Close()
	other := chrome.Tab(t, tab)
	chrome.Go(t, other, foreign.URL)
	const ask = `new Promise((done) => {
		const socket = new WebSocket(%q, "tabard");
		socket.onopen = () => socket.send(JSON.stringify({ tabard: { token: %q } }));
		socket.onmessage = ({ data }) => done("opened: " + data);
		socket.onclose = ({ code }) => done("closed " + code);
	})`
	address := strings.Replace(l.server.URL, "http", "ws", 1) + "/live"
	if got := chrome.Eval[string](t, other, fmt.Sprintf(ask, address, raw)); got != "closed 1006" {
		t.Errorf("a foreign page: %s", got)
	}
	if got := chrome.Eval[string](t, tab, fmt.Sprintf(ask, address, raw)); !strings.Contains(got, `"organization":"org_globex"`) {
		t.Errorf("the app's own page: %s", got)
	}
}
