package isolationtest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// shelfLeaks are of kinds that no other sample has. The kit finds them soon; lateShelfLeaks are
// the others.
var shelfLeaks = []string{
	"a form's organization decides", "counts on request are everybody's", "a repeated member decides", "an id in capitals has no owner",
	"a capital in a member's name decides",
}

// shelf keeps documents with revisions, shares, parents and watchers. A slug is unique within
// its organization.
type shelf struct {
	*sample
	parents  map[string]string // of documents
	watchers map[string][]string
	news     map[string][]string // of organizations
}

func newShelf(leak string) *sample {
	s := &shelf{sample: newSample(leak, `
GET     /v1/documents
record  document=id revision=revision share=share POST /v1/documents {"title": "{canary}", "slug": "{canary}"}
GET     /v1/documents/{document}
PATCH   /v1/documents/{document} {"title": "{canary}"}
DELETE  /v1/documents/{document}
GET     /v1/documents/{document}/revisions/{revision}
GET     /v1/shared/{share}
POST    /v1/documents/{document}/watch
GET     /v1/notifications
read POST /v1/lookup {"document": "{document}"}`), parents: map[string]string{}, watchers: map[string][]string{}, news: map[string][]string{}}
	s.handle("GET /v1/documents", s.list)
	s.handle("POST /v1/documents", s.create)
	s.handle("/v1/documents/{id}", s.document)
	s.handle("GET /v1/documents/{id}/revisions/{revision}", s.revision)
	s.handle("GET /v1/shared/{share}", s.shared)
	s.handle("POST /v1/documents/{id}/watch", s.watch)
	s.handle("GET /v1/notifications", s.notifications)
	s.handle("POST /v1/lookup", s.lookup)
	return s.sample
}

func (s *shelf) is(leak string) bool { return s.leak == leak }

// scope returns whose rows are read: everybody's where this leak is planted.
func (s *shelf) scope(organization, leak string) string {
	if s.is(leak) {
		return ""
	}
	return organization
}

func (s *shelf) shown(r row) map[string]any {
	shown := map[string]any{"id": r.id, "revision": "rev" + r.id, "share": "share" + r.id, "title": r.text}
	s.mu.Lock()
	parent, has := s.parents[r.id]
	s.mu.Unlock()
	if has {
		above, _ := s.find("", parent)
		shown["parent_title"] = above.text
	}
	return shown
}

func (s *shelf) list(w http.ResponseWriter, r *http.Request, organization string) {
	all := []any{}
	for _, d := range s.all(organization) {
		all = append(all, s.shown(d))
	}
	if strings.Contains(r.Header.Get("Prefer"), "count=exact") {
		w.Header().Set("Content-Range", fmt.Sprintf("0-%d/%d", len(all), len(s.all(s.scope(organization, "counts on request are everybody's")))))
	}
	answer(w, http.StatusOK, all)
}

// members reads a body: JSON, or a form. It also returns the organization that it names.
func (s *shelf) members(r *http.Request) (members map[string]any, names string) {
	body, _ := io.ReadAll(r.Body)
	members = map[string]any{}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, _ := url.ParseQuery(string(body))
		for name := range form {
			members[name] = form.Get(name)
		}
		if s.is("a form's organization decides") {
			names = form.Get("organization_id")
		}
		return members, names
	}
	json.Unmarshal(body, &members)
	if s.is("a repeated member decides") && strings.Count(string(body), `"organization"`) > 1 {
		names = text(members, "organization")
	}
	if s.is("a capital in a member's name decides") {
		names = text(members, "Organization")
	}
	return members, names
}

func (s *shelf) create(w http.ResponseWriter, r *http.Request, organization string) {
	members, names := s.members(r)
	if first := text(members, "organization"); names == "" && first != "" && first != organization {
		fail(w, http.StatusForbidden, "another organization")
		return
	}
	if names == "org_acme" || names == "org_globex" {
		organization = names
	}
	slug := text(members, "slug")
	if slug == "" {
		fail(w, http.StatusUnprocessableEntity, "a slug is required")
		return
	}
	if slices.ContainsFunc(s.all(organization), func(d row) bool { return strings.HasSuffix(d.text, slug) }) {
		fail(w, http.StatusConflict, "slug_taken")
		return
	}
	answer(w, http.StatusCreated, s.shown(*s.add(organization, text(members, "title"))))
}

