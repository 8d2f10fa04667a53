package browserapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/browser_test/kit/backendtest"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// The addresses. The second app is on a sibling host of the same site.
const (
	origin    = backendtest.Origin
	publicURL = backendtest.PublicURL
	sibling   = "http://localhost:9000"
	issuer    = backendtest.Issuer
)

// backend is a backend with its environment, in one process.
type backend struct {
	stored
	*backendtest.Backend
}

// stored is the database, with changes by administrators and the clean-up.
type stored struct {
	answers
	*backendtest.Database
}

// answers checks answers to browsers.
type answers struct{ testing.TB }

// newBackend starts a backend. wrap, if not nil, wraps its store.
func newBackend(t testing.TB, wrap func(host.Store) host.Store) *backend {
	t.Helper()
	return newBackendWith(t, desired(), wrap)
}

// newBackendWith starts a backend with another directory.
func newBackendWith(t testing.TB, d directory.Desired, wrap func(host.Store) host.Store) *backend {
	t.Helper()
	db := backendtest.NewDatabase(t, backendtest.NewClock(time.Now().Truncate(time.Second)), d)
	return &backend{stored{answers{t}, db}, backendtest.New(t, db, wrap)}
}

// inSubtest returns the same backend for a subtest.
func (w *backend) inSubtest(t testing.TB) *backend {
	db := w.Database.In(t)
	return &backend{stored{answers{t}, db}, w.Backend.In(t, db)}
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
func (w *backend) browser() *httpbrowser.Browser { return w.Browser(origin) }

// signedIn returns a browser in which a user has signed in.
func (w *backend) signedIn(person string) *httpbrowser.Browser {
	w.Helper()
	b := w.browser()
	w.signIn(b, person)
	return b
}

func (w *backend) signIn(b *httpbrowser.Browser, person string) {
	w.Helper()
	before := len(b.Cookies())
	if b.SignIn(person); len(sessionCookies(b)) == 0 || len(b.Cookies()) == before {
		w.Fatalf("%s is not signed in: the browser keeps %v\n%s", person, b.Cookies(), w.Logged)
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
func (w *backend) mint(b *httpbrowser.Browser, organization string) api.TokenResponse {
	w.Helper()
	answer := b.Post("/token", `{"organization":"`+organization+`","enter":true}`)
	if answer.Status != http.StatusOK {
		w.Fatalf("minting for %s: %d %s\n%s", organization, answer.Status, answer.Body, w.Logged)
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

// remove ends a user's membership in acme.
func (w *stored) remove(person string) {
	w.Change(`DELETE FROM memberships WHERE organization_id = 'org_acme' AND user_id = (SELECT id FROM users WHERE sub = ?)`, person)
}

// disable disables a user.
func (w *stored) disable(person string) {
	w.Change(`UPDATE users SET disabled_at = 1 WHERE sub = ?`, person)
}
