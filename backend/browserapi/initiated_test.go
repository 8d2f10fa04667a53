package browserapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// portalIssuer is the issuer of acme's connection (backend.connect).
const portalIssuer = "https://login.acme.example"

// portal returns a browser that shows a page of acme's portal.
func (w *backend) portal() *httpbrowser.Browser {
	return w.browser().With("Sec-Fetch-Site", "cross-site").With("Referer", portalIssuer+"/")
}

// ways are the two ways in which a portal initiates a sign-in.
var ways = map[string]func(b *httpbrowser.Browser, path string, parameters url.Values) httpbrowser.Response{
	"GET": func(b *httpbrowser.Browser, path string, parameters url.Values) httpbrowser.Response {
		return b.Open(publicURL + path + "?" + parameters.Encode())
	},
	"POST": func(b *httpbrowser.Browser, path string, parameters url.Values) httpbrowser.Response {
		return b.SubmitStep(publicURL+path, parameters)
	},
}

// TestInitiated_LeadsToConnection: a portal's tile leads to its organization's connection,
// through the page that asks first, and then to the app's address that it named.
func TestInitiated_LeadsToConnection(t *testing.T) {
	for method, open := range ways {
		for name, c := range map[string]struct {
			path, target, hint, landed string
		}{
			"with everything":           {"/login", origin + "/notes?a=1&b=2#c", "nina@acme.example", origin + "/notes?a=1&b=2#c"},
			"with the issuer alone":     {"/login", "", "", origin + "/"},
			"with a path":               {"/login", "/notes", "", origin + "/notes"},
			"at the connection's own":   {"/login/con_acme", origin + "/notes", "nina", origin + "/notes"},
			"with an address of a host": {"/login", origin, "", origin + "/"},
		} {
			t.Run(method+" "+name, func(t *testing.T) {
				w := newBackend(t, nil)
				w.connect("acme", directory.Provisioning{JustInTime: true, Roles: []string{"viewer"}})
				b := w.signedIn("alice")
				_, before := w.theSession(b)
				parameters := url.Values{"iss": {portalIssuer}}
				for name, value := range map[string]string{"target_link_uri": c.target, "login_hint": c.hint} {
					if value != "" {
						parameters.Set(name, value)
					}
				}
				page := open(b.With("Sec-Fetch-Site", "cross-site").With("Referer", portalIssuer+"/"), c.path, parameters)
				if page.Status != http.StatusOK || page.URL.Host != "localhost:8080" {
					t.Fatalf("%d at %s\n%s", page.Status, page.URL, page.Body)
				}
				if _, after := w.theSession(b); after != before || len(page.Cookies()) != 0 {
					t.Errorf("without a press the browser keeps %v", b.Cookies())
				}
				asked := b.Follow(linksOf(page)["Continue to sign in"])
				if asked.URL.Host != "login.acme.example" || asked.URL.Query().Get("login_hint") != c.hint {
					t.Fatalf("the page goes on to %s", asked.URL)
				}
				if landed := b.Choose(asked, "nina"); landed.URL.String() != c.landed {
					t.Errorf("landed on %s", landed.URL)
				}
				if got := w.claims(w.mint(b, "acme")).OrganizationID; got != "org_acme" {
					t.Errorf("minted for %s", got)
				}
			})
		}
	}
}

// TestInitiated_WorkspaceProvider: the workspace's own provider initiates a sign-in too.
func TestInitiated_WorkspaceProvider(t *testing.T) {
	for method, open := range ways {
		w := newBackend(t, nil)
		page := open(w.portal(), "/login", url.Values{"iss": {issuer}, "target_link_uri": {origin + "/notes"}})
		b := w.browser()
		if landed := b.Choose(b.Follow(linksOf(page)["Continue to sign in"]), "alice"); landed.URL.String() != origin+"/notes" {
			t.Errorf("%s: landed on %s: %s", method, landed.URL, landed.Body)
		}
	}
}

