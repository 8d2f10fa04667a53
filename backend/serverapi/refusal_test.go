package serverapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/serverapi/adminapi"
)

// example is a request of a route that is answered with success.
type example struct {
	body string
	// tenant tells that an organization's own key suffices; otherwise it takes one to
	// the workspace.
	tenant bool
}

const (
	someOrganization = `{"slug":"initech","name":"Initech"}`
	someConnection   = `{"issuer":"https://id.acme.example","client_id":"tabard","client_secret":"hush","scopes":["email"],` +
		`"provisioning":{"just_in_time":true,"claim":"groups","groups":[{"group":"Staff of 2nd floor","roles":["viewer"]}]}}`
	someWorkspace   = `{"apps":[{"id":"web","name":"Web","origins":["` + origin + `"],"audience":"` + origin + `/api"}],"roles":{"viewer":["notes:read"]},"policy":{"access_ttl":60}}`
	otherConnection = `{"client_id":"other","provisioning":{"roles":["viewer"]}}`
)

// examples has one for every route: the test fails where one is missing.
var examples = map[string]example{
	"GET /organizations":                                                  {},
	"POST /organizations":                                                 {body: someOrganization},
	"GET /organizations/{organization}":                                   {tenant: true},
	"PATCH /organizations/{organization}/attributes":                      {body: `{"attributes":{"plan":null}}`},
	"PATCH /organizations/{organization}/members/{user}/attributes":       {body: `{"attributes":{"level":null}}`, tenant: true},
	"PATCH /organizations/{organization}":                                 {body: `{"name":"Acme Ltd"}`},
	"DELETE /organizations/{organization}":                                {},
	"POST /organizations/{organization}/disable":                          {},
	"POST /organizations/{organization}/enable":                           {},
	"GET /organizations/{organization}/policy":                            {tenant: true},
	"PUT /organizations/{organization}/policy":                            {tenant: true, body: `{"idle_timeout":600,"acr":["mfa"]}`},
	"GET /organizations/{organization}/members":                           {tenant: true},
	"POST /organizations/{organization}/members":                          {tenant: true, body: `{"iss":"https://id.example","sub":"zoe","name":"Zoe","roles":["viewer"]}`},
	"POST /organizations/{organization}/file-members":                     {body: `{"members":[{"iss":"https://id.example","sub":"zoe","roles":["viewer"]}]}`},
	"POST /organizations/{organization}/file-settings":                    {body: `{"domains":[]}`},
	"GET /organizations/{organization}/members/{user}":                    {tenant: true},
	"PUT /organizations/{organization}/members/{user}":                    {tenant: true, body: `{"roles":["viewer"]}`},
	"DELETE /organizations/{organization}/members/{user}":                 {tenant: true},
	"POST /organizations/{organization}/members/{user}/disable":           {tenant: true},
	"POST /organizations/{organization}/members/{user}/enable":            {tenant: true},
	"DELETE /organizations/{organization}/members/{user}/sessions":        {tenant: true},
	"DELETE /organizations/{organization}/members/{user}/links":           {tenant: true},
	"GET /organizations/{organization}/staff":                             {tenant: true},
	"POST /organizations/{organization}/staff":                            {body: `{"user_id":"usr_aide","roles":["viewer"],"reason":"ticket 4711","expires_in":3600}`},
	"GET /organizations/{organization}/staff/{user}":                      {tenant: true},
	"DELETE /organizations/{organization}/staff/{user}":                   {tenant: true},
	"GET /organizations/{organization}/connections":                       {tenant: true},
	"POST /organizations/{organization}/connections":                      {tenant: true, body: someConnection},
	"GET /organizations/{organization}/connections/{connection}":          {tenant: true},
	"PUT /organizations/{organization}/connections/{connection}":          {tenant: true, body: otherConnection},
	"DELETE /organizations/{organization}/connections/{connection}":       {tenant: true},
	"POST /organizations/{organization}/connections/{connection}/enable":  {tenant: true},
	"POST /organizations/{organization}/connections/{connection}/disable": {tenant: true},
	"GET /organizations/{organization}/domains":                           {tenant: true},
	"POST /organizations/{organization}/domains":                          {tenant: true, body: `{"domain":"another.example"}`},
	"GET /organizations/{organization}/domains/{domain}":                  {tenant: true},
	"DELETE /organizations/{organization}/domains/{domain}":               {tenant: true},
	"POST /organizations/{organization}/domains/{domain}/check":           {tenant: true},
	"GET /organizations/{organization}/sessions":                          {tenant: true},
	"DELETE /organizations/{organization}/sessions/{session}":             {tenant: true},
	"GET /organizations/{organization}/audit":                             {tenant: true},
	"GET /users":                    {},
	"GET /users/{user}":             {},
	"POST /users/{user}/disable":    {},
	"POST /users/{user}/enable":     {},
	"GET /users/{user}/sessions":    {},
	"DELETE /users/{user}/sessions": {},
	"DELETE /sessions/{session}":    {},
	"GET /workspace":                {},
	"PUT /workspace":                {body: someWorkspace},
	"GET /policy":                   {},
	"PUT /policy":                   {body: `{"session_age":3600,"access_ttl":60}`},
	"GET /audit":                    {},
	"GET /keys":                     {},
	"POST /keys":                    {body: `{"name":"of the billing server","organization":"acme","expires_in":3600}`},
	"GET /keys/{key}":               {},
	"DELETE /keys/{key}":            {},
}

