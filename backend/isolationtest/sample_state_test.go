package isolationtest_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// streams writes one JSON document a line.
func streams(leak string) *sample {
	s := newSample(leak, `
GET /stream
record line=id POST /stream {"text": "{canary}"}
GET /hooks
POST /hooks {"url": "https://example.com/{canary}", "about": "{line}"}`)
	s.newID = func(n int, organization string) string { return fmt.Sprintf("%s-%d", organization[4:6], n) }
	current, last := "", ""
	s.handle("GET /stream", func(w http.ResponseWriter, _ *http.Request, organization string) {
		s.mu.Lock()
		current = organization
		s.mu.Unlock()
		time.Sleep(time.Millisecond) // as a database would
		of := organization
		s.mu.Lock()
		if s.leak == "the current organization is everybody's" {
			of = current
		}
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/x-ndjson")
		for _, r := range s.all(of) {
			json.NewEncoder(w).Encode(map[string]any{"text": r.text})
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.leak == "a buffer keeps the answer before" {
			fmt.Fprintf(w, "%.24s", last)
		}
		if rows := s.rows; len(rows) > 0 {
			last = rows[len(rows)-1].text
		}
	})
	s.handle("POST /stream", func(w http.ResponseWriter, r *http.Request, organization string) {
		answer(w, http.StatusCreated, map[string]any{"id": s.add(organization, text(input(r), "text")).id})
	})
	type hook struct{ organization, url, about string }
	var hooks []hook
	s.handle("POST /hooks", func(w http.ResponseWriter, r *http.Request, organization string) {
		members := input(r)
		about := text(members, "about")
		if _, ok := s.find(organization, about); !ok && s.leak != "a reference is shown with its row" {
			fail(w, http.StatusUnprocessableEntity, "about is not a line of yours")
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		hooks = append(hooks, hook{organization, text(members, "url"), about})
		w.WriteHeader(http.StatusCreated)
	})
	s.handle("GET /hooks", func(w http.ResponseWriter, _ *http.Request, organization string) {
		all := []any{}
		s.mu.Lock()
		mine := append([]hook{}, hooks...)
		s.mu.Unlock()
		for _, h := range mine {
			if h.organization == organization {
				about, _ := s.find("", h.about)
				all = append(all, map[string]any{"url": h.url, "about": about.text})
			}
		}
		answer(w, http.StatusOK, all)
	})
	return s
}

// cached answers conditional requests.
func cached(leak string) *sample {
	s := newSample(leak, `
GET    /pages
record page=id POST /pages {"text": "{canary}"}
GET    /pages/{page}
PUT    /pages/{page} {"text": "{canary}"}
DELETE /pages/{page}`)
	tag := func(value any) string { return fmt.Sprintf(`"%x"`, sha256.Sum256(fmt.Append(nil, value))) }
	type kept struct{ tag, body string }
	cache := map[string]kept{}
	s.handle("GET /pages", func(w http.ResponseWriter, r *http.Request, organization string) {
		body, _ := json.Marshal(texts(s.all(organization)))
		now := kept{tag(string(body)), string(body)}
		if s.leak == "the list's tag is of everybody's rows" {
			now.tag = tag(s.all(""))
		}
		s.mu.Lock()
		if before, ok := cache[r.URL.String()]; ok && s.leak == "a cache knows addresses only" {
			now = before
		}
		cache[r.URL.String()] = now
		s.mu.Unlock()
		w.Header().Set("ETag", now.tag)
		if r.Header.Get("If-None-Match") == now.tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprintln(w, now.body)
	})
	s.handle("POST /pages", func(w http.ResponseWriter, r *http.Request, organization string) {
		members := input(r)
		key := "key " + r.Header.Get("Idempotency-Key")
		if s.leak != "an idempotency key is everybody's" {
			key += organization
		}
		s.mu.Lock()
		before, ok := cache[key]
		s.mu.Unlock()
		if ok && r.Header.Get("Idempotency-Key") != "" {
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, before.body)
			return
		}
		made := s.add(organization, text(members, "text"))
		body, _ := json.Marshal(map[string]any{"id": made.id, "text": made.text})
		s.mu.Lock()
		cache[key] = kept{body: string(body)}
		s.mu.Unlock()
		w.WriteHeader(http.StatusCreated)
		w.Write(body)
	})
	s.handle("/pages/{id}", func(w http.ResponseWriter, r *http.Request, organization string) {
		found, ok := s.find(organization, r.PathValue("id"))
		others, is := s.find("", r.PathValue("id"))
		if is && !ok && s.leak == "unchanged is told before the owner is asked" && r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_ = others
		switch {
		case !ok:
			fail(w, http.StatusNotFound, "there is no such page")
		case r.Method == http.MethodPut:
			s.update(organization, found.id, text(input(r), "text"))
			w.WriteHeader(http.StatusNoContent)
		case r.Method == http.MethodDelete:
			s.remove(organization, found.id)
			w.WriteHeader(http.StatusNoContent)
		case r.Header.Get("If-None-Match") == tag(found):
			w.WriteHeader(http.StatusNotModified)
		case r.Method == http.MethodGet:
			w.Header().Set("ETag", tag(found))
			answer(w, http.StatusOK, map[string]any{"text": found.text, "version": found.version})
		default:
			fail(w, http.StatusMethodNotAllowed, "no such method")
		}
	})
	return s
}

// plain is an ordinary API, whose ids are numbers of each organization's own when it
// has no leak.
func plain(leak string) *sample {
	s := newSample(leak, `
GET    /organizations/{organization}/notes
record note=id POST /organizations/{organization}/notes {"text": "{canary}"}
GET    /organizations/{organization}/notes/{note}
PUT    /organizations/{organization}/notes/{note} {"text": "{canary}"}
DELETE /organizations/{organization}/notes/{note}`)
	if leak == "" {
		counts := map[string]int{}
		s.newID = func(_ int, organization string) string {
			counts[organization]++
			return fmt.Sprint(counts[organization])
		}
	}
	list := func(w http.ResponseWriter, r *http.Request, organization string) {
		if workspace := r.Header.Get("X-Workspace-Id"); workspace != "" && s.leak == "the workspace's header decides" {
			organization = workspace
		}
		if strings.HasPrefix(r.Host, "globex.") && s.leak == "the host decides" {
			organization = "org_globex"
		}
		if all := r.URL.Query()["org"]; len(all) > 1 && all[0] == organization && s.leak == "the last of two parameters decides" {
			organization = all[1]
		}
		answer(w, http.StatusOK, texts(s.all(organization)))
	}
	s.handle("GET /organizations/{organization}/notes", list)
	s.handle("POST /organizations/{organization}/notes", func(w http.ResponseWriter, r *http.Request, organization string) {
		members := input(r)
		if meta, _ := members["meta"].(map[string]any); text(meta, "team_id") != "" && s.leak == "the body's inner team decides" {
			organization = text(meta, "team_id")
		}
		for _, r := range s.all("") {
			if r.text == text(members, "text") && r.organization != organization && s.leak == "texts are unique among everybody" {
				fail(w, http.StatusConflict, "there is such a note already")
				return
			}
		}
		answer(w, http.StatusCreated, map[string]any{"id": s.add(organization, text(members, "text")).id})
	})
	s.handle("/organizations/{organization}/notes/{id}", func(w http.ResponseWriter, r *http.Request, organization string) {
		found, ok := s.find(organization, r.PathValue("id"))
		_, is := s.find("", r.PathValue("id"))
		if is && !ok {
			switch s.leak {
			case "the status tells":
				fail(w, http.StatusForbidden, "there is no such note")
				return
			case "the text tells":
				fail(w, http.StatusNotFound, "this note is not yours")
				return
			case "the size tells":
				fail(w, http.StatusNotFound, "there is no such note "+rand.Text())
				return
			case "the time tells":
				time.Sleep(20 * time.Millisecond)
			case "a header tells":
				w.Header().Set("X-Row-Found", "true")
			}
		}
		switch {
		case !ok:
			fail(w, http.StatusNotFound, "there is no such note")
		case r.Method == http.MethodPut:
			s.update(organization, found.id, text(input(r), "text"))
			w.WriteHeader(http.StatusNoContent)
		case r.Method == http.MethodDelete:
			s.remove(organization, found.id)
			w.WriteHeader(http.StatusNoContent)
		default:
			answer(w, http.StatusOK, map[string]any{"id": found.id, "text": found.text})
		}
	})
	return s
}
