package browserapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// connect gives an organization its own enabled connection, con_ and its slug, and
// returns its provider at https://login.SLUG.example.
func (w *backend) connect(slug string, with directory.Provisioning) *logintest.Provider {
	w.Helper()
	host := "login." + slug + ".example"
	p := logintest.New(w, "https://"+host)
	p.Now = w.Now
	w.Hosts[host] = p
	w.connectAt(slug, p.Issuer, with)
	return p
}

func (w *stored) connectAt(slug, issuer string, with directory.Provisioning) {
	w.Helper()
	c := directory.Connection{
		ID: "con_" + slug, OrganizationID: "org_" + slug, Issuer: issuer, ClientID: logintest.ClientID,
		SealedSecret: w.sealed(logintest.ClientSecret, "con_"+slug), Provisioning: with,
	}
	if err := w.Store.CreateConnection(w.Context(), c, w.Now().Unix()); err != nil {
		w.Fatal(err)
	}
	w.enable(slug)
}

func (w *stored) sealed(secret, id string) string {
	return w.Secret.Sealer(signingkey.ForConnections).Seal([]byte(secret), id)
}

func (w *stored) enable(slug string) {
	w.Helper()
	if err := w.Store.EnableConnection(w.Context(), "org_"+slug, "con_"+slug); err != nil {
		w.Fatal(err)
	}
}

func (w *stored) disconnect(slug string) {
	w.Helper()
	if err := w.Store.DisableConnection(w.Context(), "org_"+slug, "con_"+slug); err != nil {
		w.Fatal(err)
	}
}

// requireConnections returns rules that require each organization's own connection.
func requireConnections(slugs ...string) map[string]policy.Rules {
	rules := map[string]policy.Rules{}
	for _, slug := range slugs {
		rules[slug] = policy.Rules{Connection: "con_" + slug}
	}
	return rules
}

// enterBy enters an organization in a live session through its own provider and returns
// the last response.
func (w *answers) enterBy(b *httpbrowser.Browser, slug, person string) httpbrowser.Response {
	w.Helper()
	e := w.challenged(b.Post("/token", `{"organization":"`+slug+`","enter":true}`))
	page := b.Begin(e.LoginURL + "&return_to=" + url.QueryEscape("/notes?a=1"))
	if page.URL.Host != "login."+slug+".example" {
		w.Fatalf("the step-up leads to %s", page.URL)
	}
	return b.Choose(page, person)
}

// refusedWith returns the error code that a sign-in returned to the app.
func refusedWith(landed httpbrowser.Response) api.Code {
	return api.Code(landed.URL.Query().Get(api.ParamError))
}

// begin signs in at an organization's own provider, without a session.
func (w *backend) begin(slug, person string) *httpbrowser.Browser {
	w.Helper()
	b := w.browser()
	b.Choose(b.Login("organization="+slug), person)
	w.theSession(b)
	return b
}

func TestConnection_EntersOrganization(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{})
	w.rule(requireConnections("acme"))
	b, device := w.signedInOn("alice")
	_, cookie := w.theSession(b)
	globex := w.claims(w.mint(b, "globex"))
	asked := func(b *httpbrowser.Browser, with *httpbrowser.Device) string {
		address := b.Copy().On(with).Begin(publicURL + "/login?organization=acme&prompt=none&user=" + globex.Subject).URL
		return address.Query().Get("prompt")
	}
	if got := asked(b, device); got != "login" {
		t.Errorf("before anybody is linked the provider is asked %q", got)
	}
	if landed := w.enterBy(b, "acme", "a.martin"); landed.URL.String() != origin+"/notes?a=1" {
		t.Fatalf("landed on %s", landed.URL)
	}
	if _, after := w.theSession(b); after != cookie {
		t.Error("the step-up changed the cookie")
	}
	acme := w.claims(w.mint(b, "acme"))
	if acme.Subject != globex.Subject || acme.SessionID != globex.SessionID || acme.OrganizationID != "org_acme" {
		t.Errorf("acme's token is %+v", acme)
	}
	w.Pass(time.Hour)
	w.mint(b, "acme") // once
	w.mint(b, "globex")
	linked := w.events(audit.LinkIdentity)
	if len(linked) != 1 || linked[0].Outcome != audit.Done || linked[0].UserID != acme.Subject || linked[0].Target != "con_acme" || linked[0].OrganizationID != "org_acme" {
		t.Errorf("the trail says %+v", linked)
	}

	other, second := w.signedInOn("alice") // linked before
	if got := asked(other, second); got != "none" {
		t.Errorf("somebody who is linked is asked again: %q", got)
	}
	if landed := w.enterBy(other, "acme", "a.martin"); refusedWith(landed) != "" {
		t.Errorf("landed on %s", landed.URL)
	}
	w.mint(other, "acme")
	if again := w.events(audit.LinkIdentity); len(again) != 1 {
		t.Errorf("the trail says %+v", again)
	}
}

