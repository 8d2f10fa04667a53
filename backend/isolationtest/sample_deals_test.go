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
	"time"
)

// deals is an API of deals and their comments, with the mistakes that grow in real
// ones.
type deals struct {
	*sample
	comments map[string][]string // by deal
	activity []row
}

// secondLeaks were thought of after the kit was written. lateSecondLeaks are the others.
var secondLeaks = []string{
	"the archive is everybody's", "what changed since is everybody's", "a list of ids is not filtered", "facets count everybody's rows",
	"the newest row's time is everybody's", "a chosen id overwrites", "a template may be foreign", "duplicates are looked for everywhere",
	"HEAD is not checked", "the error quotes the row in UTF-16", "a debug header has the query", "comments do not ask whose the deal is",
	"a comment can be put at a foreign deal", "the average is everybody's", "the feed is everybody's",
}

func newDeals(leak string) *sample {
	s := &deals{sample: newSample(leak, `
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
read POST /v1/lookup ["{deal}"]`), comments: map[string][]string{}}
	s.handle("GET /v1/deals", s.list)
	s.handle("POST /v1/deals", s.create)
	s.handle("/v1/deals/{id}", s.deal)
	s.handle("/v1/deals/{id}/comments", s.commentsOf)
	s.handle("GET /v1/stats", s.stats)
	s.handle("GET /v1/suggest", s.suggest)
	s.handle("POST /v1/merge", s.merge)
	s.handle("GET /v1/activity", s.feed)
	s.handle("POST /v1/upload", s.upload)
	s.handle("POST /v1/lookup", s.lookup)
	s.handle("POST /v1/import", s.imported)
	return s.sample
}

func (s *deals) is(leak string) bool { return s.leak == leak }

// scope returns whose rows are read: everybody's where this leak is planted.
func (s *deals) scope(organization, leak string) string {
	if s.is(leak) {
		return ""
	}
	return organization
}

func shown(r row) map[string]any {
	return map[string]any{"id": r.id, "title": r.text, "version": r.version, "created_at": time.Now().Format(time.RFC3339Nano)}
}

func (s *deals) list(w http.ResponseWriter, r *http.Request, organization string) {
	query := r.URL.Query()
	rows := s.all(organization)
	if query.Get("deleted") == "true" || query.Get("archived") == "true" {
		rows = s.all(s.scope(organization, "the archive is everybody's"))
	}
	if query.Get("since") != "" || query.Get("updated_since") != "" {
		rows = s.all(s.scope(organization, "what changed since is everybody's"))
	}
	if ids := query.Get("ids"); ids != "" && s.is("a list of ids is not filtered") {
		rows = slices.DeleteFunc(s.all(""), func(r row) bool { return !strings.Contains(ids, r.id) })
	}
	all := []any{}
	for _, r := range rows {
		all = append(all, shown(r))
	}
	if s.is("facets count everybody's rows") {
		w.Header().Set("X-Facets", strconv.Itoa(len(s.all(""))/2*2))
	}
	if s.is("the newest row's time is everybody's") && len(s.all("")) > 0 {
		w.Header().Set("X-Newest", s.all("")[len(s.all(""))-1].id[:4])
	}
	answer(w, http.StatusOK, map[string]any{"items": all})
}

func (s *deals) create(w http.ResponseWriter, r *http.Request, organization string) {
	members := input(r)
	if id := text(members, "id"); id != "" && s.is("a chosen id overwrites") {
		if s.update("", id, text(members, "title")) {
			answer(w, http.StatusOK, map[string]any{"id": id})
			return
		}
	}
	if template := text(members, "template_id"); template != "" && s.is("a template may be foreign") {
		if found, ok := s.find("", template); ok {
			answer(w, http.StatusCreated, map[string]any{"id": s.add(organization, found.text).id})
			return
		}
	}
	made := s.add(organization, text(members, "title"))
	s.mu.Lock()
	s.activity = append(s.activity, *made)
	s.mu.Unlock()
	if similar := s.all(s.scope(organization, "duplicates are looked for everywhere")); len(similar) > 1 {
		w.Header().Set("X-Similar", similar[0].text[6:22])
	}
	answer(w, http.StatusCreated, shown(*made))
}