// found finds a document in one of the ways that a leak goes.
func (s *shelf) found(organization, id string) (row, bool) {
	d, ok := s.find(organization, id)
	if !ok && s.is("an id is a pattern") && strings.ContainsAny(id, "%*") {
		if all := s.all(""); len(all) > 0 {
			return all[0], true
		}
	}
	if !ok && s.is("an id in capitals has no owner") && id == strings.ToUpper(id) {
		return s.find("", strings.ToLower(id))
	}
	return d, ok
}

func (s *shelf) document(w http.ResponseWriter, r *http.Request, organization string) {
	id := r.PathValue("id")
	d, ok := s.found(organization, id)
	_, exists := s.find("", id)
	switch {
	case r.Method == http.MethodOptions && (ok || exists && s.is("OPTIONS tells which exist")):
		w.Header().Set("Allow", "GET, PATCH, DELETE")
		w.WriteHeader(http.StatusNoContent)
	case exists && r.Header.Get("If-Match") != "" && (ok || s.is("a precondition comes before the owner")):
		fail(w, http.StatusPreconditionFailed, "another version")
	case !ok:
		fail(w, http.StatusNotFound, "there is no such document")
	case r.Method == http.MethodPatch:
		s.change(w, r, d)
	case r.Method == http.MethodDelete:
		s.remove(d.organization, d.id)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodGet:
		answer(w, http.StatusOK, s.shown(d))
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func (s *shelf) change(w http.ResponseWriter, r *http.Request, d row) {
	members, _ := s.members(r)
	if parent := text(members, "parent_id"); parent != "" {
		if _, ok := s.find(s.scope(d.organization, "a parent may be foreign"), parent); !ok {
			fail(w, http.StatusUnprocessableEntity, "there is no such parent")
			return
		}
		s.mu.Lock()
		s.parents[d.id] = parent
		s.mu.Unlock()
	}
	if title := text(members, "title"); title != "" {
		s.update(d.organization, d.id, title)
		s.mu.Lock()
		for _, watcher := range s.watchers[d.id] {
			s.news[watcher] = append(s.news[watcher], "renamed to "+title)
		}
		s.mu.Unlock()
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *shelf) revision(w http.ResponseWriter, r *http.Request, organization string) {
	d, ok := s.find(organization, r.PathValue("id"))
	of, found := s.find(s.scope(organization, "a revision is found by its number alone"), strings.TrimPrefix(r.PathValue("revision"), "rev"))
	if !ok || !found || of.id != d.id && !s.is("a revision is found by its number alone") {
		fail(w, http.StatusNotFound, "there is no such revision")
		return
	}
	answer(w, http.StatusOK, map[string]string{"title": of.text})
}

func (s *shelf) shared(w http.ResponseWriter, r *http.Request, organization string) {
	d, ok := s.find(s.scope(organization, "a share's code opens for everybody"), strings.TrimPrefix(r.PathValue("share"), "share"))
	if !ok {
		fail(w, http.StatusNotFound, "there is no such share")
		return
	}
	answer(w, http.StatusOK, map[string]string{"title": d.text})
}

// watch tells nothing of a document that is not the organization's.
func (s *shelf) watch(w http.ResponseWriter, r *http.Request, organization string) {
	if d, ok := s.find(s.scope(organization, "a watcher hears of later changes"), r.PathValue("id")); ok {
		s.mu.Lock()
		s.watchers[d.id] = append(s.watchers[d.id], organization)
		s.mu.Unlock()
	}
	w.WriteHeader(http.StatusAccepted)
}

func (s *shelf) notifications(w http.ResponseWriter, _ *http.Request, organization string) {
	s.mu.Lock()
	all := slices.Clone(s.news[organization])
	s.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"news": all[max(0, len(all)-20):]})
}

// lookup takes an id, or where that leak is planted an operator.
func (s *shelf) lookup(w http.ResponseWriter, r *http.Request, organization string) {
	members := input(r)
	if _, operator := members["document"].(map[string]any); operator && s.is("an operator in place of an id") {
		if all := s.all(""); len(all) > 0 {
			answer(w, http.StatusOK, s.shown(all[0]))
			return
		}
	}
	d, ok := s.find(organization, text(members, "document"))
	if !ok {
		fail(w, http.StatusNotFound, "there is no such document")
		return
	}
	answer(w, http.StatusOK, s.shown(d))
}
