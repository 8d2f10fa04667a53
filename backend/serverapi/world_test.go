package serverapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

const (
	origin    = "http://localhost:8080"
	publicURL = origin + "/auth"

	reportsOrigin = "http://localhost:8090"
	issuer        = "http://127.0.0.1:8081"
)

// world is a backend with everything around it, in one process.
type world struct {
	testing.TB
	store    *sqlstore.Store
	file     string // the database
	secret   signingkey.Secret
	provider *logintest.Provider
	hosts    httpbrowser.Hosts
	service  *admin.Service
	logged   *bytes.Buffer
	// whole and acme are keys to the workspace and to one organization.
	whole, acme string

	mu   sync.Mutex
	time time.Time
}

// commandLine is who makes the first keys.
var commandLine = admin.Actor{ID: audit.CommandLine, Name: "root"}

// newWorld starts a backend; wrap, where it is not nil, stands between it and its
// store.
func newWorld(t testing.TB, wrap func(host.Store) host.Store) *world {
	t.Helper()
	w := &world{TB: t, time: time.Now().Truncate(time.Second), logged: &bytes.Buffer{}, file: lite.NewFile(t)}
	w.secret, _ = signingkey.NewSecret()
	var err error
	if w.store, err = sqlite.Open(t.Context(), w.file); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	w.must(w.store.Apply(t.Context(), desired(), w.time.Unix()))
	w.service = admin.New(admin.Config{Store: w.store, Secret: w.secret, Now: w.now})
	w.provider = logintest.New(t, issuer)
	w.provider.Now = w.now
	through := host.Store(w.store)
	if wrap != nil {
		through = wrap(w.store)
	}
	w.hosts = httpbrowser.Hosts{"127.0.0.1:8081": w.provider}
	w.serve(through)
	w.whole, w.acme = w.key("the workspace's", ""), w.key("acme's", "acme")
	return w
}

// failing puts a store that can fail between the backend and its database.
func (w *world) failing() *lite.Faulty {
	w.Helper()
	faulty := lite.OpenFaulty(w, w.file)
	w.serve(faulty)
	return faulty
}

// serve puts a new backend in the old one's place.
func (w *world) serve(store host.Store) {
	w.Helper()
	handler, err := host.New(host.Config{
		PublicURL: publicURL, Secret: w.secret, Now: w.now,
		Log:      slog.New(slog.NewJSONHandler(w.logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Provider: login.Config{Issuer: issuer, ClientID: logintest.ClientID, ClientSecret: logintest.ClientSecret, Transport: w.hosts},
	}, store)
	if err != nil {
		w.Fatal(err)
	}
	w.hosts["localhost:8080"] = handler
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

func (w *world) must(_ any, err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// key makes a key from the command line.
func (w *world) key(name, organization string) string {
	w.Helper()
	k, err := w.service.CreateKey(w.Context(), commandLine, admin.NewKey{Name: name, Organization: organization})
	w.must(k, err)
	return k.Secret
}

// desired is the directory: alice and bob are in acme, alice is in globex too.
func desired() directory.Desired {
	member := func(sub string, roles ...string) directory.Member {
		return directory.Member{User: directory.User{Issuer: issuer, Subject: sub, Name: strings.ToUpper(sub)}, Roles: roles}
	}
	organization := func(slug, name string, members ...directory.Member) directory.DesiredOrganization {
		return directory.DesiredOrganization{Organization: directory.Organization{ID: "org_" + slug, Slug: slug, Name: name}, Members: members}
	}
	return directory.Desired{
		Workspace: directory.Workspace{
			Apps: []directory.App{
				{ID: "web", Name: "Web", Origins: []string{origin}, Audience: origin + "/api"},
				{ID: "reports", Name: "Reports", Origins: []string{reportsOrigin}, Audience: reportsOrigin + "/api"},
			},
			Roles: map[string][]string{"editor": {"notes:write", "notes:read"}, "viewer": {"notes:read"}},
		},
		Organizations: []directory.DesiredOrganization{
			organization("acme", "Acme", member("alice", "editor"), member("bob", "viewer")),
			organization("globex", "Globex", member("alice", "viewer")),
		},
	}
}

// answer is what the API answered.
type answer struct {
	Status int
	Header http.Header
	Body   string
}

func (a answer) code() string {
	var e api.Error
	json.Unmarshal([]byte(a.Body), &e)
	return string(e.Code)
}

func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), v); err != nil {
		t.Fatalf("%v: %s", err, a.Body)
	}
}

// request is a request of the API before it is sent.
func (w *world) request(method, path, body, key string) *http.Request {
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, publicURL+"/admin/v1"+path, content)
	r.RemoteAddr = "192.0.2.1:1234"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	return r
}

