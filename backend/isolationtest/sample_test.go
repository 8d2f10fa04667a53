package isolationtest_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// sample is an API of several organizations, in one of ten styles. It has no leak, or
// the one that leak names.
type sample struct {
	leak string
	plan string
	mux  *http.ServeMux
	mu   sync.Mutex
	rows []*row
	made int
	// newID returns the id of the n-th row.
	newID func(n int, organization string) string
}

// row is a record of an organization.
type row struct {
	id, organization, text string
	version                int
}

func newSample(leak, plan string) *sample {
	return &sample{leak: leak, plan: plan, mux: http.NewServeMux(), newID: func(int, string) string {
		text := strings.ToLower(rand.Text())
		return fmt.Sprintf("%x-%x", text[:8], text[8:12])
	}}
}

func (s *sample) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// audiences are tokens of another audience.
var audiences = map[string]string{"aud.acme.one": "org_acme", "aud.globex.two": "org_globex"}

// tenant returns the organization of a request's token, or "".
func (s *sample) tenant(r *http.Request) string {
	raw := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if s.leak == "the audience is not checked" && audiences[raw] != "" {
		return audiences[raw]
	}
	if token := tokens[raw]; token.good {
		return token.organization
	}
	return ""
}

// handle adds a route. The handler gets the token's organization; others are refused.
// The path's organization, if there is one, must be the token's.
func (s *sample) handle(pattern string, handler func(w http.ResponseWriter, r *http.Request, organization string)) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		organization := s.tenant(r)
		if organization == "" {
			fail(w, http.StatusUnauthorized, "sign in")
			return
		}
		if path := r.PathValue("organization"); path != "" && path != organization {
			fail(w, http.StatusForbidden, "another organization")
			return
		}
		handler(w, r, organization)
	})
}

func fail(w http.ResponseWriter, status int, text string) {
	answer(w, status, map[string]any{"error": text})
}

func answer(w http.ResponseWriter, status int, value any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value)
}

func (s *sample) add(organization, text string) *row {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	made := &row{id: s.newID(s.made, organization), organization: organization, text: text}
	s.rows = append(s.rows, made)
	return made
}

// all returns copies of an organization's rows, or everybody's of "".
func (s *sample) all(organization string) (all []row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows {
		if organization == "" || r.organization == organization {
			all = append(all, *r)
		}
	}
	return all
}

// find returns a row by id, of an organization, or anybody's of "".
func (s *sample) find(organization, id string) (row, bool) {
	all := s.all(organization)
	i := slices.IndexFunc(all, func(r row) bool { return r.id == id })
	if i < 0 {
		return row{}, false
	}
	return all[i], true
}

func (s *sample) update(organization, id, text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows {
		if r.id == id && (organization == "" || r.organization == organization) {
			r.text, r.version = text, r.version+1
			return true
		}
	}
	return false
}

func (s *sample) remove(organization, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.rows)
	s.rows = slices.DeleteFunc(s.rows, func(r *row) bool { return r.id == id && r.organization == organization })
	return len(s.rows) < before
}

// texts returns the texts of rows.
func texts(rows []row) []string {
	all := []string{}
	for _, r := range rows {
		all = append(all, r.text)
	}
	return all
}

// input decodes a request's JSON object.
func input(r *http.Request) map[string]any {
	members := map[string]any{}
	json.NewDecoder(r.Body).Decode(&members)
	return members
}

// text returns a member that is a text.
func text(members map[string]any, name string) string {
	value, _ := members[name].(string)
	return value
}
