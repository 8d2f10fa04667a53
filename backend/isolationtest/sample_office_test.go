package isolationtest_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// office is an API with numbers as ids, which its bodies demand as numbers. Its document is
// all that the kit gets.
type office struct {
	leak string
	mu   sync.Mutex
	made int
	all  []*officeRow
	kept map[string]officeList // the dashboard's cache
}

type officeRow struct {
	kind, organization, text, email string
	id, project, person             int
	primary, done                   bool
}

type officeList struct {
	at   time.Time
	text string
}

// officeLeaks are of the kinds that a second person's list had and the kit missed, each with
// a route that has it.
var officeLeaks = map[string]string{
	"a task may be in a foreign project":       "POST /tasks",
	"a task may be moved to a foreign project": "PATCH /tasks/{task}",
	"a filter names any project":               "GET /tasks?projectId={project}",
	"a comment quotes any comment":             "POST /tasks/{task}/comments",
	"an assignee may be anybody's":             "PATCH /tasks/{task}",
	"a comment is found by its id alone":       "DELETE /comments/{comment}",
	"a file is found by its name alone":        "PUT /files/raw/{file_name}",
	"a mention shows anybody":                  "POST /tasks/{task}/comments",
	"one primary project for everybody":        "PUT /projects/{project}/primary",
	"a person is found by address":             "POST /people",
	"a removal takes the name's others along":  "DELETE /projects/{project}",
	"an export takes any project":              "POST /exports",
}

const officeDocument = `
openapi: 3.0.3
paths:
  /projects:
    get: {parameters: [{name: limit, in: query, schema: {type: integer}}]}
    post: {requestBody: {content: {application/json: {schema: {type: object, required: [name], properties: {name: {type: string}, parent_id: {type: integer}}}}}}}
  /projects/{id}: {get: {}, delete: {}}
  /projects/{id}/primary: {put: {}}
  /people:
    get: {}
    post: {requestBody: {content: {application/json: {schema: {type: object, required: [name, email], properties: {name: {type: string}, email: {type: string, format: email}}}}}}}
  /people/{person_id}: {get: {}, delete: {}}
  /tasks:
    get: {parameters: [{name: projectId, in: query, schema: {type: integer}}]}
    post: {requestBody: {content: {application/json: {schema: {type: object, required: [projectId, title], properties: {projectId: {type: integer}, title: {type: string}}}}}}}
  /tasks/{id}:
    get: {}
    delete: {}
    patch: {requestBody: {content: {application/json: {schema: {type: object, properties: {projectId: {type: integer}, assignee_id: {type: integer}, title: {type: string}}}}}}}
  /tasks/{id}/comments:
    post: {requestBody: {content: {application/json: {schema: {type: object, required: [body], properties: {body: {type: string}, reply_to: {type: integer}}}}}}}
  /comments/{comment_id}: {get: {}, delete: {}}
  /files:
    get: {}
    post:
      requestBody: {content: {application/json: {schema: {type: object, required: [name], properties: {name: {type: string}}}}}}
      responses: {"201": {content: {application/json: {schema: {type: object, properties: {id: {type: integer}, name: {type: string}}}}}}}
  /files/{file_id}: {get: {}, delete: {}}
  /files/raw/{file_name}: {put: {requestBody: {content: {application/octet-stream: {}}}}}
  /exports:
    post: {requestBody: {content: {application/json: {schema: {type: object, required: [project_id], properties: {project_id: {type: integer}}}}}}}
  /exports/{id}: {get: {}, delete: {}}
  /dashboard: {get: {}}
`