// TestConnection_SignInAudited checks the organization's audit log; other
// organizations' logs do not have the sign-in.
func TestConnection_SignInAudited(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{JustInTime: true})
	w.begin("acme", "a.martin")
	w.keyed("alice")
	events, err := w.Store.Events(t.Context(), audit.Query{OrganizationID: "org_acme", Action: audit.SignIn, Limit: 10})
	if err != nil || len(events) != 1 || events[0].UserID == "" {
		t.Errorf("%+v, %v", events, err)
	}
}

// steppedUp returns a browser of alice, signed in to these organizations by their own
// connections.
func steppedUp(slugs ...string) func(*backend) *httpbrowser.Browser {
	return func(w *backend) *httpbrowser.Browser {
		b := w.keyed("alice")
		for _, slug := range slugs {
			w.enterBy(b, slug, "a.martin")
			w.mint(b, slug)
		}
		return b
	}
}

// TestConnection_RequiredConnectionOnly combines the authentications of a session with
// the organizations that require a connection.
func TestConnection_RequiredConnectionOnly(t *testing.T) {
	type event struct {
		made   func(w *backend) *httpbrowser.Browser
		opens  []string // among those that require their own connection
		states string   // of acme and globex in GET /session
	}
	for name, e := range map[string]event{
		"a password":             {steppedUp(), nil, "step_up_required step_up_required"},
		"acme's own":             {steppedUp("acme"), []string{"acme"}, "active step_up_required"},
		"another organization's": {steppedUp("globex"), []string{"globex"}, "step_up_required active"},
		"both":                   {steppedUp("acme", "globex"), []string{"acme", "globex"}, "active active"},
		"acme's own, disabled since": {func(w *backend) *httpbrowser.Browser {
			b := steppedUp("acme", "globex")(w)
			w.disconnect("acme")
			return b
		}, []string{"globex"}, "step_up_required active"},
		"acme's own, disabled and another enabled": {func(w *backend) *httpbrowser.Browser {
			b := steppedUp("acme")(w)
			w.disconnect("acme")
			c := directory.Connection{ID: "con_acme2", OrganizationID: "org_acme", Issuer: "https://login.acme.example", ClientID: "x", SealedSecret: "x"}
			if w.Store.CreateConnection(w.Context(), c, 1) != nil || w.Store.EnableConnection(w.Context(), "org_acme", c.ID) != nil {
				t.Fatal("not enabled")
			}
			return b
		}, nil, "step_up_required step_up_required"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			w.connect("acme", directory.Provisioning{})
			w.connect("globex", directory.Provisioning{})
			w.rule(requireConnections("acme", "globex"))
			b := e.made(w)
			for _, slug := range []string{"acme", "globex"} {
				for _, body := range []string{`","enter":true}`, `"}`} {
					got := b.Post("/token", `{"organization":"`+slug+body)
					if opens := slices.Contains(e.opens, slug); opens != (got.Status == http.StatusOK) {
						t.Errorf("%s answers %d %s", slug, got.Status, got.Body)
					} else if !opens {
						w.challenged(got)
					}
				}
			}
			w.mint(b, "initech")
			var shown api.SessionResponse
			b.Get("/session").JSON(t, &shown)
			if got := shown.Organizations[0].State + " " + shown.Organizations[1].State; got != e.states {
				t.Errorf("the person is shown %s", got)
			}
		})
	}
}

// TestConnection_Optional checks both ways in while an organization moves to its
// connection.
func TestConnection_Optional(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{})
	b := w.keyed("alice")
	w.mint(b, "acme")
	b.Choose(b.Begin(publicURL+"/login?organization=acme&user="+w.mint(b, "globex").User.ID), "a.martin")
	w.mint(b, "acme")
	own := w.begin("acme", "a.martin")
	w.mint(own, "acme")
	w.disconnect("acme")
	w.mint(b, "acme") // by the password again
	w.challenged(own.Post("/token", renews))
}

func TestConnection_Disabled(t *testing.T) {
	for path := range everyPath(nil, nil, "") {
		for _, begun := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, begun there %t", path, begun), func(t *testing.T) {
				w := newBackend(t, nil)
				w.connect("acme", directory.Provisioning{})
				w.rule(requireConnections("acme"))
				b := w.keyed("alice")
				w.enterBy(b, "acme", "a.martin")
				if begun {
					b = w.begin("acme", "a.martin")
				}
				user := w.mint(b, "acme").User.ID
				w.disconnect("acme")
				w.Pass(time.Second)
				e := w.challenged(everyPath(w, b, user)[path]())
				landed := b.Begin(e.LoginURL + "&return_to=/")
				if refusedWith(landed) != "connection_disabled" || landed.URL.Host != "localhost:8080" {
					t.Errorf("the step-up leads to %s", landed.URL)
				}
				w.enable("acme")
				w.mint(b, "acme")
			})
		}
	}
}

