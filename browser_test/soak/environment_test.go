//go:build long

package main

import (
	"database/sql"
	"embed"
	"encoding/json"
	"html/template"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/js"
)

//go:embed page.html
var pages embed.FS

var page = template.Must(template.ParseFS(pages, "page.html"))

// environment is what one run lives in: a page and its API on one origin, the bad
// network, the backend behind it, and the clock.
type environment struct {
	t       *testing.T
	keyless bool
	scale   float64 // speed of the backend's and the pages' clocks relative to the wall clock
	began   time.Time
	origin  string
	network *network
	events  *events
	server  *contract.Server // the server's program, nil where the backend runs in this process
	db      *sql.DB
	api     *resource.Guard

	mu      sync.Mutex
	skipped time.Duration // sum of the calls of pass
	seen    int64         // the last generation seen
	back    int           // how often the generation went back: a crash restored the old cookie
}

// fastEnvironment runs the backend in this process, with a clock that is scale times faster
// than the wall clock. The pages' clocks and timers and the network's delays are as
// fast, so that in the backend's seconds each step takes its normal time: the client
// gives a request up after 20 of them, a proof is valid for 30, the token rotates after
// 240. The machine itself is no faster: at a scale of 8 a request may take 2.5 s of the
// wall clock, and an answer that the client gave up has 1.25 s to end. The browser does
// not write its cookies to the disk any faster either, so here it never
// crashes.
func fastEnvironment(t *testing.T, keyless bool, scale float64) *environment {
	env := newEnvironment(t, keyless, scale)
	publicURL := env.origin + "/auth"
	database := filepath.Join(t.TempDir(), "tabard.db")
	store, err := sqlite.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	issuer := contract.Provider(t, publicURL, env.origin)
	if _, err := store.Apply(t.Context(), contract.Desired(issuer, env.origin), env.now().Unix()); err != nil {
		t.Fatal(err)
	}
	secret, _ := signingkey.NewSecret()
	backend, err := host.New(host.Config{
		PublicURL: publicURL, Secret: secret, Client: js.Handler(), Now: env.now,
		Provider: login.Config{Issuer: issuer, ClientID: contract.ClientID, ClientSecret: contract.ClientSecret},
	}, store)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(backend)
	t.Cleanup(server.Close)
	env.open(server.URL, database)
	return env
}

// realEnvironment runs the server's program with the wall clock.
func realEnvironment(t *testing.T, keyless bool) *environment {
	env := newEnvironment(t, keyless, 1)
	env.server = contract.StartServerBehind(t, env.origin)
	env.open("http://"+env.server.Listen, env.server.Database[len("sqlite:"):])
	return env
}

func newEnvironment(t *testing.T, keyless bool, scale float64) *environment {
	t.Helper()
	if !js.Built() {
		t.Fatal("the browser module is not built: go run ./js/build")
	}
	env := &environment{t: t, keyless: keyless, scale: scale, began: time.Now().Round(0), network: newNetwork(scale, *seed), events: newEvents()}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	env.origin = "http://localhost:" + port
	site := http.NewServeMux()
	site.HandleFunc("GET /t/{tab}", env.page)
	site.HandleFunc("GET /favicon.ico", http.NotFound)
	site.HandleFunc("GET /api/whoami", env.whoami)
	site.HandleFunc("POST /soak/events", env.events.receive)
	site.Handle("/auth/", env.network)
	front := &http.Server{Handler: site}
	go front.Serve(listener)
	t.Cleanup(func() { front.Close() })
	return env
}

// open gives the environment the addresses of its backend and of its database.
func (env *environment) open(backend, database string) {
	env.t.Helper()
	env.network.backend = backend
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: database}).EscapedPath()+"?_pragma=busy_timeout(10000)")
	if err != nil {
		env.t.Fatal(err)
	}
	env.t.Cleanup(func() { db.Close() })
	env.db = db
	verifier, err := token.NewVerifier(token.Config{
		Issuer: env.origin + "/auth", Audience: env.origin + "/api", Now: env.now,
		Keys: token.NewKeySet(backend+"/auth/.well-known/jwks.json", nil),
	})
	if err != nil {
		env.t.Fatal(err)
	}
	if env.api, err = resource.NewGuard(verifier, resource.Config{}); err != nil {
		env.t.Fatal(err)
	}
}