func newOffice(leak string) *sample {
	o := &office{leak: leak, made: 400, kept: map[string]officeList{}}
	s := newSample(leak, "")
	handle := func(pattern string, f func(w http.ResponseWriter, r *http.Request, organization string)) {
		s.handle(pattern, func(w http.ResponseWriter, r *http.Request, organization string) {
			time.Sleep(5 * time.Millisecond) // as a network does, by the bubble's clock
			o.mu.Lock()
			defer o.mu.Unlock()
			f(w, r, organization)
		})
	}
	for path, kind := range map[string]string{"projects": "project", "people": "person", "tasks": "task", "files": "file"} {
		handle("GET /"+path, func(w http.ResponseWriter, r *http.Request, organization string) { o.list(w, r, kind, organization) })
	}
	for path, kind := range map[string]string{"projects": "project", "people": "person", "tasks": "task", "files": "file", "comments": "comment", "exports": "export"} {
		handle("GET /"+path+"/{id}", func(w http.ResponseWriter, r *http.Request, organization string) {
			if found := o.find(kind, organization, number(r.PathValue("id"))); found == nil {
				fail(w, http.StatusNotFound, "there is none")
			} else {
				answer(w, http.StatusOK, o.shown(found))
			}
		})
		handle("DELETE /"+path+"/{id}", func(w http.ResponseWriter, r *http.Request, organization string) { o.remove(w, r, kind, organization) })
	}
	handle("POST /projects", func(w http.ResponseWriter, r *http.Request, organization string) {
		in := input(r)
		if parent, ok := in["parent_id"]; ok && o.find("project", organization, parent) == nil {
			fail(w, http.StatusUnprocessableEntity, "there is no such parent")
			return
		}
		o.create(w, &officeRow{kind: "project", organization: organization, text: text(in, "name")})
	})
	handle("PUT /projects/{id}/primary", o.primary)
	handle("POST /people", o.hire)
	handle("POST /tasks", o.newTask)
	handle("PATCH /tasks/{id}", o.changeTask)
	handle("POST /tasks/{id}/comments", o.comment)
	handle("POST /files", func(w http.ResponseWriter, r *http.Request, organization string) {
		o.create(w, &officeRow{kind: "file", organization: organization, text: text(input(r), "name")})
	})
	handle("PUT /files/raw/{name}", o.upload)
	handle("POST /exports", o.export)
	handle("GET /dashboard", o.dashboard)
	return s
}

func number(value any) int {
	switch value := value.(type) {
	case float64:
		return int(value)
	case string:
		n, _ := strconv.Atoi(value)
		return n
	}
	return 0
}

// find returns a row of an organization by its number. A text is none, as in strict decoders.
func (o *office) find(kind, organization string, id any) *officeRow {
	if _, isText := id.(string); isText {
		return nil
	}
	n := 0
	switch id := id.(type) {
	case int:
		n = id
	case float64:
		n = int(id)
	}
	for _, r := range o.all {
		if r.kind == kind && r.id == n && (organization == "" || r.organization == organization) {
			return r
		}
	}
	return nil
}

// unless returns an organization, or "" with a leak.
func (o *office) unless(leak, organization string) string {
	if o.leak == leak {
		return ""
	}
	return organization
}

func (o *office) shown(r *officeRow) map[string]any {
	members := map[string]any{"id": r.id, "name": r.text}
	switch r.kind {
	case "task":
		members["projectId"] = r.project
		if p := o.find("person", "", r.person); p != nil {
			members["assignee"] = p.text
		}
	case "project":
		members["primary"] = r.primary
	case "person":
		members["email"] = r.email
	case "export":
		members["done"] = r.done
	}
	return members
}

func (o *office) create(w http.ResponseWriter, r *officeRow) {
	if r.text == "" {
		fail(w, http.StatusUnprocessableEntity, "a text is required")
		return
	}
	o.made++
	r.id = o.made
	o.all = append(o.all, r)
	answer(w, http.StatusCreated, o.shown(r))
}

func (o *office) list(w http.ResponseWriter, r *http.Request, kind, organization string) {
	rows := []any{}
	project := r.URL.Query().Get("projectId")
	for _, each := range o.all {
		if each.kind != kind || project == "" && each.organization != organization {
			continue
		}
		if project != "" && (each.project != number(project) || o.find("project", o.unless("a filter names any project", organization), each.project) == nil) {
			continue
		}
		rows = append(rows, o.shown(each))
	}
	answer(w, http.StatusOK, rows)
}