func (s *deals) deal(w http.ResponseWriter, r *http.Request, organization string) {
	of := organization
	if r.Method == http.MethodHead {
		of = s.scope(organization, "HEAD is not checked")
	}
	found, ok := s.find(of, r.PathValue("id"))
	if others, exists := s.find("", r.PathValue("id")); exists && !ok {
		switch {
		case s.is("the error quotes the row in UTF-16") && r.Method == http.MethodGet:
			w.WriteHeader(http.StatusNotFound)
			for _, c := range others.text {
				w.Write([]byte{byte(c), 0})
			}
			return
		case s.is("a debug header has the query") && r.Method == http.MethodGet:
			w.Header().Set("X-Debug-SQL", fmt.Sprintf("SELECT * FROM deals -- %q", base64.StdEncoding.EncodeToString([]byte(others.text))))
		case s.is("validation comes before the owner") && r.Method == http.MethodPatch:
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
		answer(w, http.StatusOK, shown(found))
	default:
		fail(w, http.StatusMethodNotAllowed, "no such method")
	}
}

func (s *deals) commentsOf(w http.ResponseWriter, r *http.Request, organization string) {
	found, ok := s.find(s.scope(organization, "comments do not ask whose the deal is"), r.PathValue("id"))
	if r.Method == http.MethodPost {
		found, ok = s.find(s.scope(organization, "a comment can be put at a foreign deal"), r.PathValue("id"))
	}
	if !ok {
		fail(w, http.StatusNotFound, "no such deal")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodPost {
		s.comments[found.id] = append(s.comments[found.id], text(input(r), "text"))
		answer(w, http.StatusCreated, map[string]any{"ok": true})
		return
	}
	answer(w, http.StatusOK, append([]string{}, append(s.comments[found.id], found.text)...))
}

func (s *deals) stats(w http.ResponseWriter, _ *http.Request, organization string) {
	rows := s.all(s.scope(organization, "the average is everybody's"))
	total := 0
	for i := range rows {
		total += i
	}
	answer(w, http.StatusOK, map[string]any{"average": float64(total) / float64(max(1, len(rows)))})
}

func (s *deals) suggest(w http.ResponseWriter, r *http.Request, organization string) {
	words := []string{}
	for _, each := range s.all(s.scope(organization, "suggestions are everybody's")) {
		if q := r.URL.Query().Get("q"); q != "" && strings.HasPrefix(each.text, q) {
			words = append(words, each.text[:18])
		}
	}
	answer(w, http.StatusOK, words)
}

func (s *deals) merge(w http.ResponseWriter, r *http.Request, organization string) {
	members := input(r)
	into, ok := s.find(organization, text(members, "into"))
	if into.id == "" && s.is("a merge checks only one side") {
		into, ok = s.find("", text(members, "into"))
	}
	from, fromOK := s.find(s.scope(organization, "a merge takes a foreign row"), text(members, "from"))
	if !ok || !fromOK {
		fail(w, http.StatusNotFound, "no such deal")
		return
	}
	s.update("", into.id, from.text)
	answer(w, http.StatusOK, map[string]any{"id": into.id})
}

func (s *deals) feed(w http.ResponseWriter, _ *http.Request, organization string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out bytes.Buffer
	for _, a := range s.activity {
		if a.organization == organization || s.is("the feed is everybody's") {
			inner, _ := json.Marshal(map[string]string{"t": a.text})
			fmt.Fprintf(&out, "data: %s\n\n", strconv.Quote(string(inner)))
		}
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Write(out.Bytes())
}

func (s *deals) upload(w http.ResponseWriter, r *http.Request, organization string) {
	var rows []map[string]any
	json.NewDecoder(r.Body).Decode(&rows)
	for _, members := range rows {
		of := organization
		if chosen := text(members, "tenant"); chosen != "" && s.is("a row of a list names its organization") {
			of = chosen
		}
		s.add(of, text(members, "title"))
	}
	answer(w, http.StatusAccepted, map[string]any{"rows": len(rows)})
}

func (s *deals) lookup(w http.ResponseWriter, r *http.Request, organization string) {
	var ids []string
	json.NewDecoder(r.Body).Decode(&ids)
	titles := []string{}
	for i, id := range ids {
		of := organization
		if i > 0 {
			of = s.scope(organization, "a list of ids is checked at its first")
		}
		if found, ok := s.find(of, id); ok {
			titles = append(titles, found.text)
		}
	}
	answer(w, http.StatusOK, titles)
}

func (s *deals) imported(w http.ResponseWriter, r *http.Request, organization string) {
	rows, _ := input(r)["rows"].([]any)
	for _, each := range rows {
		members, _ := each.(map[string]any)
		of := organization
		if inner := text(members, "organization_id"); inner != "" && s.is("an imported row names its organization") {
			of = inner
		}
		s.add(of, text(members, "title"))
	}
	answer(w, http.StatusAccepted, map[string]any{"imported": len(rows)})
}
