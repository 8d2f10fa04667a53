package isolationtest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// jsonAPI is in the style of JSON:API, with integers as ids and strict queries.
func jsonAPI(leak string) *sample {
	s := newSample(leak, `
GET    /organizations/{organization}/articles
record article=data.id POST /organizations/{organization}/articles {"data": {"type": "articles", "attributes": {"title": "{canary}"}}}
GET    /articles/{article}
PATCH  /articles/{article} {"data": {"attributes": {"title": "{canary}"}}}
DELETE /articles/{article}
POST /articles/batch {"ids": ["{article}"]}`)
	s.newID = func(n int, _ string) string { return strconv.Itoa(n) }
	resource := func(r row) map[string]any {
		return map[string]any{"type": "articles", "id": r.id, "attributes": map[string]any{"title": r.text}}
	}
	title := func(r *http.Request) string {
		data, _ := input(r)["data"].(map[string]any)
		attributes, _ := data["attributes"].(map[string]any)
		return text(attributes, "title")
	}
	s.handle("GET /organizations/{organization}/articles", func(w http.ResponseWriter, r *http.Request, organization string) {
		for _, name := range slices.Sorted(maps.Keys(r.URL.Query())) { // the same answer each time
			if name != "include" && name != "sort" {
				fail(w, http.StatusBadRequest, "unknown parameter "+name)
				return
			}
		}
		data := []any{}
		for _, r := range s.all(organization) {
			data = append(data, resource(r))
		}
		document := map[string]any{"data": data, "meta": map[string]any{"total": len(data)}}
		if s.leak == "the total counts everybody's rows" {
			document["meta"] = map[string]any{"total": len(s.all(""))}
		}
		if r.URL.Query().Get("include") != "" && s.leak == "included are everybody's rows" {
			document["included"] = texts(s.all(""))
		}
		answer(w, http.StatusOK, document)
	})
	s.handle("POST /organizations/{organization}/articles", func(w http.ResponseWriter, r *http.Request, organization string) {
		made := s.add(organization, title(r))
		w.Header().Set("Location", "/articles/"+made.id)
		answer(w, http.StatusCreated, map[string]any{"data": resource(*made)})
	})
	s.handle("GET /articles/{id}", func(w http.ResponseWriter, r *http.Request, organization string) {
		found, ok := s.find(organization, r.PathValue("id"))
		if !ok {
			fail(w, http.StatusNotFound, "no article "+r.PathValue("id"))
			return
		}
		answer(w, http.StatusOK, map[string]any{"data": resource(found)})
	})
	s.handle("PATCH /articles/{id}", func(w http.ResponseWriter, r *http.Request, organization string) {
		of := organization
		if s.leak == "a change is made before it is refused" {
			of = ""
		}
		changed := s.update(of, r.PathValue("id"), title(r))
		if _, ok := s.find(organization, r.PathValue("id")); !changed || !ok {
			fail(w, http.StatusNotFound, "no article "+r.PathValue("id"))
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	s.handle("DELETE /articles/{id}", func(w http.ResponseWriter, r *http.Request, organization string) {
		if !s.remove(organization, r.PathValue("id")) {
			fail(w, http.StatusNotFound, "no article "+r.PathValue("id"))
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	s.handle("POST /articles/batch", func(w http.ResponseWriter, r *http.Request, organization string) {
		ids, _ := input(r)["ids"].([]any)
		data, of := []any{}, organization
		for i, id := range ids {
			if s.leak == "a batch checks its first id only" && i > 0 {
				of = ""
			}
			found, ok := s.find(of, fmt.Sprint(id))
			if !ok {
				fail(w, http.StatusNotFound, "an article does not exist")
				return
			}
			data = append(data, resource(found))
		}
		answer(w, http.StatusOK, map[string]any{"data": data})
	})
	return s
}

// hal is in the style of HAL, with pages. No path names the organization.
func hal(leak string) *sample {
	s := newSample(leak, `
GET    /tasks
record task=id POST /tasks {"text": "{canary}"}
GET    /tasks/{task}
PUT    /tasks/{task} {"text": "{canary}"}
DELETE /tasks/{task}`)
	resource := func(r row) map[string]any {
		return map[string]any{"id": r.id, "text": r.text, "_links": map[string]any{"self": map[string]any{"href": "/tasks/" + r.id}}}
	}
	s.handle("GET /tasks", func(w http.ResponseWriter, r *http.Request, organization string) {
		if account := r.URL.Query().Get("account"); account != "" && s.leak == "the query's account decides" {
			organization = account
		}
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		rows := s.all(organization)
		if page > 1 && s.leak == "the second page is everybody's" {
			rows = s.all("")
		}
		tasks := []any{}
		for i, r := range rows {
			if i/2 == max(page, 1)-1 {
				tasks = append(tasks, resource(r))
			}
		}
		links := map[string]any{"self": map[string]any{"href": fmt.Sprintf("/tasks?page=%d", max(page, 1))}}
		if len(rows) > 2*max(page, 1) {
			links["next"] = map[string]any{"href": fmt.Sprintf("/tasks?page=%d", max(page, 1)+1)}
		}
		answer(w, http.StatusOK, map[string]any{"_links": links, "_embedded": map[string]any{"tasks": tasks}})
	})
	s.handle("POST /tasks", func(w http.ResponseWriter, r *http.Request, organization string) {
		answer(w, http.StatusCreated, resource(*s.add(organization, text(input(r), "text"))))
	})
	one := func(w http.ResponseWriter, r *http.Request, organization string) {
		found, ok := s.find(organization, r.PathValue("id"))
		method := r.Method
		if override := r.Header.Get("X-HTTP-Method-Override"); override != "" && method == http.MethodPost {
			if method = override; s.leak == "an overridden method is not checked" {
				found, ok = s.find("", r.PathValue("id"))
			}
		}
		switch {
		case !ok:
			fail(w, http.StatusNotFound, "there is no such task")
		case method == http.MethodGet || method == http.MethodHead:
			answer(w, http.StatusOK, resource(found))
		case method == http.MethodPut:
			s.update(organization, found.id, text(input(r), "text"))
			answer(w, http.StatusOK, map[string]any{})
		case method == http.MethodDelete:
			s.remove(organization, found.id)
			w.WriteHeader(http.StatusNoContent)
		default:
			fail(w, http.StatusMethodNotAllowed, "no such method")
		}
	}
	s.handle("/tasks/{id}", one)
	if s.leak == "a slash at the end goes past the check" {
		s.mux.HandleFunc("GET /tasks/{id}/{$}", func(w http.ResponseWriter, r *http.Request) { one(w, r, "") })
	}
	return s
}

// graph has one address, to which all operations are posted.
func graph(leak string) *sample {
	s := newSample(leak, `
record doc=data.create.id POST /graphql {"query": "mutation($text: String) { create(text: $text) { id text } }", "variables": {"text": "{canary}"}}
POST /graphql {"query": "query($id: ID!) { document(id: $id) { id text } }", "variables": {"id": "{doc}"}}
POST /graphql {"query": "{ documents { id text } }"}
POST /graphql {"query": "query($q: String) { search(q: $q) { id text } }", "variables": {"q": "{canary}"}}
POST /graphql {"query": "mutation($id: ID!) { copy(id: $id) { id } }", "variables": {"id": "{doc}"}}
POST /graphql {"query": "mutation($id: ID!) { remove(id: $id) }", "variables": {"id": "{doc}"}}`)
	s.newID = func(n int, _ string) string {
		return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "Document:%d", n))
	}
	document := func(r row) any { return map[string]any{"id": r.id, "text": r.text} }
	s.handle("POST /graphql", func(w http.ResponseWriter, r *http.Request, organization string) {
		var asked struct {
			Query     string
			Variables struct{ ID, Q, Text string }
		}
		json.NewDecoder(r.Body).Decode(&asked)
		v := asked.Variables
		of := organization
		data := map[string]any{}
		switch {
		case strings.Contains(asked.Query, "create("):
			data["create"] = document(*s.add(organization, v.Text))
		case strings.Contains(asked.Query, "document("):
			if s.leak == "a node is found by its id alone" {
				of = ""
			}
			data["document"] = nil
			if found, ok := s.find(of, v.ID); ok {
				data["document"] = document(found)
			}
		case strings.Contains(asked.Query, "documents"):
			all := []any{}
			for _, r := range s.all(organization) {
				all = append(all, document(r))
			}
			data["documents"] = all
		case strings.Contains(asked.Query, "search("):
			if s.leak == "a search finds everybody's rows" {
				of = ""
			}
			all := []any{}
			for _, r := range s.all(of) {
				if v.Q != "" && strings.HasPrefix(r.text, v.Q) {
					all = append(all, document(r))
				}
			}
			data["search"] = all
		case strings.Contains(asked.Query, "copy("):
			if s.leak == "a foreign row is copied into one's own" {
				of = ""
			}
			data["copy"] = nil
			if found, ok := s.find(of, v.ID); ok {
				data["copy"] = map[string]any{"id": s.add(organization, found.text).id}
			}
		case strings.Contains(asked.Query, "remove("):
			data["remove"] = s.remove(organization, v.ID)
		}
		answer(w, http.StatusOK, map[string]any{"data": data})
	})
	return s
}

// cursors has lists that continue by a cursor.
func cursors(leak string) *sample {
	s := newSample(leak, `
GET  /events
record event=id POST /events {"name": "{canary}"}
GET  /events/{event}`)
	type place struct {
		Organization string `json:"o"`
		After        int    `json:"a"`
	}
	s.handle("GET /events", func(w http.ResponseWriter, r *http.Request, organization string) {
		at := place{Organization: organization}
		query := r.URL.Query()
		if cursor := query.Get("cursor"); cursor != "" {
			decoded, _ := base64.RawURLEncoding.DecodeString(cursor)
			if json.Unmarshal(decoded, &at) != nil || at.After < 0 || at.Organization != organization && s.leak != "the cursor decides the organization" {
				fail(w, http.StatusBadRequest, "invalid cursor")
				return
			}
		}
		limit := 2
		if n, err := strconv.Atoi(query.Get("limit")); err == nil && n > 0 {
			limit = min(n, 100)
		}
		of := at.Organization
		if s.leak == "a large limit takes another way" && limit == 100 || s.leak == "sorted lists are everybody's" && query.Get("sort") != "" {
			of = ""
		}
		rows := s.all(of)
		rows = rows[min(at.After, len(rows)):]
		page := map[string]any{"events": texts(rows[:min(limit, len(rows))])}
		if len(rows) > limit {
			next, _ := json.Marshal(place{of, at.After + limit})
			page["next_cursor"] = base64.RawURLEncoding.EncodeToString(next)
		}
		answer(w, http.StatusOK, page)
	})
	s.handle("POST /events", func(w http.ResponseWriter, r *http.Request, organization string) {
		answer(w, http.StatusCreated, map[string]any{"id": s.add(organization, text(input(r), "name")).id})
	})
	s.handle("GET /events/{id}", func(w http.ResponseWriter, r *http.Request, organization string) {
		found, ok := s.find(organization, r.PathValue("id"))
		if !ok {
			fail(w, http.StatusNotFound, "there is no such event")
			return
		}
		answer(w, http.StatusOK, map[string]any{"id": found.id, "name": found.text, "at": "2026-01-02T03:04:05Z"})
	})
	return s
}