// tried is a backend with a route of which all that its path names is there: in acme, and
// the same in globex.
type tried struct {
	*backend
	adminapi.Route
	example
	of     map[string]map[string]string // by organization's slug, by the path's name
	globex string                       // a key to globex
}

// onEveryRoute runs a test on every route, each in a backend of its own.
func onEveryRoute(t *testing.T, test func(*tried)) {
	for _, route := range adminapi.Routes {
		t.Run(route.Method+" "+route.Path, func(t *testing.T) {
			e, ok := examples[route.Method+" "+route.Path]
			if !ok {
				t.Fatal("this route has no example")
			}
			w := newBackend(t, nil)
			w.resolving()
			r := &tried{backend: w, Route: route, example: e, of: map[string]map[string]string{}, globex: w.key("globex's", "globex")}
			for slug, person := range map[string]string{"acme": "carol", "globex": "dave"} {
				r.of[slug] = r.furnish(slug, person)
			}
			test(r)
		})
	}
}

// furnish gives an organization a member with a session, staff, a connection and a key.
func (r *tried) furnish(slug, person string) map[string]string {
	r.Helper()
	var m admin.Member
	r.does("POST", "/organizations/"+slug+"/members", `{"iss":"`+issuer+`","sub":"`+person+`"}`, r.whole, &m)
	r.person("usr_aide")
	helper := r.person("usr_" + person + "s-helper")
	r.does("POST", "/organizations/"+slug+"/staff", `{"user_id":"`+helper+`","reason":"r","expires_in":3600}`, r.whole, nil)
	var c admin.Connection
	r.does("POST", "/organizations/"+slug+"/connections", someConnection, r.whole, &c)
	r.does("POST", "/organizations/"+slug+"/domains", `{"domain":"`+slug+`.example"}`, r.whole, nil)
	var k admin.CreatedKey
	r.does("POST", "/keys", `{"name":"another","organization":"`+slug+`"}`, r.whole, &k)
	session := r.minted(r.mint(r.signedIn(person), slug)).Session
	return map[string]string{"organization": slug, "user": m.UserID, "helper": helper, "connection": c.ID, "domain": slug + ".example", "key": k.ID, "session": session}
}

// named is the route's path, in which staff have another name than members.
func (r *tried) named() string { return strings.Replace(r.Path, "/staff/{user}", "/staff/{helper}", 1) }

// person creates a user with an id.
func (r *tried) person(id string) string {
	r.Helper()
	u, err := r.Store.EnsureUser(r.Context(), directory.User{ID: id, Issuer: issuer, Subject: id}, r.Now().Unix())
	r.must(u, err)
	return u.ID
}

