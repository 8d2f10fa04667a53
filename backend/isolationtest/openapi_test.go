package isolationtest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/isolationtest"
)

// openAPIDocument describes an API of projects and their tasks, with references,
// compositions and names of its own.
const openAPIDocument = `
openapi: 3.1.0
info: {title: tasks, version: "1"}
servers: [{url: "https://api.example.com/v1/"}]
paths:
  /health: {get: {security: [], responses: {200: {description: fine}}}}
  /tenants/{tenantId}/projects:
    parameters: [{name: tenantId, in: path, required: true, schema: {type: string}}]
    get:
      parameters:
        - {name: team_id, in: query, schema: {type: string}}
        - {name: state, in: query, required: true, schema: {type: string, enum: [open, closed]}}
    post:
      requestBody: {$ref: "#/components/requestBodies/Project"}
      responses: {"201": {description: made}}
  /tenants/{tenantId}/projects/{id}:
    get: {}
    delete: {}
  /tenants/{tenantId}/projects/{projectId}/tasks:
    get: {}
    post:
      requestBody:
        content:
          application/vnd.tasks+json:
            schema: {$ref: "#/components/schemas/Task"}
  /tasks/{id}: {get: {}}
  /labels/{id}: {get: {}}
  /tenants/{tenantId}/projects/{projectId}/tasks/{taskId}: {patch: {requestBody: {content: {application/json: {example: {done: true}}}}}}
  /tenants/{tenantId}/uploads: {post: {requestBody: {required: true, content: {image/png: {}}}}}
components:
  requestBodies:
    Project: {content: {application/json: {schema: {$ref: "#/components/schemas/Project"}}}}
  schemas:
    Named: {type: object, required: [name], properties: {name: {type: string, maxLength: 20, example: Apollo}}}
    Project:
      allOf:
        - {$ref: "#/components/schemas/Named"}
        - type: object
          required: [kind, starts, tenant_id]
          properties:
            id: {type: string, readOnly: true}
            tenant_id: {type: string}
            kind: {type: string, enum: [small, large]}
            starts: {type: string, format: date}
            size: {type: integer}
            parent: {$ref: "#/components/schemas/Project"}
    Task:
      type: object
      required: [title, project_id, labels]
      properties:
        title: {type: [string, "null"]}
        code: {type: string, pattern: "^[A-Z]{3}$", example: ABC}
        project_id: {type: string}
        labels: {type: array, items: {type: string}}
`

func TestPlanOpenAPI_MakesAPlan(t *testing.T) {
	got, err := isolationtest.PlanOpenAPI([]byte(openAPIDocument))
	if err != nil {
		t.Fatal(err)
	}
	const projects, tasks = "/v1/tenants/{organization}/projects", "/v1/tenants/{organization}/projects/{project}/tasks"
	project := isolationtest.Route{Method: "POST", Path: projects, Body: `{"kind":"small","name":"{canary:20}","starts":"2030-01-02","tenant_id":"{organization}"}`}
	task := isolationtest.Route{Method: "POST", Path: tasks, Body: `{"code":"ABC","labels":["{canary}"],"project_id":"{project}","title":"{canary}"}`, Type: "application/vnd.tasks+json"}
	want := []isolationtest.Route{
		{Method: "GET", Path: projects + "?state=open"}, project,
		{Method: "GET", Path: projects + "/{project}"}, {Method: "DELETE", Path: projects + "/{project}"},
		{Method: "GET", Path: tasks}, task, {Method: "GET", Path: "/v1/tasks/{task2}"},
		{Method: "PATCH", Path: tasks + "/{task2}", Body: `{"done":true}`},
	}
	for _, r := range want {
		if !slices.ContainsFunc(got.Routes, func(g isolationtest.Route) bool {
			g.Body = strings.ReplaceAll(g.Body, `"parent":{"kind":"small","name":"{canary:20}","starts":"2030-01-02","tenant_id":"{organization}"},`, "")
			return g.Method == r.Method && g.Path == r.Path && g.Type == r.Type && (r.Method != "PATCH" || g.Body == r.Body)
		}) {
			t.Errorf("%+v is not among %+v", r, got.Routes)
		}
	}
	if len(got.Records) != 2 || got.Records[0].Route.Path != projects || !strings.Contains(got.Records[0].Route.Body, `"name":"{canary:20}"`) || strings.Contains(got.Records[0].Route.Body, `"id"`) || got.Records[1].Route != task {
		t.Errorf("records %+v", got.Records)
	}
	if !slices.Contains(got.Names, "team_id") {
		t.Errorf("names %v", got.Names)
	}
	for _, what := range []string{"GET /health: it is public", "uploads: its body is not JSON", "no POST of the document makes a record for {label}"} {
		if !strings.Contains(strings.Join(got.Omitted, "\n"), what) {
			t.Errorf("%s is not among %q", what, got.Omitted)
		}
	}
	for _, text := range []string{"\t", "paths: {}", `{"swagger": "2.0"}`, "7"} {
		if _, err := isolationtest.PlanOpenAPI([]byte(text)); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

// TestPlanOpenAPI_RunsOnAnAPI makes a plan of a document of the sample with GET and
// POST, and finds its leak with it.
func TestPlanOpenAPI_RunsOnAnAPI(t *testing.T) {
	const document = `{"openapi": "3.0.3", "paths": {
		"/organizations/{org}/notes": {"get": {}, "post": {"requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {"text": {"type": "string"}}}}}}}},
		"/organizations/{org}/notes/{id}": {"get": {}, "delete": {}}}}`
	planned, err := isolationtest.PlanOpenAPI([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	for leak, want := range map[string]isolationtest.Problem{"": "", "the workspace's header decides": isolationtest.Leaked, "the status tells": isolationtest.Distinguished} {
		s := plain(leak)
		s.plan = ""
		report := checkPlanned(t, s, planned.Routes, planned.Records)
		switch found := len(report.Findings) > 0; {
		case found != (want != ""):
			t.Errorf("%q: %v", leak, report.Findings)
		case found && (report.Findings[0].Problem != want || report.Findings[0].Route.Method != http.MethodGet):
			t.Errorf("%q: %v", leak, report.Findings[0])
		}
	}
}
