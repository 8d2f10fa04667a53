package browserapi_test

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/host/metrics"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// The addresses. The second app is on a sibling host of the same site, the provider on
// another site.
const (
	origin    = "http://localhost:8080"
	publicURL = origin + "/auth"
	sibling   = "http://localhost:9000"
	issuer    = "http://127.0.0.1:8081"
)

// world is a backend with its environment, in one process.
type world struct {
	stored
	provider *logintest.Provider
	hosts    httpbrowser.Hosts
	through  host.Store // the store that the backend uses
	logged   *lockedBuffer
	counted  *metrics.Metrics    // nil without metrics
	relies   func(*login.Config) // configures the relying party; may be nil
}

// stored is the database, with changes by administrators and the clean-up.
type stored struct {
	answers
	store  *sqlstore.Store
	file   string // the database
	secret signingkey.Secret
	*clock
}

// answers checks answers to browsers.
type answers struct{ testing.TB }

// clock is a clock that only moves in tests.
type clock struct {
	mu   sync.Mutex
	time time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.time
}

// pass advances the clock.
func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.time = c.time.Add(d)
}

// newWorld starts a backend. wrap, if not nil, wraps its store.
func newWorld(t testing.TB, wrap func(host.Store) host.Store) *world {
	t.Helper()
	w := &world{logged: &lockedBuffer{}, stored: stored{
		answers: answers{t}, clock: &clock{time: time.Now().Truncate(time.Second)}, file: lite.NewFile(t),
	}}
	w.secret, _ = signingkey.NewSecret()
	var err error
	if w.store, err = sqlite.Open(t.Context(), w.file); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	w.apply(desired())
	w.provider = logintest.New(t, issuer)
	w.provider.Now = w.now
	w.hosts = httpbrowser.Hosts{"127.0.0.1:8081": w.provider}
	if w.through = w.store; wrap != nil {
		w.through = wrap(w.store)
	}
	w.restart()
	return w
}

// failing puts a store that can fail between the backend and its database.
func (w *world) failing() *lite.Faulty {
	w.Helper()
	faulty := lite.OpenFaulty(w, w.file)
	w.through = faulty
	w.restart()
	return faulty
}

// restart replaces the backend by a new one with empty caches.
func (w *world) restart() {
	w.Helper()
	w.hosts["localhost:8080"] = w.backend(publicURL, w.through)
}

// backend returns the handler of a backend at that URL.
func (w *world) backend(public string, store host.Store) http.Handler {
	w.Helper()
	var log slog.Handler = slog.NewJSONHandler(w.logged, &slog.HandlerOptions{Level: slog.LevelDebug})
	if w.counted != nil {
		log, store = w.counted.Log(log), w.counted.Store(store)
	}
	relies := login.Config{Issuer: issuer, ClientID: logintest.ClientID, ClientSecret: logintest.ClientSecret, Transport: w.hosts}
	if w.relies != nil {
		w.relies(&relies)
	}
	handler, err := host.New(host.Config{
		PublicURL: public, Secret: w.secret, Now: w.now,
		Log:      slog.New(log),
		Provider: relies,
		Tenants:  w.hosts, LoopbackConnections: public == publicURL,
	}, store)
	if err != nil {
		w.Fatal(err)
	}
	if w.counted != nil {
		return w.counted.Count(handler)
	}
	return handler
}

// inSubtest returns the same world for a subtest.
func (w *world) inSubtest(t testing.TB) *world {
	other := *w
	other.TB = t
	return &other
}

func (w *stored) apply(d directory.Desired) {
	w.Helper()
	if _, err := w.store.Apply(context.WithoutCancel(w.Context()), d, w.now().Unix()); err != nil {
		w.Fatal(err)
	}
}

// desired returns the directory: alice is in three organizations, bob in one, zoe in
// none. hooli and the app "old" are disabled.
func desired() directory.Desired {
	member := func(sub string, roles ...string) directory.Member {
		return directory.Member{User: directory.User{Issuer: issuer, Subject: sub}, Roles: roles}
	}
	organization := func(slug, name string, members ...directory.Member) directory.DesiredOrganization {
		return directory.DesiredOrganization{
			Organization: directory.Organization{ID: "org_" + slug, Slug: slug, Name: name, Disabled: slug == "hooli"}, Members: members,
		}
	}
	return directory.Desired{
		Workspace: directory.Workspace{
			Apps: []directory.App{
				{ID: "web", Name: "Web", Origins: []string{origin}, Audience: origin + "/api"},
				{ID: "desk", Name: "Desk", Origins: []string{sibling}, Audience: sibling + "/api"},
				{ID: "old", Name: "Old", Origins: []string{"http://localhost:9001"}, Audience: "old", Disabled: true},
			},
			Roles: map[string][]string{"admin": {"notes:write", "notes:read"}, "viewer": {"notes:read"}},
		},
		Organizations: []directory.DesiredOrganization{
			organization("acme", "Acme", member("alice", "admin", "viewer"), member("bob", "viewer")),
			organization("globex", "Globex", member("alice", "viewer")),
			organization("initech", "Initech", member("alice")),
			organization("umbrella", "Umbrella"),
			organization("hooli", "Hooli", member("alice", "admin")),
		},
	}
}

