package browser

import (
	"bufio"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
	"github.com/tabard-auth/tabard/browser_test/kit/backendtest"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

const (
	certifiedApp     = "http://localhost:8080"
	certifiedBackend = certifiedApp + "/auth"
)

// certified is a backend that signs people in with npm oidc-provider, and a browser.
type certified struct {
	*testing.T
	issuer  string
	backend http.Handler
	browser *httpbrowser.Browser
	store   *sqlstore.Store
	secret  signingkey.Secret
	clock   *backendtest.Clock
	lose    *atomic.Bool // the next answer of the token endpoint
	down    *atomic.Bool // whether the provider cannot be reached
}

// splitTransport carries requests to handlers in this process, and the others over
// loopback.
type splitTransport struct {
	httpbrowser.Hosts
	lose, down *atomic.Bool
}

func (r splitTransport) RoundTrip(q *http.Request) (*http.Response, error) {
	if _, own := r.Hosts[q.URL.Host]; own {
		return r.Hosts.RoundTrip(q)
	}
	if r.down.Load() {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	answer, err := http.DefaultTransport.RoundTrip(q)
	if err == nil && strings.HasSuffix(q.URL.Path, "/token") && r.lose.CompareAndSwap(true, false) {
		answer.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	return answer, err
}

func newCertified(t *testing.T) *certified {
	t.Helper()
	var backend http.Handler
	reached := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { backend.ServeHTTP(w, r) }))
	t.Cleanup(reached.Close)
	c := &certified{T: t, issuer: startCertified(t, "tabard", "a secret: 100% +&=", certifiedBackend+"/callback", reached.URL+"/auth/backchannel-logout")}
	store, err := sqlite.Open(t.Context(), lite.NewFile(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	c.store = store
	if _, err = store.Apply(t.Context(), certifiedDirectory(c.issuer), time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	c.secret, _ = signingkey.NewSecret()
	c.clock, c.lose, c.down = backendtest.NewClock(time.Now()), &atomic.Bool{}, &atomic.Bool{}
	backend, err = host.New(host.Config{
		PublicURL: certifiedBackend, Secret: c.secret, Tenants: login.NewTransport(true), LoopbackConnections: true, Now: c.clock.Now,
		Provider: login.Config{
			Issuer: c.issuer, ClientID: "tabard", ClientSecret: "a secret: 100% +&=", Transport: splitTransport{lose: c.lose, down: c.down},
		},
	}, store)
	if err != nil {
		t.Fatal(err)
	}
	c.backend = backend
	c.newBrowser()
	return c
}

// newBrowser takes another browser into hand.
func (c *certified) newBrowser() {
	c.browser = httpbrowser.New(c, certifiedApp, certifiedBackend)
	c.browser.Transport = splitTransport{httpbrowser.Hosts{"localhost:8080": c.backend}, &atomic.Bool{}, &atomic.Bool{}}
	c.browser.Now = c.clock.Now
}

// certifiedDirectory returns a directory with alice, bob and carol as members of acme.
func certifiedDirectory(issuer string) directory.Desired {
	return directory.Desired{
		Workspace: directory.Workspace{Apps: []directory.App{{ID: "web", Name: "Web", Origins: []string{certifiedApp}, Audience: "api"}}},
		Organizations: []directory.DesiredOrganization{{
			Organization: directory.Organization{ID: "org_acme", Slug: "acme", Name: "Acme"},
			Members: []directory.Member{
				{User: directory.User{Issuer: issuer, Subject: "alice"}}, {User: directory.User{Issuer: issuer, Subject: "bob"}},
				{User: directory.User{Issuer: issuer, Subject: "carol"}},
			},
		}},
	}
}

// startCertified runs the provider until the test ends, and returns its issuer.
func startCertified(t *testing.T, client, secret, redirect, logout string) string {
	t.Helper()
	if _, err := os.Stat("../node_modules/oidc-provider"); err != nil {
		t.Fatalf("npm oidc-provider is missing; run: npm ci --prefix browser_test (%v)", err)
	}
	node := exec.Command("node", "certified/provider.mjs", client, secret, redirect, certifiedApp+"/", logout)
	node.Env = append(os.Environ(), "NODE_NO_WARNINGS=1")
	var failure strings.Builder
	node.Stderr = &failure
	stdin, errIn := node.StdinPipe()
	stdout, errOut := node.StdoutPipe()
	if errIn != nil || errOut != nil {
		t.Fatal(errIn, errOut)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		node.Wait()
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "http://") {
			go func() { // the rest of its output
				for lines.Scan() {
				}
			}()
			return lines.Text()
		}
	}
	t.Fatalf("npm oidc-provider did not start: %s", failure.String())
	return ""
}

var (
	formAction = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	formXSRF   = regexp.MustCompile(`name="xsrf" value="([^"]+)"`)
)

// submit sends the form of a page.
func (c *certified) submit(page httpbrowser.Response, form url.Values) httpbrowser.Response {
	c.Helper()
	action := formAction.FindStringSubmatch(page.Body)
	if action == nil {
		c.Fatalf("%s has no form: %d %s", page.URL, page.Status, page.Body)
	}
	target, err := page.URL.Parse(html.UnescapeString(action[1]))
	if err != nil {
		c.Fatal(err)
	}
	return c.browser.Submit(target.String(), form)
}

func asksForLogin(page httpbrowser.Response) bool {
	return strings.Contains(page.Body, `name="prompt" value="login"`)
}

// signIn answers the provider's questions until it sends the browser back.
func (c *certified) signIn(page httpbrowser.Response, person string) httpbrowser.Response {
	c.Helper()
	if !asksForLogin(page) {
		c.Fatalf("the provider does not show its sign-in page: %s", page.URL)
	}
	page = c.submit(page, url.Values{"prompt": {"login"}, "login": {person}, "password": {"any"}})
	if strings.Contains(page.Body, `name="prompt" value="consent"`) {
		page = c.submit(page, url.Values{"prompt": {"consent"}})
	}
	return page
}

func (c *certified) mint() api.TokenResponse {
	c.Helper()
	var minted api.TokenResponse
	answer := c.browser.Post("/token", `{"organization":"acme","enter":true}`)
	if answer.JSON(c, &minted); minted.AccessToken == "" {
		c.Fatalf("no token: %d %s", answer.Status, answer.Body)
	}
	return minted
}

func TestCertifiedProvider_SignIn(t *testing.T) {
	t.Parallel()
	c := newCertified(t)
	landed := c.signIn(c.browser.Login("return_to=/notes"), "alice")
	if landed.URL.String() != certifiedApp+"/notes" {
		t.Fatalf("landed on %s: %s", landed.URL, landed.Body)
	}
	user := c.mint().User
	if user.Issuer != c.issuer || user.Subject != "alice" || user.Name != "Account alice" || user.Email != "alice@example.com" {
		t.Errorf("the person is %+v", user)
	}
}

func TestCertifiedProvider_PKCE(t *testing.T) {
	t.Parallel()
	c := newCertified(t)
	request, err := url.Parse(c.browser.Step(certifiedBackend + "/login").Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	query := request.Query()
	query.Del("code_challenge")
	query.Del("code_challenge_method")
	request.RawQuery = query.Encode()
	refused := c.browser.Step(request.String()).Header.Get("Location")
	if !strings.Contains(refused, "error=invalid_request") {
		t.Errorf("without a challenge the provider leads to %q: it demands none", refused)
	}
	landed := c.browser.Follow(refused)
	cookies := c.browser.Cookies()
	for name := range cookies {
		if strings.Contains(name, "-login.") { // the browser's own value, which stays
			delete(cookies, name)
		}
	}
	if landed.URL.Query().Get(api.ParamError) != "invalid_request" || len(cookies) != 0 {
		t.Errorf("landed on %s with %v", landed.URL, cookies)
	}
}

func TestCertifiedProvider_MaxAge(t *testing.T) {
	t.Parallel()
	c := newCertified(t)
	c.signIn(c.browser.Login(""), "alice")
	if landed := c.browser.Login("return_to=/again"); landed.URL.String() != certifiedApp+"/again" {
		t.Errorf("the provider has lost its session: %s", landed.URL)
	}
	landed := c.signIn(c.browser.Login("return_to=/fresh&max_age=0"), "alice")
	if landed.URL.String() != certifiedApp+"/fresh" {
		t.Errorf("landed on %s", landed.URL)
	}
	if age := c.mint(); age.ServerTime-age.OrganizationSession.AuthTime > 60 {
		t.Errorf("authenticated at %d, %d s ago", age.OrganizationSession.AuthTime, age.ServerTime-age.OrganizationSession.AuthTime)
	}
}

func TestCertifiedProvider_LogoutHint(t *testing.T) {
	t.Parallel()
	c := newCertified(t)
	c.signIn(c.browser.Login(""), "alice")
	var out api.LogoutResponse
	c.browser.Post("/logout", `{"scope":"session"}`).JSON(t, &out)
	if !strings.Contains(out.EndSessionURL, "id_token_hint=") {
		t.Fatalf("the end-session address is %q", out.EndSessionURL)
	}
	page := c.browser.Follow(out.EndSessionURL)
	xsrf := formXSRF.FindStringSubmatch(page.Body)
	if xsrf == nil {
		t.Fatalf("the provider does not take the hint: %d %s", page.Status, page.Body)
	}
	landed := c.submit(page, url.Values{"xsrf": {xsrf[1]}, "logout": {"yes"}})
	if landed.URL.String() != certifiedApp+"/" {
		t.Errorf("landed on %s: %s", landed.URL, landed.Body)
	}
	if !asksForLogin(c.browser.Login("")) {
		t.Error("the provider still has its session")
	}
}

func TestCertifiedProvider_BackChannelLogout(t *testing.T) {
	t.Parallel()
	c := newCertified(t)
	c.signIn(c.browser.Login(""), "alice")
	c.mint()
	page := c.browser.Follow(c.issuer + "/session/end")
	xsrf := formXSRF.FindStringSubmatch(page.Body)
	if xsrf == nil {
		t.Fatalf("the provider does not ask: %d %s", page.Status, page.Body)
	}
	c.submit(page, url.Values{"xsrf": {xsrf[1]}, "logout": {"yes"}})
	if got := c.browser.Post("/token", `{"organization":"acme"}`); got.Code() != string(api.SessionRevoked) {
		t.Errorf("after the provider's logout: %d %s", got.Status, got.Body)
	}
}
