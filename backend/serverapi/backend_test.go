package serverapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/browser_test/kit/backendtest"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

const (
	origin        = backendtest.Origin
	publicURL     = backendtest.PublicURL
	reportsOrigin = "http://localhost:8090"
	issuer        = backendtest.Issuer
)

// backend is a backend with its environment, in one process, and keys to it.
type backend struct {
	testing.TB
	*backendtest.Database
	*backendtest.Backend
	service *admin.Service
	// whole and acme are keys to the workspace and to one organization.
	whole, acme string
}

// commandLine is the actor that makes the first keys.
var commandLine = admin.Actor{ID: audit.CommandLine, Name: "root"}

// newBackend starts a backend. wrap, if not nil, wraps its store.
func newBackend(t testing.TB, wrap func(host.Store) host.Store) *backend {
	t.Helper()
	db := backendtest.NewDatabase(t, backendtest.NewClock(time.Now().Truncate(time.Second)), desired())
	w := &backend{TB: t, Database: db, Backend: backendtest.New(t, db, wrap)}
	w.service = admin.New(admin.Config{Store: db.Store, Secret: db.Secret, Now: db.Now})
	w.whole, w.acme = w.key("the workspace's", ""), w.key("acme's", "acme")
	return w
}

func (w *backend) must(_ any, err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// key makes a key from the command line.
func (w *backend) key(name, organization string) string {
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

// answer is the API's answer.
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
func (w *backend) request(method, path, body, key string) *http.Request {
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
func (w *backend) send(r *http.Request) answer {
	w.Helper()
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	recorder := httptest.NewRecorder()
	w.Hosts["localhost:8080"].ServeHTTP(recorder, r)
	got := answer{recorder.Code, recorder.Header(), recorder.Body.String()}
	describes(w, r, body, got)
	return got
}

func (w *backend) ask(method, path, body, key string) answer {
	w.Helper()
	return w.send(w.request(method, path, body, key))
}

// does asks for something that is answered with success, and reads the answer.
func (w *backend) does(method, path, body, key string, into any) {
	w.Helper()
	got := w.ask(method, path, body, key)
	if got.Status >= 300 {
		w.Fatalf("%s %s: %d %s\n%s", method, path, got.Status, got.Body, w.Logged)
	}
	if into != nil {
		got.into(w, into)
	}
}

// wants fails the test unless an answer is the error of that status and code.
func (w *backend) wants(got answer, status int, code api.Code) {
	w.Helper()
	if got.Status != status || got.code() != string(code) {
		w.Errorf("%d %s, want %d %q", got.Status, got.Body, status, code)
	}
}

// signedIn returns a browser in which a person has signed in.
func (w *backend) signedIn(person string) *httpbrowser.Browser {
	w.Helper()
	b := w.Browser(origin)
	b.SignIn(person)
	return b
}

// mint asks for an organization's token, on entering it.
func (w *backend) mint(b *httpbrowser.Browser, organization string) httpbrowser.Response {
	return b.Post("/token", `{"organization":"`+organization+`","enter":true}`)
}

// renew asks for an organization's token, as a tab in the background does.
func (w *backend) renew(b *httpbrowser.Browser, organization string) httpbrowser.Response {
	return b.Post("/token", `{"organization":"`+organization+`"}`)
}

// minted fails the test unless a token was minted.
func (w *backend) minted(got httpbrowser.Response) api.TokenResponse {
	w.Helper()
	var response api.TokenResponse
	if got.Status != http.StatusOK {
		w.Fatalf("%d %s", got.Status, got.Body)
	}
	got.JSON(w, &response)
	return response
}

// refused fails the test unless a mint was refused with one of the codes.
func (w *backend) refused(got httpbrowser.Response, code api.Code) {
	w.Helper()
	if got.Code() != string(code) || strings.Contains(got.Body, "eyJ") {
		w.Errorf("%d %s, want %s", got.Status, got.Body, code)
	}
}

// userID is the id of a user or member.
func (w *backend) userID(sub string) string {
	w.Helper()
	u, err := w.Store.EnsureUser(w.Context(), directory.User{ID: directory.NewID("usr_"), Issuer: issuer, Subject: sub}, w.Now().Unix())
	w.must(u, err)
	return u.ID
}

// trail is the whole audit trail, the newest first.
func (w *backend) trail() []audit.Event {
	w.Helper()
	all, err := w.Store.Events(w.Context(), audit.Query{Limit: 1000})
	w.must(all, err)
	return all
}
