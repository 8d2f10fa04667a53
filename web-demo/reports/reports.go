// Package reports is the demonstration's second app: it counts the notes of an
// organization, on an origin of its own, with an API and an audience of its own. People
// come to it from the notes and sign in nowhere.
package reports

import (
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/web-demo/notes"
)

//go:embed static
var embedded embed.FS

// Config configures the app.
type Config struct {
	Guard *resource.Guard // of this app's own audience
	Book  *notes.Book
	// Backend is the token backend as browsers see it, and Notes the origin of the app
	// that people come from.
	Backend, Notes string
	Now            func() time.Time
}

// Report summarizes an organization's notes.
type Report struct {
	Organization string `json:"organization"`
	Notes        int    `json:"notes"`
	Words        int    `json:"words"`
	Authors      int    `json:"authors"`
	// Days counts the notes of the last days, today's last.
	Days []int `json:"days"`
}

const days = 7

// New returns the app: its page, and its API below /api.
func New(c Config) http.Handler {
	static, err := fs.Sub(embedded, "static")
	if err != nil {
		panic(err) // the name is a constant
	}
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServerFS(static))
	mux.HandleFunc("GET /backend.json", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]string{"backend": c.Backend, "notes": c.Notes})
	})
	rule := resource.Rule{Organization: "organization", Demand: token.Demand{Permissions: []string{notes.Read}}}
	mux.Handle("GET /api/organizations/{organization}/report", c.Guard.Protect(rule, http.HandlerFunc(c.report)))
	return c.withHeaders(mux)
}

func (c Config) report(w http.ResponseWriter, r *http.Request) {
	organization := resource.OrganizationFrom(r.Context())
	list, err := c.Book.List(r.Context(), organization)
	if err != nil {
		http.Error(w, "the notes cannot be read", http.StatusInternalServerError)
		return
	}
	writeJSON(w, count(organization, list, c.Now()))
}

func count(organization string, list []notes.Note, now time.Time) Report {
	report := Report{Organization: organization, Notes: len(list), Days: make([]int, days)}
	authors := map[string]bool{}
	for _, n := range list {
		report.Words += len(strings.Fields(n.Text))
		if n.Author != "" {
			authors[n.Author] = true
		}
		if ago := int(now.Sub(time.Unix(n.WrittenAt, 0)) / (24 * time.Hour)); ago >= 0 && ago < days {
			report.Days[days-1-ago]++
		}
	}
	report.Authors = len(authors)
	return report
}

func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // the caller may have gone away
}

// withHeaders sets the security headers on every answer. The client comes from the
// backend, which is on a sibling origin.
func (c Config) withHeaders(next http.Handler) http.Handler {
	origin := strings.TrimSuffix(c.Backend, "/auth")
	policy := "default-src 'none'; script-src 'self' " + origin + " 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; " +
		"connect-src 'self' " + origin + "; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; " +
		"require-trusted-types-for 'script'; trusted-types 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Security-Policy", policy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