func (o *office) remove(w http.ResponseWriter, r *http.Request, kind, organization string) {
	of := organization
	if kind == "comment" {
		of = o.unless("a comment is found by its id alone", organization)
	}
	found := o.find(kind, of, number(r.PathValue("id")))
	if found == nil {
		fail(w, http.StatusNotFound, "there is none")
		return
	}
	o.all = slices.DeleteFunc(o.all, func(each *officeRow) bool {
		return each == found || o.leak == "a removal takes the name's others along" && each.kind == kind && each.text == found.text
	})
	if found.organization != organization { // it is done, and denied
		fail(w, http.StatusNotFound, "there is none")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (o *office) primary(w http.ResponseWriter, r *http.Request, organization string) {
	found := o.find("project", organization, number(r.PathValue("id")))
	if found == nil {
		fail(w, http.StatusNotFound, "there is none")
		return
	}
	for _, each := range o.all {
		if each.organization == organization || o.leak == "one primary project for everybody" {
			each.primary = each == found
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func (o *office) hire(w http.ResponseWriter, r *http.Request, organization string) {
	in := input(r)
	name, email := text(in, "name"), text(in, "email")
	if !strings.Contains(email, "@") || strings.ContainsAny(email, " #") {
		fail(w, http.StatusUnprocessableEntity, "an address is required")
		return
	}
	for _, each := range o.all {
		if each.kind == "person" && each.email == email && o.leak == "a person is found by address" {
			each.text = name
		}
	}
	o.create(w, &officeRow{kind: "person", organization: organization, text: name, email: email})
}

func (o *office) newTask(w http.ResponseWriter, r *http.Request, organization string) {
	in := input(r)
	project := o.find("project", o.unless("a task may be in a foreign project", organization), in["projectId"])
	if project == nil {
		fail(w, http.StatusUnprocessableEntity, "there is no such project")
		return
	}
	o.create(w, &officeRow{kind: "task", organization: organization, text: text(in, "title"), project: project.id})
}

// changeTask changes everything or nothing.
func (o *office) changeTask(w http.ResponseWriter, r *http.Request, organization string) {
	in := input(r)
	task := o.find("task", organization, number(r.PathValue("id")))
	if task == nil {
		fail(w, http.StatusNotFound, "there is none")
		return
	}
	if in["projectId"] != nil && o.find("project", o.unless("a task may be moved to a foreign project", organization), in["projectId"]) == nil ||
		in["assignee_id"] != nil && o.find("person", o.unless("an assignee may be anybody's", organization), in["assignee_id"]) == nil {
		fail(w, http.StatusUnprocessableEntity, "there is no such project or person")
		return
	}
	if in["projectId"] != nil {
		task.project = number(in["projectId"])
	}
	if in["assignee_id"] != nil {
		task.person = number(in["assignee_id"])
	}
	if title := text(in, "title"); title != "" {
		task.text = title
	}
	answer(w, http.StatusOK, o.shown(task))
}

var atSomebody = regexp.MustCompile(`@(\d+)`)

func (o *office) comment(w http.ResponseWriter, r *http.Request, organization string) {
	in := input(r)
	if o.find("task", organization, number(r.PathValue("id"))) == nil {
		fail(w, http.StatusNotFound, "there is none")
		return
	}
	body := text(in, "body")
	if quoted := o.find("comment", o.unless("a comment quotes any comment", organization), in["reply_to"]); quoted != nil {
		body += " > " + quoted.text
	}
	body = atSomebody.ReplaceAllStringFunc(body, func(at string) string {
		if somebody := o.find("person", o.unless("a mention shows anybody", organization), number(at[1:])); somebody != nil {
			return "@" + somebody.text
		}
		return at
	})
	o.create(w, &officeRow{kind: "comment", organization: organization, text: body})
}

func (o *office) upload(w http.ResponseWriter, r *http.Request, organization string) {
	i := slices.IndexFunc(o.all, func(each *officeRow) bool {
		return each.kind == "file" && each.text == r.PathValue("name") && (each.organization == organization || o.leak == "a file is found by its name alone")
	})
	if i >= 0 {
		o.made++
		o.all[i].id = o.made // a new version
		w.WriteHeader(http.StatusNoContent)
		return
	}
	o.create(w, &officeRow{kind: "file", organization: organization, text: r.PathValue("name")})
}

// export is done a little later.
func (o *office) export(w http.ResponseWriter, r *http.Request, organization string) {
	project := o.find("project", o.unless("an export takes any project", organization), input(r)["project_id"])
	if project == nil {
		fail(w, http.StatusUnprocessableEntity, "there is no such project")
		return
	}
	row := &officeRow{kind: "export", organization: organization, text: "an export"}
	if o.leak == "an export takes any project" {
		row.text = project.text
	}
	time.AfterFunc(100*time.Millisecond, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		row.done = true
	})
	o.create(w, row)
}

// dashboard is kept for two seconds.
func (o *office) dashboard(w http.ResponseWriter, _ *http.Request, organization string) {
	kept := o.kept[organization]
	if time.Since(kept.at) > 2*time.Second {
		kept.at, kept.text = time.Now(), ""
		for _, r := range o.all {
			if r.organization == organization && r.kind == "project" {
				kept.text = fmt.Sprint(r.text, " ", kept.text)
			}
		}
		kept.text = kept.text[:min(150, len(kept.text))]
		o.kept[organization] = kept
	}
	answer(w, http.StatusOK, map[string]any{"recent": kept.text})
}