func TestConnection_DisabledDuringSignIn(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{JustInTime: true})
	b := w.browser()
	page := b.Login("organization=acme")
	w.disconnect("acme")
	if landed := b.Choose(page, "zoe"); refusedWith(landed) != "connection_disabled" || len(sessionCookies(b)) != 0 {
		t.Errorf("landed on %s with %v", landed.URL, b.Cookies())
	}
}

// TestConnection_OwnRedirectURI checks that a callback at another connection's redirect
// URI ends nothing and redeems no code (RFC 9700 section 4.4).
func TestConnection_OwnRedirectURI(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{})
	w.connect("globex", directory.Provisioning{})
	b := w.browser()
	asked := b.Login("organization=globex").URL
	if got := asked.Query().Get("redirect_uri"); got != publicURL+"/callback/con_globex" {
		t.Errorf("the redirect URI is %s", got)
	}
	globex := w.Hosts["login.globex.example"].(*logintest.Provider)
	answer := globex.SignIn(asked.String(), "a.martin").Encode()
	for _, path := range []string{"/callback", "/callback/con_acme", "/callback/con_nowhere", "/callback/"} {
		got := b.Step(publicURL + path + "?" + answer)
		if got.Status < 400 || len(got.Cookies()) != 0 {
			t.Errorf("%s: %d %v", path, got.Status, got.Cookies())
		}
	}
	w.Hosts["login.acme.example"].(*logintest.Provider).Redeemed = nil
	if got := b.Step(publicURL + "/callback/con_globex?" + answer); got.Status != http.StatusSeeOther {
		t.Errorf("its own: %d %s", got.Status, got.Body)
	}
	b = w.browser()
	mine := w.Provider.SignIn(b.Login("").URL.String(), "alice").Encode()
	if got := b.Step(publicURL + "/callback/con_acme?" + mine); got.Status != http.StatusBadRequest {
		t.Errorf("the workspace's answer at acme's: %d", got.Status)
	}
}

// TestConnection_ForeignPage checks that a foreign page cannot sign a user in, unless
// the user continues on the page that asks.
func TestConnection_ForeignPage(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{JustInTime: true})
	b := w.keyed("alice")
	before := b.Cookies()
	for site, status := range map[string]int{"cross-site": http.StatusOK, "none": http.StatusOK, "same-origin": http.StatusSeeOther, "same-site": http.StatusSeeOther} {
		got := b.Copy().With("Sec-Fetch-Site", site).Step(publicURL + "/login?organization=acme")
		if got.Status != status {
			t.Errorf("%s: %d %s", site, got.Status, got.Body)
		}
	}
	if fmt.Sprint(b.Cookies()) != fmt.Sprint(before) {
		t.Errorf("cookies %v", b.Cookies())
	}
	if got := b.With("Sec-Fetch-Site", "cross-site").Step(publicURL + "/login"); got.Status != http.StatusOK {
		t.Errorf("at the workspace's provider: %d", got.Status)
	}
}

func TestConnection_ProviderUnavailable(t *testing.T) {
	for name, issuer := range map[string]string{
		"away": "https://away.example", "the metadata service": "https://169.254.169.254", "in the network": "https://10.0.0.1",
		"by a private name": "https://db.internal", "another notation": "https://2130706433", "a mapped address": "https://[::ffff:10.0.0.1]",
	} {
		w := newBackend(t, nil)
		reached := false
		u, _ := url.Parse(issuer)
		if name != "away" {
			w.Hosts[u.Host] = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })
		}
		w.connectAt("acme", issuer, directory.Provisioning{})
		w.wants(w.browser().Login("organization=acme"), http.StatusServiceUnavailable, api.TemporarilyUnavailable)
		if reached {
			t.Errorf("%s: %s was asked", name, issuer)
		}
	}
}

func TestConnection_ChangeTakesEffectAtOnce(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{JustInTime: true})
	w.begin("acme", "zoe")
	c, err := w.Store.Connection(t.Context(), "con_acme")
	if err != nil {
		t.Fatal(err)
	}
	c.SealedSecret = w.sealed("another", c.ID)
	if err := w.Store.UpdateConnection(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	b := w.browser()
	if landed := b.Choose(b.Login("organization=acme"), "zoe"); refusedWith(landed) != "invalid_response" || len(sessionCookies(b)) != 0 {
		t.Errorf("landed on %s", landed.URL)
	}
	if strings.Contains(w.Logged.String(), "another") || strings.Contains(w.Logged.String(), logintest.ClientSecret) {
		t.Error("the log tells the client's secret")
	}
}
