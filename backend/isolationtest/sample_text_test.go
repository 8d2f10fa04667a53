package isolationtest_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"
	"time"
)

// exports has other formats of each list and record.
func exports(leak string) *sample {
	s := newSample(leak, `
GET    /organizations/{organization}/contacts
record contact=id POST /organizations/{organization}/contacts {"name": "{canary}", "tags": ["a"]}
GET    /organizations/{organization}/contacts/{contact}`)
	table := func(w http.ResponseWriter, rows []row) {
		w.Header().Set("Content-Type", "text/csv")
		out := csv.NewWriter(w)
		out.Write([]string{"id", "name"})
		for _, r := range rows {
			out.Write([]string{r.id, `"` + r.text + `", quoted`})
		}
		out.Flush()
	}
	wants := func(r *http.Request, organization string) (rows []row, asCSV bool) {
		rows = s.all(organization)
		switch {
		case r.URL.Query().Get("format") == "csv":
			if s.leak == "the format's parameter skips the filter" {
				rows = s.all("")
			}
			return rows, true
		case strings.Contains(r.Header.Get("Accept"), "text/csv"):
			if s.leak == "the accepted format skips the filter" {
				rows = s.all("")
			}
			return rows, true
		}
		return rows, false
	}
	s.handle("GET /organizations/{organization}/contacts", func(w http.ResponseWriter, r *http.Request, organization string) {
		rows, asCSV := wants(r, organization)
		if asCSV {
			table(w, rows)
			return
		}
		answer(w, http.StatusOK, map[string]any{"contacts": texts(rows)})
	})
	s.handle("POST /organizations/{organization}/contacts", func(w http.ResponseWriter, r *http.Request, organization string) {
		answer(w, http.StatusCreated, map[string]any{"id": s.add(organization, text(input(r), "name")).id})
	})
	s.handle("GET /organizations/{organization}/contacts/{id}", func(w http.ResponseWriter, r *http.Request, organization string) {
		id, asCSV := strings.CutSuffix(r.PathValue("id"), ".csv")
		of := organization
		if asCSV && s.leak == "a record's CSV has no owner" {
			of = ""
		}
		found, ok := s.find(of, id)
		switch {
		case !ok:
			fail(w, http.StatusNotFound, "there is no such contact")
		case asCSV:
			table(w, []row{found})
		default:
			answer(w, http.StatusOK, map[string]any{"id": found.id, "name": found.text})
		}
	})
	s.handle("GET /organizations/{organization}/contacts.csv", func(w http.ResponseWriter, _ *http.Request, organization string) {
		if s.leak == "the list's CSV is everybody's" {
			organization = ""
		}
		table(w, s.all(organization))
	})
	return s
}

// files serves downloads by a redirect to a signed address.
func files(leak string) *sample {
	s := newSample(leak, `
record file=id POST /files {"name": "{canary}"}
GET    /files/{file}
GET    /files
DELETE /files/{file}`)
	signature := func(id string) string { return hex.EncodeToString([]byte("signed" + id)) }
	s.handle("POST /files", func(w http.ResponseWriter, r *http.Request, organization string) {
		made := s.add(organization, text(input(r), "name"))
		answer(w, http.StatusCreated, map[string]any{"id": made.id, "preview": "/previews/" + made.id})
	})
	s.handle("GET /files", func(w http.ResponseWriter, _ *http.Request, organization string) {
		names := texts(s.all(organization))
		w.Header().Set("X-Total-Count", fmt.Sprint(len(names)))
		if s.leak == "a header counts everybody's rows" {
			w.Header().Set("X-Total-Count", fmt.Sprint(len(s.all(""))))
		}
		answer(w, http.StatusOK, names)
	})
	s.handle("GET /files/{id}", func(w http.ResponseWriter, r *http.Request, organization string) {
		id := r.PathValue("id")
		found, ok := s.find(organization, id)
		if others, is := s.find("", id); is && !ok {
			switch s.leak {
			case "a refusal names the file":
				w.Header().Set("Content-Disposition", `attachment; filename*=UTF-8''`+strings.ReplaceAll(others.text, "c", "%63"))
			case "a redirect comes before the check":
				found, ok = others, true
			case "a refusal's cookie remembers the file":
				http.SetCookie(w, &http.Cookie{Name: "last", Value: base64.URLEncoding.EncodeToString([]byte("x" + others.text))})
			case "a refusal links to the file's name":
				w.Header().Set("Link", `</names/`+strings.ToUpper(others.text)+`>; rel="canonical"`)
			}
		}
		if !ok {
			fail(w, http.StatusNotFound, "there is no such file")
			return
		}
		http.Redirect(w, r, "/blobs/"+found.id+"?signature="+signature(found.id), http.StatusFound)
	})
	s.handle("DELETE /files/{id}", func(w http.ResponseWriter, r *http.Request, organization string) {
		if !s.remove(organization, r.PathValue("id")) {
			fail(w, http.StatusNotFound, "there is no such file")
		}
	})
	s.mux.HandleFunc("GET /blobs/{id}", func(w http.ResponseWriter, r *http.Request) {
		found, ok := s.find("", r.PathValue("id"))
		if !ok || r.URL.Query().Get("signature") != signature(found.id) {
			fail(w, http.StatusForbidden, "not signed")
			return
		}
		fmt.Fprint(w, "the content of ", found.text)
	})
	s.handle("GET /previews/{id}", func(w http.ResponseWriter, r *http.Request, organization string) {
		if s.leak == "previews have no owner" {
			organization = ""
		}
		if found, ok := s.find(organization, r.PathValue("id")); ok {
			fmt.Fprint(w, found.text[:20])
			return
		}
		fail(w, http.StatusNotFound, "there is no such file")
	})
	return s
}

