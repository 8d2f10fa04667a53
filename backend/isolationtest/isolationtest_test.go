package isolationtest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tabard-auth/tabard/backend/isolationtest"
)

// service stores notes of organizations, below both kinds of path, with one fault.
type service struct {
	fault string
	first int // the first id, a number; with 0, ids are texts
	mu    sync.Mutex
	notes map[string]map[string]string // text by organization and id
	made  int
}

// tokens map each token to its organization and validity.
var tokens = map[string]struct {
	organization string
	good         bool
}{
	"head.acme.one":   {"org_acme", true},
	"head.globex.two": {"org_globex", true},
	"old.acme.one":    {"org_acme", false},
	"old.globex.two":  {"org_globex", false},
}

// tenant returns the organization that a request acts for, or "" to refuse it.
func (s *service) tenant(r *http.Request, body map[string]string) string {
	raw := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	token := tokens[raw]
	switch {
	case s.fault == "no verification" && strings.Count(raw, ".") == 2:
		for _, name := range []string{"acme", "globex"} {
			if strings.Contains(raw, name) {
				return "org_" + name
			}
		}
	case s.fault == "no token needed" && raw == "":
		return r.PathValue("organization")
	case token.organization == "", !token.good && s.fault != "expired tokens":
		return ""
	}
	chosen := map[string]string{"header": r.Header.Get("X-Tenant-Id"), "query": r.URL.Query().Get("org_id"), "body": body["tenant"]}
	if cookie, err := r.Cookie("organization"); err == nil {
		chosen["cookie"] = cookie.Value
	}
	if of := chosen[s.fault]; of != "" {
		return of
	}
	switch path := r.PathValue("organization"); {
	case path == "" || path == token.organization, "org_"+path == token.organization:
	case s.fault == "path":
		return "org_" + strings.TrimPrefix(path, "org_")
	case s.fault != "path ignored" && !(s.fault == "slug" && !strings.HasPrefix(path, "org_")):
		return ""
	}
	return token.organization
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var body map[string]string
	json.NewDecoder(r.Body).Decode(&body)
	tenant := s.tenant(r, body)
	if tenant == "" {
		http.Error(w, "refused", http.StatusForbidden)
		return
	}
	id := r.PathValue("id")
	if s.fault == "no owner" && id != "" {
		for owner, notes := range s.notes {
			if notes[id] != "" {
				tenant = owner
			}
		}
	}
	if s.notes[tenant] == nil {
		s.notes[tenant] = map[string]string{}
	}
	notes := s.notes[tenant]
	switch {
	case s.fault == "panic" && r.Method == http.MethodPut:
		panic("oops")
	case s.fault == "broken" && r.Method == http.MethodPut:
		http.Error(w, "oops", http.StatusInternalServerError)
	case r.Method == http.MethodPost:
		s.made++
		var number any = fmt.Sprint("note", s.made)
		if s.first != 0 {
			number = s.first + s.made
		}
		notes[fmt.Sprint(number)] = body["text"]
		w.WriteHeader(http.StatusCreated)
		json.NewEncoder(w).Encode(map[string]any{"number": number})
	case id == "":
		all := slices.Sorted(maps.Values(notes))
		if s.fault == "list" {
			for _, others := range s.notes {
				all = append(all, slices.Sorted(maps.Values(others))...)
			}
		}
		json.NewEncoder(w).Encode(all)
	case notes[id] == "":
		http.NotFound(w, r)
	case r.Method == http.MethodPut:
		notes[id] = body["text"]
	case r.Method == http.MethodDelete:
		delete(notes, id)
	default:
		fmt.Fprint(w, notes[id])
	}
}

const routes = `
# with the organization in the path
GET    /organizations/{organization}/notes
record id=number POST /organizations/{organization}/notes {"text": "{canary}"}
GET /organizations/{organization}/notes/{id}
DELETE /organizations/{organization}/notes/{id}
# and without
GET /notes/{id}
PUT /notes/{id} {"text": "{canary}"}
`

func config(t *testing.T, fault string) isolationtest.Config {
	t.Helper()
	return tried(t, &service{fault: fault})
}

