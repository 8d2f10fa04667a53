package browserapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// claim gives an organization a domain, verified or not.
func (w *stored) claim(slug, name string, verified bool) {
	w.Helper()
	d := directory.Domain{OrganizationID: "org_" + slug, Name: name, Token: "token-" + slug, CreatedAt: w.Now().Unix()}
	if err := w.Store.CreateDomain(w.Context(), d); err != nil {
		w.Fatal(err)
	}
	if verified {
		if ok, err := w.Store.VerifyDomain(w.Context(), d, w.Now().Unix()); err != nil || !ok {
			w.Fatal(ok, err)
		}
	}
}

// discovered returns a backend in which acme, whose connection is enabled, has verified
// acme.example and bücher.example, and other organizations claim domains in vain.
func discovered(t testing.TB, wrap func(host.Store) host.Store) *backend {
	w := newBackend(t, wrap)
	w.connect("acme", directory.Provisioning{JustInTime: true, Roles: []string{"viewer"}})
	w.claim("acme", "acme.example", true)
	w.claim("acme", "xn--bcher-kva.example", true)
	w.claim("acme", "unverified.example", false)
	w.claim("globex", "globex.example", true) // which has no connection
	w.connect("hooli", directory.Provisioning{JustInTime: true})
	w.claim("hooli", "hooli.example", true) // which is disabled
	w.connect("initech", directory.Provisioning{JustInTime: true})
	w.disconnect("initech")
	w.claim("initech", "initech.example", true)
	return w
}

var knownAddresses = []string{
	"nina@acme.example", "NOBODY@ACME.EXAMPLE", "nina@acme.example.", " nina@acme.example ", "nina@bücher.example", "nina@BÜCHER.example", "nina@xn--bcher-kva.example",
	"nina@ａｃｍｅ.example", "nina@acme。example", "\tnina@acme.example\n", "nina+tag@acme.example", "o'neil@acme.example", "nina@XN--BCHER-KVA.example",
}

var unknownAddresses = []string{
	"nina@nowhere.example", "nina@unverified.example", "nina@globex.example", "nina@hooli.example", "nina@initech.example", "alice", "nina@", "@acme.example",
	"nina@mail.acme.example", "nina@example", "a@b@acme.example", "nina@acme.example@nowhere.example", "nina@[127.0.0.1]", "nina@com",
	"nina@асме.example", "nina@acme.example..", "nina@.acme.example", "nina@acme .example", "nina@acme.example\u202e", "nina@acme.example/", "nina@acme.example:443",
	"Nina <nina@acme.example>", "nina@acme.example,bob@nowhere.example", "nina@acme%2eexample", "nina@acme.example\\", "nina＠nowhere.example", "' OR 1=1 --@acme.example'",
	"nina@acme.example?", "nina@xn--a.example", "nina@-acme.example", "nina@" + strings.Repeat("a", 64) + ".acme.example", strings.Repeat("n", 330) + "@acme.example", "\x00@acme.example\x00",
}

// discoveries are the ways to give an address: by the page's script, and in the address of
// a link. Each returns the provider's address that it leads to.
func discoveries(w *backend) map[string]func(address string) (httpbrowser.Response, *url.URL) {
	return map[string]func(string) (httpbrowser.Response, *url.URL){
		"POST": func(address string) (httpbrowser.Response, *url.URL) {
			w.Helper()
			body, _ := json.Marshal(map[string]string{"email": address})
			got := w.browser().Post("/login?app=web", string(body))
			var answer struct{ Location string }
			if got.Status == http.StatusOK {
				got.JSON(w, &answer)
			}
			to, _ := url.Parse(answer.Location)
			return got, to
		},
		"GET": func(address string) (httpbrowser.Response, *url.URL) {
			got := w.browser().Step(publicURL + "/login?" + url.Values{"app": {"web"}, "email": {address}}.Encode())
			to, _ := url.Parse(got.Header.Get("Location"))
			return got, to
		},
	}
}

// TestEmail_LeadsToConnection: the domain of an address leads to the connection of the
// organization that has verified it, with the address as login_hint.
func TestEmail_LeadsToConnection(t *testing.T) {
	w := discovered(t, nil)
	for way, discover := range discoveries(w) {
		for _, address := range knownAddresses {
			got, to := discover(address)
			if to == nil || to.Host != "login.acme.example" || to.Query().Get("login_hint") != strings.TrimSpace(address) {
				t.Errorf("%s: %q leads to %v (%d %s)", way, address, to, got.Status, got.Body)
			}
		}
		for _, address := range unknownAddresses {
			got, to := discover(address)
			if to == nil || to.Host != "127.0.0.1:8081" {
				t.Errorf("%s: %.40q leads to %v (%d %s)", way, address, to, got.Status, got.Body)
			}
		}
	}
	b := w.browser()
	if landed := b.Choose(b.Login("return_to=/notes&email="+url.QueryEscape("nina@acme.example")), "nina"); landed.URL.String() != origin+"/notes" {
		t.Fatalf("landed on %s", landed.URL)
	}
	if got := w.claims(w.mint(b, "acme")).OrganizationID; got != "org_acme" {
		t.Errorf("minted for %s", got)
	}
}

// TestEmail_NoMembershipByDomain: where the connection admits nobody just in time, an
// address of the domain makes nobody a member.
func TestEmail_NoMembershipByDomain(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{})
	w.claim("acme", "acme.example", true)
	b := w.browser()
	b.Choose(b.Login("email=nina@acme.example"), "nina")
	w.wants(b.Post("/token", `{"organization":"acme","enter":true}`), http.StatusForbidden, "organization_access_denied")
	if n := w.Count(`SELECT COUNT(*) FROM memberships m JOIN users u ON u.id = m.user_id WHERE u.sub = 'nina'`); n != 0 {
		t.Errorf("%d memberships", n)
	}
}

