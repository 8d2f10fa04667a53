package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/web-demo/notes"
)

const (
	notesApp   = "demo"
	reportsApp = "reports"
)

// reportsEntry brings a person from the notes into the reports: it verifies the
// person's token, and gets a code for their browser from the backend.
type reportsEntry struct {
	guard    *resource.Guard
	sessions string // address of the workspace's sessions, at the backend
	key      string // the workspace API key
	reports  string // origin of the reports
}

// ServeHTTP answers POST /api/organizations/{organization}/reports.
func (h reportsEntry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rule := resource.Rule{Organization: "organization", Demand: token.Demand{Permissions: []string{notes.Read}}}
	h.guard.Protect(rule, http.HandlerFunc(h.open)).ServeHTTP(w, r)
}

// open answers a request whose token the guard has let pass.
func (h reportsEntry) open(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		CodeChallenge string `json:"code_challenge"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&asked); err != nil {
		http.Error(w, "the body must be {\"code_challenge\": …}", http.StatusBadRequest)
		return
	}
	answer, err := h.requestCode(r, asked.CodeChallenge)
	if err != nil {
		unavailable(w, r, err)
		return
	}
	defer answer.Body.Close()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body) // the caller may have gone away
}

// requestCode asks the backend for a code that opens the reports to the person of a
// request.
func (h reportsEntry) requestCode(r *http.Request, challenge string) (*http.Response, error) {
	body, err := json.Marshal(map[string]string{
		"app_id": reportsApp, "response_type": "code", "code_challenge": challenge,
		"return_to": h.reports + "/?tabard_organization=" + url.QueryEscape(resource.ClaimsFrom(r.Context()).OrganizationSlug),
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.sessions, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+h.key)
	request.Header.Set("X-Authorization", r.Header.Get("Authorization"))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 16<<10)) // before the deadline ends the connection
	answer.Body = io.NopCloser(bytes.NewReader(text))
	return answer, err
}

// workspaceKey has the program make the notes' server's key, for as long as a demo may
// run.
func workspaceKey(o options, env []string) (string, error) {
	command := exec.Command(o.tabard, "keys", "create", "--name", "the notes' server", "--kind", "workspace", "--app", notesApp, "--expires", "720h")
	command.Env = env
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s keys create: %w", o.tabard, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// sessionsAddress is where the backend opens sessions across the workspace's apps.
func sessionsAddress(backend *url.URL) string {
	return backend.JoinPath(mount, "v1/workspaces/default/sessions").String()
}