func tried(t *testing.T, s *service) isolationtest.Config {
	t.Helper()
	s.notes = map[string]map[string]string{}
	all, records, err := isolationtest.Plan(routes)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, route := range all {
		mux.Handle(route.Method+" "+route.Path, s)
	}
	return isolationtest.Config{
		Handler: mux, Routes: all,
		Tenants: [2]isolationtest.Tenant{
			{Organization: "org_acme", Slug: "acme", Token: "head.acme.one", Expired: "old.acme.one", OtherAudience: "aud.acme.one"},
			{Organization: "org_globex", Slug: "globex", Token: "head.globex.two", Expired: "old.globex.two", OtherAudience: "aud.globex.two"},
		},
		Records: records,
	}
}

func TestAServiceWithoutFaultIsFoundToHaveNone(t *testing.T) {
	isolationtest.Run(t, config(t, ""))
}

// TestIDsMayBeNumbers with as many digits as those of databases.
func TestIDsMayBeNumbers(t *testing.T) {
	isolationtest.Run(t, tried(t, &service{first: 1 << 62}))
}

func TestEveryFaultIsFound(t *testing.T) {
	for fault, want := range map[string]struct {
		problem isolationtest.Problem
		attempt string // a part of the attempt's description
	}{
		"header":          {isolationtest.Leaked, "the header X-Tenant-Id"},
		"query":           {isolationtest.Leaked, "the query org_id"},
		"cookie":          {isolationtest.Leaked, "the cookie organization"},
		"body":            {isolationtest.Changed, "the body's tenant"},
		"path":            {isolationtest.Leaked, "the path's organization"},
		"slug":            {isolationtest.Accepted, "the path's organization, by slug"},
		"path ignored":    {isolationtest.Accepted, "the path's organization"},
		"no owner":        {isolationtest.Leaked, "the path's record"},
		"list":            {isolationtest.Leaked, "its own path"},
		"expired tokens":  {isolationtest.Leaked, "an expired token"},
		"no verification": {isolationtest.Leaked, "a token signed by a foreign key"},
		"no token needed": {isolationtest.Leaked, "no token"},
		"broken":          {isolationtest.Failed, "its own path"},
		"panic":           {isolationtest.Failed, "its own path"},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			report, err := isolationtest.Check(t.Context(), config(t, fault))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(report.Findings, func(f isolationtest.Finding) bool {
				return f.Problem == want.problem && strings.Contains(f.Attempt, want.attempt) && strings.Contains(f.String(), f.Route.Path)
			}) {
				t.Errorf("not found among %v", report.Findings)
			}
		})
	}
}

func TestAChangeByAForeignHandIsFound(t *testing.T) {
	report, err := isolationtest.Check(t.Context(), config(t, "no owner"))
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"PUT", "DELETE"} {
		if !slices.ContainsFunc(report.Findings, func(f isolationtest.Finding) bool {
			return f.Problem == isolationtest.Changed && f.Route.Method == method
		}) {
			t.Errorf("what %s changes is not found", method)
		}
	}
}

func TestARouteThatServesNobodyProvesNothing(t *testing.T) {
	c := config(t, "")
	c.Routes = append(c.Routes, isolationtest.Route{Method: "GET", Path: "/misspelled"})
	report, err := isolationtest.Check(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) != 2 || report.Findings[0].Problem != isolationtest.Unproven {
		t.Errorf("%v", report.Findings)
	}
}