// path is the route's path with names filled in: the organization's own, but for those
// that are given.
func (r *tried) path(slug string, others ...string) string {
	names := strings.NewReplacer("{organization}", slug)
	path := names.Replace(r.named())
	for name, value := range r.of[slug] {
		for i := 0; i+1 < len(others); i += 2 {
			if others[i] == name {
				value = others[i+1]
			}
		}
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	return path
}

func TestEveryRouteAnswersItsExample(t *testing.T) {
	onEveryRoute(t, func(r *tried) {
		key := r.whole
		if r.tenant {
			key = r.acme
		}
		if got := r.ask(r.Method, r.path("acme"), r.body, key); got.Status >= 300 {
			r.Errorf("%d %s\n%s", got.Status, got.Body, r.Logged)
		}
	})
}

func TestEveryRouteRefusesAKeyThatIsNone(t *testing.T) {
	onEveryRoute(t, func(r *tried) {
		var soon admin.CreatedKey
		r.does("POST", "/keys", `{"name":"expires soon","expires_in":60}`, r.whole, &soon)
		var gone admin.CreatedKey
		r.does("POST", "/keys", `{"name":"revoked"}`, r.whole, &gone)
		r.does("DELETE", "/keys/"+gone.ID, "", r.whole, nil)
		r.Pass(time.Minute)
		bodies := map[string]bool{}
		for name, key := range map[string]string{
			"none": "", "unknown": gone.Secret[:len(gone.Secret)-4] + "AAAA", "short": gone.Secret[:20],
			"revoked": gone.Secret, "expired": soon.Secret,
		} {
			got := r.ask(r.Method, r.path("acme"), r.body, key)
			if r.wants(got, http.StatusUnauthorized, api.AdminKeyRequired); got.Header.Get("WWW-Authenticate") != "Bearer" {
				r.Errorf("%s: %v", name, got.Header)
			}
			bodies[got.Body] = true
		}
		if len(bodies) != 1 {
			r.Errorf("the answers differ: %v", bodies)
		}
	})
}

func TestEveryRouteRefusesAKeyThatIsTooNarrow(t *testing.T) {
	onEveryRoute(t, func(r *tried) {
		if r.tenant {
			return // see TestAnOrganizationThatIsNotYoursDoesNotExist
		}
		for _, slug := range []string{"acme", "globex", "nowhere"} {
			r.wants(r.ask(r.Method, r.path(slug), r.body, r.acme), http.StatusForbidden, api.AdminAccessDenied)
		}
	})
}

func TestAnOrganizationThatIsNotYoursDoesNotExist(t *testing.T) {
	onEveryRoute(t, func(r *tried) {
		if !r.tenant {
			return
		}
		missing := r.ask(r.Method, r.path("nowhere"), r.body, r.whole)
		r.wants(missing, http.StatusNotFound, api.NotFound)
		for _, named := range []string{"acme", "org_acme"} {
			path := strings.Replace(r.path("acme"), "/acme", "/"+named, 1)
			if got := r.ask(r.Method, path, r.body, r.globex); got.Status != missing.Status || got.Body != missing.Body {
				r.Errorf("%s: %d %s, want %d %s", named, got.Status, got.Body, missing.Status, missing.Body)
			}
		}
	})
}

// TestWhatLiesInAnotherOrganizationDoesNotExist, also for an administrator of another
// organization.
func TestWhatLiesInAnotherOrganizationDoesNotExist(t *testing.T) {
	onEveryRoute(t, func(r *tried) {
		if !r.tenant || strings.HasSuffix(r.Path, "{user}/sessions") || strings.HasSuffix(r.Path, "{user}/links") {
			return // ending no session or link is no failure
		}
		for name, unknown := range map[string]string{
			"user": "usr_nobody", "helper": "usr_nobody", "connection": "con_none", "session": "ses_aaaaaaaaaaaaaaaaaaaaaaaaaa",
		} {
			if !strings.Contains(r.named(), "{"+name+"}") {
				continue
			}
			missing := r.ask(r.Method, r.path("acme", name, unknown), r.body, r.acme)
			r.wants(missing, http.StatusNotFound, api.NotFound)
			got := r.ask(r.Method, r.path("acme", name, r.of["globex"][name]), r.body, r.acme)
			if got.Status != missing.Status || got.Body != missing.Body {
				r.Errorf("%d %s, want %d %s", got.Status, got.Body, missing.Status, missing.Body)
			}
		}
	})
}

func TestEveryRouteRefusesBrowsers(t *testing.T) {
	onEveryRoute(t, func(r *tried) {
		for name, value := range map[string]string{
			"Origin": origin, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document",
		} {
			request := r.request(r.Method, r.path("acme"), r.body, r.whole)
			request.Header.Set(name, value)
			got := r.send(request)
			r.wants(got, http.StatusForbidden, api.OriginNotAllowed)
			if got.Header.Get("Access-Control-Allow-Origin") != "" {
				r.Errorf("%v", got.Header)
			}
		}
	})
}

// TestServer_FetchOfNode: Node's fetch sends one of the headers of Fetch Metadata, and browsers
// never send it alone.
func TestServer_FetchOfNode(t *testing.T) {
	onEveryRoute(t, func(r *tried) {
		request := r.request(r.Method, r.path("acme"), r.body, r.whole)
		request.Header.Set("Sec-Fetch-Mode", "cors")
		if got := r.send(request); strings.Contains(got.Body, string(api.OriginNotAllowed)) {
			r.Errorf("%d %s", got.Status, got.Body)
		}
	})
}

// TestNoTextInAPathIsMoreThanAName tries texts over which databases differ, and those of
// attacks on paths.
func TestNoTextInAPathIsMoreThanAName(t *testing.T) {
	onEveryRoute(t, func(r *tried) {
		for _, name := range []string{"organization", "user", "helper", "connection", "session", "key"} {
			if !strings.Contains(r.named(), "{"+name+"}") {
				continue
			}
			for _, text := range []string{"%00", "%FF", "'%20OR%201=1--", "%2e%2e", "a%2Fb", "ORG_ACME", strings.Repeat("a", 5000)} {
				path := strings.Replace(r.named(), "{"+name+"}", text, 1)
				for other, value := range r.of["acme"] {
					path = strings.ReplaceAll(path, "{"+other+"}", value)
				}
				if got := r.ask(r.Method, path, r.body, r.whole); got.Status != http.StatusNotFound {
					r.Errorf("%s: %d %s", path, got.Status, got.Body)
				}
			}
		}
	})
}