// send sends a request, and holds it and its answer against the document.
func (w *world) send(r *http.Request) answer {
	w.Helper()
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	recorder := httptest.NewRecorder()
	w.hosts["localhost:8080"].ServeHTTP(recorder, r)
	got := answer{recorder.Code, recorder.Header(), recorder.Body.String()}
	describes(w, r, body, got)
	return got
}

func (w *world) ask(method, path, body, key string) answer {
	w.Helper()
	return w.send(w.request(method, path, body, key))
}

// does asks for something that is answered with success, and reads the answer.
func (w *world) does(method, path, body, key string, into any) {
	w.Helper()
	got := w.ask(method, path, body, key)
	if got.Status >= 300 {
		w.Fatalf("%s %s: %d %s\n%s", method, path, got.Status, got.Body, w.logged)
	}
	if into != nil {
		got.into(w, into)
	}
}

// wants fails the test unless an answer is the error of that status and code.
func (w *world) wants(got answer, status int, code api.Code) {
	w.Helper()
	if got.Status != status || got.code() != string(code) {
		w.Errorf("%d %s, want %d %q", got.Status, got.Body, status, code)
	}
}

// signedIn returns a browser in which a person has signed in.
func (w *world) signedIn(person string) *httpbrowser.Browser {
	w.Helper()
	b := httpbrowser.New(w, origin, publicURL)
	b.Transport, b.Now = w.hosts, w.now
	b.SignIn(person)
	return b
}

// mint asks for an organization's token, as a person who enters it.
func (w *world) mint(b *httpbrowser.Browser, organization string) httpbrowser.Response {
	return b.Post("/token", `{"organization":"`+organization+`","enter":true}`)
}

// renew asks for an organization's token, as a tab in the background does.
func (w *world) renew(b *httpbrowser.Browser, organization string) httpbrowser.Response {
	return b.Post("/token", `{"organization":"`+organization+`"}`)
}

// minted fails the test unless a token was minted.
func (w *world) minted(got httpbrowser.Response) api.TokenResponse {
	w.Helper()
	var response api.TokenResponse
	if got.Status != http.StatusOK {
		w.Fatalf("%d %s", got.Status, got.Body)
	}
	got.JSON(w, &response)
	return response
}

// refused fails the test unless a mint was refused with one of the codes.
func (w *world) refused(got httpbrowser.Response, code api.Code) {
	w.Helper()
	if got.Code() != string(code) || strings.Contains(got.Body, "eyJ") {
		w.Errorf("%d %s, want %s", got.Status, got.Body, code)
	}
}

// userID is the id of a person who signed in or is a member.
func (w *world) userID(sub string) string {
	w.Helper()
	u, err := w.store.EnsureUser(w.Context(), directory.User{ID: directory.NewID("usr_"), Issuer: issuer, Subject: sub}, w.now().Unix())
	w.must(u, err)
	return u.ID
}

// trail is the whole audit trail, the newest first.
func (w *world) trail() []audit.Event {
	w.Helper()
	all, err := w.store.Events(w.Context(), audit.Query{Limit: 1000})
	w.must(all, err)
	return all
}
