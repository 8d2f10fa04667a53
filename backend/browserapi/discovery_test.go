package browserapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

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

// asked counts the requests to a host that a backend asks, such as a provider.
type asked struct {
	http.Handler
	requests *[]string
}

func (a asked) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	*a.requests = append(*a.requests, r.Method+" "+r.URL.Path)
	a.Handler.ServeHTTP(rw, r)
}

// TestEmail_SameAnswerAndWork: every address costs the same statements and the same requests
// to a provider, and gets an answer of the same form, whatever is known of it or of the
// person. A backend that has just started asks one provider for its metadata, later ones none.
func TestEmail_SameAnswerAndWork(t *testing.T) {
	w := discovered(t, nil)
	b := w.browser()
	b.Choose(b.Login("email=nina@acme.example"), "nina") // who is known from here on
	var requests []string
	for host, handler := range w.Hosts {
		if strings.HasPrefix(host, "login.") || host == "127.0.0.1:8081" {
			w.Hosts[host] = asked{handler, &requests}
		}
	}
	store := w.Failing()
	work := func(discover func(string) (httpbrowser.Response, *url.URL), address string) string {
		requests = nil
		store.Fail(0, false)
		got, _ := discover(address)
		return answerForm(got) + "\n" + strings.Join(store.Calls(), " ") + "\n" + strings.Join(requests, " ")
	}
	for way, discover := range discoveries(w) {
		work(discover, "warm@acme.example")
		work(discover, "warm@nowhere.example")
		want := work(discover, unknownAddresses[0])
		if !strings.Contains(want, "ConnectionByDomain") || strings.Contains(want, "GET") {
			t.Fatalf("%s: the work is %s", way, want)
		}
		for _, address := range slices.Concat(unknownAddresses, knownAddresses) {
			if got := work(discover, address); got != want {
				t.Errorf("%s: %.40q took\n%s\nanother address\n%s", way, address, got, want)
			}
		}
		w.Restart()
		want = work(discover, unknownAddresses[0])
		if strings.Count(want, "GET /.well-known/openid-configuration") != 1 {
			t.Fatalf("%s: the work of a new backend is %s", way, want)
		}
		for _, address := range []string{"nina@acme.example", "nobody@acme.example", "nina@bücher.example", "alice", "nina@unverified.example", "nina@hooli.example"} {
			w.Restart()
			if got := work(discover, address); got != want {
				t.Errorf("%s: of a new backend %.40q took\n%s\nanother address\n%s", way, address, got, want)
			}
		}
	}
}

// BenchmarkEmail compares the median times that addresses take, as multiples of that of an
// unknown one in the same run: go test ./backend/browserapi -run '^$' -bench Email
func BenchmarkEmail(b *testing.B) {
	w := discovered(b, nil)
	discover := discoveries(w)["POST"]
	addresses := []string{"nina@nowhere.example", "nina@acme.example", "nobody@acme.example", "nina@unverified.example", "nina@hooli.example", "alice", "a@b@acme.example"}
	took := make([][]time.Duration, len(addresses))
	for b.Loop() {
		for i, address := range addresses { // in turn, so that all have the machine alike
			began := time.Now()
			discover(address)
			took[i] = append(took[i], time.Since(began))
		}
	}
	for i := range took {
		slices.Sort(took[i])
	}
	middle := len(took[0]) / 2
	for i, address := range addresses {
		b.ReportMetric(float64(took[i][middle])/float64(took[0][middle]), address)
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