// audits keeps what was done as texts within texts, and exports it by jobs.
func audits(leak string) *sample {
	s := newSample(leak, `
record entry=id POST /entries {"text": "{canary}"}
GET  /audit
POST /exports {}
GET  /exports`)
	s.handle("POST /entries", func(w http.ResponseWriter, r *http.Request, organization string) {
		answer(w, http.StatusCreated, map[string]any{"id": s.add(organization, text(input(r), "text")).id})
	})
	s.handle("GET /audit", func(w http.ResponseWriter, _ *http.Request, organization string) {
		entries := []any{}
		for _, r := range s.all("") {
			payload, _ := json.Marshal(map[string]any{"text": r.text})
			switch {
			case r.organization == organization, s.leak == "the log is everybody's, within JSON":
			case s.leak == "the log is everybody's, in base64":
				payload = []byte(base64.StdEncoding.EncodeToString(append([]byte("<>?>"), payload...)))
			case s.leak == "the log is everybody's, in hexadecimal":
				payload = []byte(hex.EncodeToString(payload))
			case s.leak == "the log is everybody's, compressed":
				payload = []byte(base64.URLEncoding.EncodeToString(zipped(string(payload))))
			default:
				continue
			}
			outer, _ := json.Marshal(map[string]any{"payload": string(payload)})
			entries = append(entries, string(outer))
		}
		answer(w, http.StatusOK, map[string]any{"entries": entries})
	})
	// An export is ready after a second.
	type export struct {
		organization string
		ready        time.Time
	}
	var jobs []export
	s.handle("POST /exports", func(w http.ResponseWriter, _ *http.Request, organization string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		jobs = append(jobs, export{organization, time.Now().Add(time.Second)})
		answer(w, http.StatusAccepted, map[string]any{"status": "queued"})
	})
	s.handle("GET /exports", func(w http.ResponseWriter, _ *http.Request, organization string) {
		s.mu.Lock()
		ready := false
		for _, job := range jobs {
			ready = ready || job.organization == organization && time.Now().After(job.ready)
		}
		s.mu.Unlock()
		if !ready {
			answer(w, http.StatusOK, map[string]any{"status": "pending"})
			return
		}
		if s.leak == "a job exports everybody's rows" {
			organization = ""
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(zipped(strings.Join(texts(s.all(organization)), "\r\n")))
	})
	return s
}

func zipped(text string) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	io.WriteString(w, text)
	w.Close()
	return out.Bytes()
}

// pages is rendered on the server.
func pages(leak string) *sample {
	s := newSample(leak, `
GET /o/{organization}/posts
record post=id POST /o/{organization}/posts {"title": "{canary}"}
GET /o/{organization}/posts/{post}`)
	page := func(w http.ResponseWriter, status int, body string) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<!doctype html><title>Posts</title><p>served %s<body>%s", time.Now().Format(time.RFC1123), body)
	}
	list := func(w http.ResponseWriter, rows []row) {
		body := ""
		for _, r := range rows {
			body += fmt.Sprintf(`<li><a href="/o/%s/posts/%s">%s</a>`, r.organization, r.id, html.EscapeString(r.text))
		}
		page(w, http.StatusOK, "<ul>"+body+"</ul>")
	}
	s.handle("GET /o/{organization}/posts", func(w http.ResponseWriter, r *http.Request, organization string) {
		rows := s.all(organization)
		if asked := r.URL.Query().Get("q"); asked != "" {
			if rows = nil; s.leak == "the page's search is everybody's" {
				rows = s.all("")
			}
		}
		list(w, rows)
	})
	s.handle("POST /o/{organization}/posts", func(w http.ResponseWriter, r *http.Request, organization string) {
		answer(w, http.StatusCreated, map[string]any{"id": s.add(organization, text(input(r), "title")).id})
	})
	s.handle("GET /o/{organization}/posts/{id}", func(w http.ResponseWriter, r *http.Request, organization string) {
		found, ok := s.find(organization, r.PathValue("id"))
		others, is := s.find("", r.PathValue("id"))
		switch {
		case ok:
			page(w, http.StatusOK, "<h1>"+html.EscapeString(found.text)+"</h1>")
		case is && s.leak == "a comment in the page has the row":
			coded := ""
			for _, c := range others.text {
				coded += fmt.Sprintf("&#x%x;", c)
			}
			page(w, http.StatusNotFound, "<!-- debug: "+coded+" -->")
		default:
			page(w, http.StatusNotFound, "There is no such post.")
		}
	})
	s.handle("GET /O/{any}/POSTS", func(w http.ResponseWriter, r *http.Request, organization string) {
		if s.leak == "the check does not see capitals" {
			list(w, s.all(strings.ToLower(r.PathValue("any"))))
			return
		}
		page(w, http.StatusNotFound, "There is no such page.")
	})
	s.handle("GET /{first}/{any}/{rest...}", func(w http.ResponseWriter, r *http.Request, _ string) {
		if s.leak == "the check does not see an encoded slash" && strings.Contains(r.URL.RawPath, "%2F") {
			list(w, s.all(strings.Split(strings.Trim(r.URL.Path, "/"), "/")[1]))
			return
		}
		page(w, http.StatusNotFound, "There is no such page.")
	})
	return s
}