// TestInitiated_SharedIssuer: where two connections have one issuer, the address of each
// is its own, and the common one names neither.
func TestInitiated_SharedIssuer(t *testing.T) {
	w := newBackend(t, nil)
	p := w.connect("acme", directory.Provisioning{JustInTime: true})
	w.connectAt("globex", p.Issuer, directory.Provisioning{JustInTime: true})
	for method, open := range ways {
		for path, want := range map[string]string{"/login": "", "/login/con_acme": "org_acme", "/login/con_globex": "org_globex"} {
			page := open(w.portal(), path, url.Values{"iss": {p.Issuer}})
			on, err := url.Parse(linksOf(page)["Continue to sign in"])
			if err != nil || on.Path != "/auth/login" || on.Query().Get("organization") != want {
				t.Errorf("%s %s leads to %v (%v)", method, path, on, err)
			}
			if ambiguous := page.Status != http.StatusOK; ambiguous != (want == "") {
				t.Errorf("%s %s: %d", method, path, page.Status)
			}
		}
	}
	if got := ways["GET"](w.portal(), "/login/con_globex", nil); linksOf(got)["Continue to sign in"] == "" || got.Status != http.StatusOK {
		t.Errorf("without iss, at a connection's own address: %d %s", got.Status, got.Body)
	}
	for _, slug := range []string{"acme", "globex"} { // of a single enabled one
		w.enable(slug)
		w.disconnect(map[string]string{"acme": "globex", "globex": "acme"}[slug])
		on, _ := url.Parse(linksOf(ways["GET"](w.portal(), "/login", url.Values{"iss": {p.Issuer}}))["Continue to sign in"])
		if got := on.Query().Get("organization"); got != "org_"+slug {
			t.Errorf("with %s alone it leads to %q", slug, got)
		}
	}
}

// TestInitiated_UnknownIssuerLeadsOn: an unknown issuer gets a page that leads to the
// ordinary sign-in, at the app's address that was named.
func TestInitiated_UnknownIssuerLeadsOn(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{JustInTime: true})
	w.connect("hooli", directory.Provisioning{JustInTime: true}) // of an organization that is disabled
	w.connect("globex", directory.Provisioning{JustInTime: true})
	w.disconnect("globex")
	for method, open := range ways {
		for _, c := range []struct{ path, iss string }{
			{"/login", "https://nowhere.example"}, {"/login", portalIssuer + "/"}, {"/login", strings.ToUpper(portalIssuer)}, {"/login", ""},
			{"/login", "https://login.hooli.example"}, {"/login", "https://login.globex.example"}, {"/login", strings.Repeat("a", 5000)},
			{"/login/con_acme", issuer}, {"/login/con_nowhere", portalIssuer}, {"/login/con_globex", ""}, {"/login/x", portalIssuer}, {"/login/con_hooli", ""},
		} {
			page := open(w.portal(), c.path, url.Values{"iss": {c.iss}, "target_link_uri": {origin + "/notes"}})
			w.wants(page, http.StatusBadRequest, api.InvalidRequest)
			b := w.browser()
			if landed := b.Choose(b.Follow(linksOf(page)["Continue to sign in"]), "alice"); landed.URL.String() != origin+"/notes" {
				t.Errorf("%s %s iss=%.40s landed on %s\n%s", method, c.path, c.iss, landed.URL, page.Body)
			}
			if linksOf(page)["Go to Web"] == "" {
				t.Errorf("no link to the app: %s", page.Body)
			}
		}
	}
}

// TestInitiated_RegisteredOriginsOnly: the target is an address of an app, and nothing
// of the portal's chooses more than the provider, the target and the hint.
func TestInitiated_RegisteredOriginsOnly(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{JustInTime: true})
	for method, open := range ways {
		for _, target := range []string{"https://evil.example/", origin + ".evil.example/", "//evil.example", "javascript:alert(1)", origin + "@evil.example/", "http://localhost:9001/"} {
			page := open(w.portal(), "/login", url.Values{"iss": {portalIssuer}, "target_link_uri": {target}})
			w.wants(page, http.StatusBadRequest, api.InvalidRequest)
			if links := linksOf(page); links["Continue to sign in"] != "" || strings.Contains(page.Body, "evil.example") || len(links) == 0 {
				t.Errorf("%s %s: %s", method, target, page.Body)
			}
		}
		page := open(w.portal(), "/login", url.Values{
			"iss": {portalIssuer}, "organization": {"globex"}, "return_to": {"/elsewhere"}, "user": {"usr_1"}, "prompt": {"none"}, "acr_values": {"x"}, "max_age": {"0"},
		})
		on, _ := url.Parse(linksOf(page)["Continue to sign in"])
		want := url.Values{"organization": {"org_acme"}, "followed": {"1"}}
		if on.Query().Encode() != want.Encode() {
			t.Errorf("%s: the page goes on with %s", method, on.RawQuery)
		}
	}
}

