package isolationtest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/isolationtest"
)

// crm is an API of deals and their comments, with the mistakes that grow in real ones.
func crm(leak string) *sample {
	s := newSample(leak, `
GET    /v1/deals
record deal=id POST /v1/deals {"title": "{canary}", "email": "{canary}@example.com"}
GET    /v1/deals/{deal}
PATCH  /v1/deals/{deal} {"title": "{canary}"}
DELETE /v1/deals/{deal}
GET    /v1/deals/{deal}/comments
POST   /v1/deals/{deal}/comments {"text": "{canary}"}
GET    /v1/stats
GET    /v1/suggest?q={canary}
POST   /v1/merge {"into": "{deal}", "from": "{deal}"}
GET    /v1/activity
POST   /v1/import {"rows": [{"title": "{canary}"}]}
POST   /v1/upload [{"title": "{canary}"}]
read POST /v1/lookup ["{deal}"]`)
	is := func(name string) bool { return leak == name }
	comments := map[string][]string{} // by deal
	var activity []row
	lastTitle := map[string]string{}
	show := func(r row) map[string]any {
		return map[string]any{"id": r.id, "title": r.text, "version": r.version, "created_at": time.Now().Format(time.RFC3339Nano)}
	}
	scope := func(organization, name string) string {
		if is(name) {
			return ""
		}
		return organization
	}
	s.handle("GET /v1/deals", func(w http.ResponseWriter, r *http.Request, organization string) {
		query := r.URL.Query()
		rows := s.all(organization)
		if query.Get("deleted") == "true" || query.Get("archived") == "true" {
			rows = s.all(scope(organization, "the archive is everybody's"))
		}
		if query.Get("since") != "" || query.Get("updated_since") != "" {
			rows = s.all(scope(organization, "what changed since is everybody's"))
		}
		if ids := query.Get("ids"); ids != "" && is("a list of ids is not filtered") {
			rows = slices.DeleteFunc(s.all(""), func(r row) bool { return !strings.Contains(ids, r.id) })
		}
		all := []any{}
		for _, r := range rows {
			all = append(all, show(r))
		}
		if is("facets count everybody's rows") {
			w.Header().Set("X-Facets", strconv.Itoa(len(s.all(""))/2*2))
		}
		if is("the newest row's time is everybody's") && len(s.all("")) > 0 {
			w.Header().Set("X-Newest", s.all("")[len(s.all(""))-1].id[:4])
		}
		answer(w, http.StatusOK, map[string]any{"items": all})
	})
	s.handle("POST /v1/deals", func(w http.ResponseWriter, r *http.Request, organization string) {
		members := input(r)
		if id := text(members, "id"); id != "" && is("a chosen id overwrites") {
			if s.update("", id, text(members, "title")) {
				answer(w, http.StatusOK, map[string]any{"id": id})
				return
			}
		}
		if template := text(members, "template_id"); template != "" && is("a template may be foreign") {
			if found, ok := s.find("", template); ok {
				answer(w, http.StatusCreated, map[string]any{"id": s.add(organization, found.text).id})
				return
			}
		}
		made := s.add(organization, text(members, "title"))
		s.mu.Lock()
		activity = append(activity, *made)
		s.mu.Unlock()
		if similar := s.all(scope(organization, "duplicates are looked for everywhere")); len(similar) > 1 {
			w.Header().Set("X-Similar", similar[0].text[6:22])
		}
		answer(w, http.StatusCreated, show(*made))
	})
	s.handle("/v1/deals/{id}", func(w http.ResponseWriter, r *http.Request, organization string) {
		of := organization
		if r.Method == http.MethodHead {
			of = scope(organization, "HEAD is not checked")
		}
		found, ok := s.find(of, r.PathValue("id"))
		if others, exists := s.find("", r.PathValue("id")); exists && !ok {
			switch {
			case is("the error quotes the row in UTF-16") && r.Method == http.MethodGet:
				w.WriteHeader(http.StatusNotFound)
				for _, c := range others.text {
					w.Write([]byte{byte(c), 0})
				}
				return
			case is("a debug header has the query") && r.Method == http.MethodGet:
				w.Header().Set("X-Debug-SQL", fmt.Sprintf("SELECT * FROM deals -- %q", base64.StdEncoding.EncodeToString([]byte(others.text))))
			case is("validation comes before the owner") && r.Method == http.MethodPatch:
				fail(w, http.StatusUnprocessableEntity, "title is the same as before")
				return
			}
		}
		switch {
		case !ok:
			fail(w, http.StatusNotFound, "no such deal")
		case r.Method == http.MethodHead:
			w.Header().Set("Content-Location", "/v1/deals/"+found.id)
			w.Header().Set("X-Title", found.text)
		case r.Method == http.MethodPatch:
			s.update(organization, found.id, text(input(r), "title"))
			answer(w, http.StatusOK, map[string]any{"ok": true})
		case r.Method == http.MethodDelete:
			s.remove(organization, found.id)
			w.WriteHeader(http.StatusNoContent)
		case r.Method == http.MethodGet:
			answer(w, http.StatusOK, show(found))
		default:
			fail(w, http.StatusMethodNotAllowed, "no such method")
		}
	})
	s.handle("/v1/deals/{id}/comments", func(w http.ResponseWriter, r *http.Request, organization string) {
		found, ok := s.find(scope(organization, "comments do not ask whose the deal is"), r.PathValue("id"))
		if r.Method == http.MethodPost {
			found, ok = s.find(scope(organization, "a comment can be put at a foreign deal"), r.PathValue("id"))
		}
		if !ok {
			fail(w, http.StatusNotFound, "no such deal")
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.Method == http.MethodPost {
			comments[found.id] = append(comments[found.id], text(input(r), "text"))
			answer(w, http.StatusCreated, map[string]any{"ok": true})
			return
		}
		answer(w, http.StatusOK, append([]string{}, append(comments[found.id], found.text)...))
	})
	s.handle("GET /v1/stats", func(w http.ResponseWriter, _ *http.Request, organization string) {
		rows := s.all(scope(organization, "the average is everybody's"))
		total := 0
		for i := range rows {
			total += i
		}
		answer(w, http.StatusOK, map[string]any{"average": float64(total) / float64(max(1, len(rows)))})
	})
	s.handle("GET /v1/suggest", func(w http.ResponseWriter, r *http.Request, organization string) {
		words := []string{}
		for _, each := range s.all(scope(organization, "suggestions are everybody's")) {
			if q := r.URL.Query().Get("q"); q != "" && strings.HasPrefix(each.text, q) {
				words = append(words, each.text[:18])
			}
		}
		answer(w, http.StatusOK, words)
	})
	s.handle("POST /v1/merge", func(w http.ResponseWriter, r *http.Request, organization string) {
		members := input(r)
		into, ok := s.find(organization, text(members, "into"))
		if into.id == "" && is("a merge checks only one side") {
			into, ok = s.find("", text(members, "into"))
		}
		from, fromOK := s.find(scope(organization, "a merge takes a foreign row"), text(members, "from"))
		if !ok || !fromOK {
			fail(w, http.StatusNotFound, "no such deal")
			return
		}
		s.update("", into.id, from.text)
		answer(w, http.StatusOK, map[string]any{"id": into.id})
	})
	s.handle("GET /v1/activity", func(w http.ResponseWriter, _ *http.Request, organization string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		var out bytes.Buffer
		for _, a := range activity {
			if a.organization == organization || is("the feed is everybody's") {
				inner, _ := json.Marshal(map[string]string{"t": a.text})
				fmt.Fprintf(&out, "data: %s\n\n", strconv.Quote(string(inner)))
			}
		}
		w.Header().Set("Content-Type", "text/event-stream")
		w.Write(out.Bytes())
	})
	s.handle("POST /v1/upload", func(w http.ResponseWriter, r *http.Request, organization string) {
		var rows []map[string]any
		json.NewDecoder(r.Body).Decode(&rows)
		for _, members := range rows {
			of := organization
			if chosen := text(members, "tenant"); chosen != "" && is("a row of a list names its organization") {
				of = chosen
			}
			s.add(of, text(members, "title"))
		}
		answer(w, http.StatusAccepted, map[string]any{"rows": len(rows)})
	})
	s.handle("POST /v1/lookup", func(w http.ResponseWriter, r *http.Request, organization string) {
		var ids []string
		json.NewDecoder(r.Body).Decode(&ids)
		titles := []string{}
		for i, id := range ids {
			of := organization
			if i > 0 {
				of = scope(organization, "a list of ids is checked at its first")
			}
			if found, ok := s.find(of, id); ok {
				titles = append(titles, found.text)
			}
		}
		answer(w, http.StatusOK, titles)
	})
	s.handle("POST /v1/import", func(w http.ResponseWriter, r *http.Request, organization string) {
		rows, _ := input(r)["rows"].([]any)
		for _, each := range rows {
			members, _ := each.(map[string]any)
			of := organization
			if inner := text(members, "organization_id"); inner != "" && is("an imported row names its organization") {
				of = inner
			}
			made := s.add(of, text(members, "title"))
			s.mu.Lock()
			lastTitle[organization] = made.text
			s.mu.Unlock()
		}
		answer(w, http.StatusAccepted, map[string]any{"imported": len(rows)})
	})
	return s
}

// TestCheck_FindsLeaksOfASecondList plants leaks that were thought of after the kit was
// written.
func TestCheck_FindsLeaksOfASecondList(t *testing.T) {
	for _, f := range checkSample(t, crm(""), false).Findings {
		t.Errorf("without a leak: %v", f)
	}
	for _, leak := range []string{
		"the archive is everybody's", "what changed since is everybody's", "a list of ids is not filtered", "facets count everybody's rows",
		"the newest row's time is everybody's", "a chosen id overwrites", "a template may be foreign", "duplicates are looked for everywhere",
		"HEAD is not checked", "the error quotes the row in UTF-16", "a debug header has the query", "validation comes before the owner",
		"comments do not ask whose the deal is", "a comment can be put at a foreign deal", "the average is everybody's",
		"suggestions are everybody's", "a merge checks only one side", "a merge takes a foreign row", "the feed is everybody's",
		"an imported row names its organization", "a row of a list names its organization", "a list of ids is checked at its first",
	} {
		t.Run(leak, func(t *testing.T) {
			report := checkSample(t, crm(leak), true)
			if !slices.ContainsFunc(report.Findings, func(f isolationtest.Finding) bool { return f.Problem != isolationtest.Unproven }) {
				t.Error("not found")
			}
		})
	}
}