// TestEmail_OrganizationFirst: a page that names the organization, or the person of a
// step-up, knows the way; the address is a hint alone.
func TestEmail_OrganizationFirst(t *testing.T) {
	w := discovered(t, nil)
	w.connect("umbrella", directory.Provisioning{JustInTime: true})
	to := w.browser().Step(publicURL + "/login?organization=umbrella&email=nina@acme.example")
	if at, _ := url.Parse(to.Header.Get("Location")); at.Host != "login.umbrella.example" || at.Query().Get("login_hint") != "nina@acme.example" {
		t.Errorf("it leads to %s", at)
	}
	to = w.browser().Step(publicURL + "/login?login_hint=n.ina&email=nina@acme.example")
	if at, _ := url.Parse(to.Header.Get("Location")); at.Query().Get("login_hint") != "n.ina" {
		t.Errorf("it leads to %s", at)
	}
}

// TestEmail_ForeignLinkAsksFirst keeps the address through the page.
func TestEmail_ForeignLinkAsksFirst(t *testing.T) {
	w := discovered(t, nil)
	page := w.browser().With("Sec-Fetch-Site", "cross-site").Open(publicURL + "/login?email=nina@acme.example")
	if to := w.browser().Follow(linksOf(page)["Continue to sign in"]); to.URL.Host != "login.acme.example" {
		t.Errorf("%d %s", page.Status, to.URL)
	}
}

// counting counts the statements of a kind that a sign-in sends to the store.
type counting struct {
	host.Store
	calls *[]string
}

func (s counting) ConnectionByDomain(ctx context.Context, name string) (directory.Connection, error) {
	*s.calls = append(*s.calls, "ConnectionByDomain")
	return s.Store.ConnectionByDomain(ctx, name)
}

func (s counting) SignInAt(ctx context.Context, ref string) (directory.SignInAt, error) {
	*s.calls = append(*s.calls, "SignInAt")
	return s.Store.SignInAt(ctx, ref)
}

func (s counting) Connection(ctx context.Context, id string) (directory.Connection, error) {
	*s.calls = append(*s.calls, "Connection")
	return s.Store.Connection(ctx, id)
}

func (s counting) WorkspaceRevision(ctx context.Context) (int64, error) {
	*s.calls = append(*s.calls, "WorkspaceRevision")
	return s.Store.WorkspaceRevision(ctx)
}

func (s counting) Workspace(ctx context.Context) (*directory.Workspace, error) {
	*s.calls = append(*s.calls, "Workspace")
	return s.Store.Workspace(ctx)
}

// TestEmail_SameAnswerAndStatements: every address costs the same statements and gets an
// answer of the same form, whatever is known of it.
func TestEmail_SameAnswerAndStatements(t *testing.T) {
	var calls []string
	w := discovered(t, func(s host.Store) host.Store { return counting{s, &calls} })
	for way, discover := range discoveries(w) {
		discover("warm@acme.example")
		discover("warm@nowhere.example")
		var want []string
		var form string
		for i, address := range slices.Concat(unknownAddresses, knownAddresses) {
			calls = nil
			got, _ := discover(address)
			shape := answerForm(got)
			if i == 0 {
				want, form = slices.Clone(calls), shape
				if !slices.Contains(want, "ConnectionByDomain") {
					t.Fatalf("%s: the statements are %v", way, want)
				}
			}
			if !slices.Equal(calls, want) {
				t.Errorf("%s: %.40q took %v, another address %v", way, address, calls, want)
			}
			if shape != form {
				t.Errorf("%s: %.40q is answered %s, another address %s", way, address, shape, form)
			}
		}
	}
}

// answerForm returns the status of an answer and the names of its headers and members.
func answerForm(got httpbrowser.Response) string {
	names := []string{http.StatusText(got.Status)}
	for name := range got.Header {
		names = append(names, name)
	}
	var body map[string]any
	json.Unmarshal([]byte(got.Body), &body)
	for name := range body {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// TestEmail_NotLogged: no record of a sign-in has the address, whether it is known or
// not, and also where the provider does not answer.
func TestEmail_NotLogged(t *testing.T) {
	w := discovered(t, nil)
	for _, discover := range discoveries(w) {
		for _, address := range []string{"secret.name@acme.example", "secret.name@nowhere.example", "secret.name@", "secret.name@a@b"} {
			discover(address)
		}
	}
	w.browser().With("Sec-Fetch-Site", "cross-site").Open(publicURL + "/login?email=secret.name@acme.example")
	delete(w.Hosts, "login.acme.example")
	w.Hosts["login.acme.example"] = http.NotFoundHandler()
	w.Restart()
	w.browser().Login("email=secret.name@acme.example")
	if log := w.Logged.String(); strings.Contains(log, "secret.name") || strings.Contains(log, "secret%2") || !strings.Contains(log, "/login") {
		t.Errorf("the log has the address: %s", log)
	}
	if n := w.Count(`SELECT COUNT(*) FROM audit WHERE note LIKE '%secret.name%' OR target LIKE '%secret.name%'`); n != 0 {
		t.Error("the audit log has the address")
	}
}

// TestEmail_DomainLost: a domain that is not verified any more leads nobody there.
func TestEmail_DomainLost(t *testing.T) {
	w := discovered(t, nil)
	d, err := w.Store.Domain(t.Context(), "org_acme", "acme.example")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Store.UnverifyDomain(t.Context(), d, directory.RecordMissing, w.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	for way, discover := range discoveries(w) {
		if _, to := discover("nina@acme.example"); to.Host != "127.0.0.1:8081" {
			t.Errorf("%s leads to %s", way, to)
		}
	}
}