// TestInitiated_SeveralApps: the target selects the app, or the parameter app that the
// registered address carries.
func TestInitiated_SeveralApps(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{JustInTime: true})
	w.Hosts["localhost:9000"] = http.NotFoundHandler()
	for method, open := range ways {
		for _, c := range []struct{ path, target, landed string }{
			{"/login?app=desk", "", sibling + "/"}, {"/login", sibling + "/reports", sibling + "/reports"}, {"/login", "", origin + "/"},
		} {
			path, app, _ := strings.Cut(c.path, "?app=")
			parameters := url.Values{"iss": {portalIssuer}}
			if app != "" {
				parameters.Set("app", app)
			}
			if c.target != "" {
				parameters.Set("target_link_uri", c.target)
			}
			page := open(w.portal(), path, parameters)
			b := w.browser()
			if landed := b.Choose(b.Follow(linksOf(page)["Continue to sign in"]), "nina"); landed.URL.String() != c.landed {
				t.Errorf("%s %s %s: landed on %s", method, c.path, c.target, landed.URL)
			}
		}
	}
}

// TestInitiated_AsksAgain: a portal's link that failed is repeated by a page of the
// backend's own, and the person is still asked first.
func TestInitiated_AsksAgain(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{JustInTime: true})
	for _, path := range []string{"/login", "/login/con_acme"} {
		faulty := w.Failing()
		faulty.Fail(1, false)
		page := w.portal().Open(publicURL + path + "?iss=" + url.QueryEscape(portalIssuer))
		faulty.Fail(0, false)
		again := linksOf(page)["Try again"]
		if page.Status != http.StatusServiceUnavailable || again == "" {
			t.Fatalf("%s: %d %s", path, page.Status, page.Body)
		}
		asked := w.browser().Step(again)
		if asked.Status != http.StatusOK || linksOf(asked)["Continue to sign in"] == "" || strings.Contains(linksOf(asked)["Continue to sign in"], "ask=") {
			t.Errorf("%s: %s leads to %d %v", path, again, asked.Status, asked.Header)
		}
	}
}

// TestInitiated_Malformed: repeated parameters, a form without iss, one that is too large,
// and a request that is no navigation.
func TestInitiated_Malformed(t *testing.T) {
	w := newBackend(t, nil)
	b := w.portal()
	for name, got := range map[string]httpbrowser.Response{
		"repeated in the address":   b.Open(publicURL + "/login?iss=a&iss=b"),
		"repeated in the form":      b.SubmitStep(publicURL+"/login", url.Values{"iss": {"a", "b"}}),
		"repeated in form, address": b.SubmitStep(publicURL+"/login?iss=a", url.Values{"iss": {"b"}}),
		"without iss":               b.SubmitStep(publicURL+"/login", url.Values{"login_hint": {"a"}}),
		"too large":                 b.SubmitStep(publicURL+"/login", url.Values{"iss": {strings.Repeat("a", 20<<10)}}),
	} {
		if got.Status != http.StatusBadRequest && (name != "too large" || got.Status != http.StatusRequestEntityTooLarge) || len(linksOf(got)) == 0 {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
	}
	w.wants(b.With("Sec-Fetch-Dest", "iframe").Open(publicURL+"/login?iss="+url.QueryEscape(issuer)), http.StatusForbidden, api.OriginNotAllowed)
	w.wants(b.With("Sec-Fetch-Mode", "cors").SubmitStep(publicURL+"/login", url.Values{"iss": {issuer}}), http.StatusForbidden, api.OriginNotAllowed)
	w.wants(b.With("Accept", "*/*").Open(publicURL+"/login?iss="+url.QueryEscape(issuer)), http.StatusForbidden, api.OriginNotAllowed)
}