// now returns the backend's time.
func (env *environment) now() time.Time {
	env.mu.Lock()
	defer env.mu.Unlock()
	return env.began.Add(env.skipped + time.Duration(float64(time.Since(env.began))*env.scale))
}

// wallTime converts a duration of the backend's time to wall time.
func (env *environment) wallTime(d time.Duration) time.Duration {
	return time.Duration(float64(d) / env.scale)
}

// pass lets time pass while the person is away: no request is under way, and none is
// sent. The program's clock cannot be moved, so there the session's row is made that
// much older instead. The verdict is the same: issued successors look younger, and only
// a thief's redemption is refused because of their age.
func (env *environment) pass(d time.Duration) {
	env.network.whileIdle(func() {
		if env.server == nil {
			env.mu.Lock()
			defer env.mu.Unlock()
			env.skipped += d
			return
		}
		if _, err := env.db.Exec("UPDATE sessions SET cur_at = cur_at - ?1, cur_last = cur_last - ?1", int64(d/time.Second)); err != nil {
			env.t.Error(err)
		}
	})
}

func (env *environment) page(out http.ResponseWriter, r *http.Request) {
	out.Header().Set("Content-Type", "text/html; charset=utf-8")
	page.Execute(out, map[string]any{
		"tab": r.PathValue("tab"), "scale": env.scale, "epoch": env.began.UnixMilli(), "keyless": env.keyless,
	})
}

// whoami is the API: it returns the person and the organization of the token, and
// compares them with the tab's own at the time of the call.
func (env *environment) whoami(out http.ResponseWriter, r *http.Request) {
	claims, err := env.api.VerifyRequest(r)
	if err != nil {
		resource.Refuse(out, err)
		return
	}
	env.events.calls.Add(1)
	if worn := r.Header.Get("Soak-Worn"); worn != "" && worn != claims.OrganizationID {
		env.events.fault("api", "a tab that wears "+worn+" sent a token of "+claims.OrganizationID)
	}
	out.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(out).Encode(map[string]string{"organization": claims.OrganizationID})
}

// row is the store's row of the person's session.
type row struct {
	id             string
	gen, rollbacks int64
	revoked        sql.NullInt64
	reason         sql.NullString
	bound          bool
}

// session returns the person's only session.
func (env *environment) session() row {
	env.t.Helper()
	var r row
	var all int
	err := env.db.QueryRow("SELECT count(*), id, gen, rollbacks, revoked_at, revoke_reason, jkt <> '' FROM sessions").
		Scan(&all, &r.id, &r.gen, &r.rollbacks, &r.revoked, &r.reason, &r.bound)
	if err != nil || all != 1 {
		env.t.Fatalf("there are %d sessions (%v)", all, err)
	}
	env.mu.Lock()
	defer env.mu.Unlock()
	if r.gen < env.seen {
		env.back++
	}
	env.seen = r.gen
	return r
}

// audited returns the number of audit events of an action.
func (env *environment) audited(action string) (n int) {
	env.t.Helper()
	if err := env.db.QueryRow("SELECT count(*) FROM audit WHERE action = ?", action).Scan(&n); err != nil {
		env.t.Fatal(err)
	}
	return n
}

// refusals counts the refused proofs by reason.
func (env *environment) refusals() map[string]int {
	env.t.Helper()
	rows, err := env.db.Query("SELECT reason, count(*) FROM audit WHERE action = 'proof.refused' GROUP BY reason")
	if err != nil {
		env.t.Fatal(err)
	}
	defer rows.Close()
	by := map[string]int{}
	for rows.Next() {
		var reason string
		var n int
		if err := rows.Scan(&reason, &n); err != nil {
			env.t.Fatal(err)
		}
		by[reason] = n
	}
	if err := rows.Err(); err != nil {
		env.t.Fatal(err)
	}
	return by
}