func TestAServiceIsTriedOverHTTPToo(t *testing.T) {
	c := config(t, "query")
	server := httptest.NewServer(c.Handler)
	defer server.Close()
	c.Handler, c.URL = nil, server.URL
	report, err := isolationtest.Check(t.Context(), c)
	if err != nil || len(report.Findings) == 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestWhatCannotBeTriedIsSaid(t *testing.T) {
	c := config(t, "expired tokens")
	c.Tenants[0].Expired, c.Tenants[1].Expired, c.Tenants[0].Slug = "", "", ""
	report, err := isolationtest.Check(t.Context(), c)
	if err != nil || len(report.Omitted) != 3 || len(report.Findings) != 0 {
		t.Errorf("%v, %v, %v", report.Omitted, report.Findings, err)
	}
	for name, spoil := range map[string]func(*isolationtest.Config){
		"no service":        func(c *isolationtest.Config) { c.Handler = nil },
		"two services":      func(c *isolationtest.Config) { c.URL = "http://localhost" },
		"no routes":         func(c *isolationtest.Config) { c.Routes = nil },
		"no records":        func(c *isolationtest.Config) { c.Records = nil },
		"one organization":  func(c *isolationtest.Config) { c.Tenants[1] = c.Tenants[0] },
		"no token":          func(c *isolationtest.Config) { c.Tenants[1].Token = "" },
		"a dead token":      func(c *isolationtest.Config) { c.Tenants[1].Token = c.Tenants[1].Expired },
		"a missing member":  func(c *isolationtest.Config) { c.Records[0].Values = map[string]string{"id": "id"} },
		"an answer of text": func(c *isolationtest.Config) { c.Records[0].Route = c.Routes[0] },
	} {
		c := config(t, "")
		spoil(&c)
		if _, err := isolationtest.Check(t.Context(), c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestCheck_SaysWhatIsWrongWithAPlan names the route, the wildcard and the status.
func TestCheck_SaysWhatIsWrongWithAPlan(t *testing.T) {
	for want, spoil := range map[string]func(*isolationtest.Config){
		"nothing fills {org} of GET /organizations/{org}/notes": func(c *isolationtest.Config) {
			c.Routes = append(c.Routes, isolationtest.Route{Method: "GET", Path: "/organizations/{org}/notes"})
		},
		"nothing fills {note_id} of POST /merge": func(c *isolationtest.Config) {
			c.Routes = append(c.Routes, isolationtest.Route{Method: "POST", Path: "/merge", Body: `{"from": "{note_id}"}`})
		},
		"POST /moved answers 307, without a JSON object": func(c *isolationtest.Config) {
			c.Records[0].Route = isolationtest.Route{Method: "POST", Path: "/moved", Body: `{"text": "{canary}"}`}
			intact := c.Handler
			c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/moved" {
					http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
					return
				}
				intact.ServeHTTP(w, r)
			})
		},
	} {
		c := config(t, "")
		spoil(&c)
		if _, err := isolationtest.Check(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestRoutesAreReadFromAnOpenAPIDocument(t *testing.T) {
	const document = `
openapi: 3.1.0
paths:
  /organizations/{organization}/notes:
    parameters: [{name: organization, in: path}]
    get: {summary: all}
    post:
      requestBody:
        content:
          application/json:
            example: {text: "{canary}"}
  /organizations/{organization}/notes/{id}:
    delete: {}
`
	for _, text := range []string{document, `{"paths": {"/organizations/{organization}/notes": {"get": {}, "post": {"requestBody": {"content": {"application/json": {"example": {"text": "{canary}"}}}}}}, "/organizations/{organization}/notes/{id}": {"delete": {}}}}`} {
		got, err := isolationtest.OpenAPI([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		want := []isolationtest.Route{
			{Method: "GET", Path: "/organizations/{organization}/notes"},
			{Method: "POST", Path: "/organizations/{organization}/notes", Body: `{"text":"{canary}"}`},
			{Method: "DELETE", Path: "/organizations/{organization}/notes/{id}"},
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v", got)
		}
	}
	for _, text := range []string{"paths: 7", "\t", "paths: {/a: {get: {requestBody: 7}}}"} {
		if got, err := isolationtest.OpenAPI([]byte(text)); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestARouteIsAMethodAPathAndABody(t *testing.T) {
	for _, text := range []string{"", "GET", "get /notes", "/notes", "GET notes", "POST /notes {text}", "POST /notes text"} {
		if r, err := isolationtest.ParseRoute(text); err == nil {
			t.Errorf("%q: %+v", text, r)
		}
	}
}

func FuzzPlan(f *testing.F) {
	f.Add(routes)
	f.Add("record a=b c=d POST /{a}/{c...} {\"{a}\":\"{canary}\"}")
	f.Add("record =\n# \nGET /{$}")
	f.Fuzz(func(t *testing.T, text string) {
		all, records, err := isolationtest.Plan(text)
		if err != nil {
			return
		}
		for _, r := range append(all, isolationtest.Route{Method: "GET", Path: "/"}) {
			if !strings.HasPrefix(r.Path, "/") || r.Body != "" && !json.Valid([]byte(r.Body)) {
				t.Errorf("%+v", r)
			}
		}
		if len(records) > len(all) {
			t.Errorf("%d records by %d routes", len(records), len(all))
		}
		isolationtest.OpenAPI([]byte(text))
	})
}