// browser returns a browser at the app web.
func (w *world) browser() *httpbrowser.Browser { return w.browserOf(origin) }

func (w *world) browserOf(page string) *httpbrowser.Browser {
	b := httpbrowser.New(w, page, publicURL)
	b.Transport, b.Now = w.hosts, w.now
	return b
}

// signedIn returns a browser in which a user has signed in.
func (w *world) signedIn(person string) *httpbrowser.Browser {
	w.Helper()
	b := w.browser()
	w.signIn(b, person)
	return b
}

func (w *world) signIn(b *httpbrowser.Browser, person string) {
	w.Helper()
	before := len(b.Cookies())
	if b.SignIn(person); len(sessionCookies(b)) == 0 || len(b.Cookies()) == before {
		w.Fatalf("%s is not signed in: the browser keeps %v\n%s", person, b.Cookies(), w.logged)
	}
}

// sessionCookies returns the browser's session cookies by name.
func sessionCookies(b *httpbrowser.Browser) map[string]string {
	all := b.Cookies()
	for name := range all {
		if strings.HasPrefix(name, "__Host-Http-tabard-login.") {
			delete(all, name)
		}
	}
	return all
}

// theSession returns the browser's only session cookie.
func (w *answers) theSession(b *httpbrowser.Browser) (name, value string) {
	w.Helper()
	all := sessionCookies(b)
	if len(all) != 1 {
		w.Fatalf("the browser keeps %v, want one session", all)
	}
	for name, value = range all {
	}
	return name, value
}

// mint enters an organization and returns the answer.
func (w *world) mint(b *httpbrowser.Browser, organization string) api.TokenResponse {
	w.Helper()
	answer := b.Post("/token", `{"organization":"`+organization+`","enter":true}`)
	if answer.Status != http.StatusOK {
		w.Fatalf("minting for %s: %d %s\n%s", organization, answer.Status, answer.Body, w.logged)
	}
	var minted api.TokenResponse
	answer.JSON(w, &minted)
	return minted
}

// wants fails the test unless the answer is an error with this status and code, in JSON
// or as a page.
func (w *answers) wants(got httpbrowser.Response, status int, code api.Code) {
	w.Helper()
	page := strings.Contains(got.Body, "<small>"+string(code)+"</small>")
	if got.Status != status || (got.Code() != string(code) && !page) {
		w.Errorf("%d %q, want %d %q", got.Status, got.Body, status, code)
	}
}

// cleared returns the names of the cookies that an answer clears.
func cleared(r httpbrowser.Response) []string {
	var names []string
	for _, c := range r.Cookies() {
		if c.MaxAge < 0 {
			names = append(names, c.Name)
		}
	}
	return names
}

// lockedBuffer is a log buffer for concurrent use.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// remove ends a user's membership in acme.
func (w *stored) remove(person string) {
	w.change(`DELETE FROM memberships WHERE organization_id = 'org_acme' AND user_id = (SELECT id FROM users WHERE sub = ?)`, person)
}

// disable disables a user.
func (w *stored) disable(person string) {
	w.change(`UPDATE users SET disabled_at = 1 WHERE sub = ?`, person)
}

// change runs a statement on the database.
func (w *stored) change(statement string, args ...any) {
	w.Helper()
	db := w.database()
	defer db.Close()
	if result, err := db.Exec(statement, args...); err != nil {
		w.Fatal(err)
	} else if n, _ := result.RowsAffected(); n == 0 {
		w.Fatal("nothing changed")
	}
}

// count returns the number that a query selects.
func (w *stored) count(query string) (n int) {
	w.Helper()
	db := w.database()
	defer db.Close()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}

func (w *stored) database() *sql.DB {
	w.Helper()
	db, err := sql.Open("sqlite", "file:"+w.file)
	if err != nil {
		w.Fatal(err)
	}
	return db
}
