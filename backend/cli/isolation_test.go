package cli

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/isolationtest"
	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/web-demo/notes"
)

// oneKey is an issuer's key source.
type oneKey struct{ *ecdsa.PrivateKey }

func (k oneKey) PublicKey(context.Context, string) (token.PublicKey, error) {
	return token.PublicKey{Algorithm: "ES256", Key: k.Public()}, nil
}

func (k oneKey) token(t *testing.T, organization string, age time.Duration) string {
	t.Helper()
	return k.claims(t, organization, age, "a")
}

func (k oneKey) claims(t *testing.T, organization string, age time.Duration, audience string) string {
	t.Helper()
	issued := time.Now().Add(-age).Unix()
	c := token.Claims{Issuer: "i", Subject: "usr_1", Audience: []string{audience}, IssuedAt: issued, Expires: issued + 300, ID: "j",
		OrganizationID: "org_" + organization, OrganizationSlug: organization, Permissions: []string{notes.Read, notes.Write, notes.Delete}}
	raw, err := c.Sign(token.SigningKey{ID: "k", Algorithm: "ES256", Private: k.PrivateKey}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// notesService serves the demo's notes with queries of a kind.
func notesService(t *testing.T, key oneKey, scope func(*sql.DB) func(string) notes.Queries) string {
	t.Helper()
	verifier, err := token.NewVerifier(token.Config{Issuer: "i", Audience: "a", Keys: key})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := resource.NewGuard(verifier, resource.Config{})
	if err != nil {
		t.Fatal(err)
	}
	db, err := notes.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	server := httptest.NewServer(notes.NewHandler(guard, notes.NewBook(scope(db))))
	t.Cleanup(server.Close)
	return server.URL
}

// everybodys are queries that take every organization for the same.
type everybodys struct{ *sql.DB }

func (e everybodys) named(args []any) []any {
	return append(args, sql.Named("organization", "everybody"))
}

func (e everybodys) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return e.DB.QueryContext(ctx, query, e.named(args)...)
}

func (e everybodys) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return e.DB.ExecContext(ctx, query, e.named(args)...)
}

// isolationFiles are the files of a test of the command: two plans' parts, a document that
// is a plan by itself, and a token of Acme's.
type isolationFiles struct{ plan, openAPI, described, token string }

func newIsolationFiles(t *testing.T, key oneKey) isolationFiles {
	t.Helper()
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return isolationFiles{
		plan: file("plan.txt", `GET /api/organizations/{organization}/notes
record id=id POST /api/organizations/{organization}/notes {"text": "{canary}"}`),
		openAPI: file("openapi.json", `{"paths": {"/api/organizations/{organization}/notes/{id}": {"delete": {}}}}`),
		described: file("described.yaml", `openapi: 3.1.0
servers: [{url: https://api.example.com/api}]
paths:
  /health: {get: {security: []}}
  /organizations/{organizationId}/notes:
    get: {}
    post: {requestBody: {content: {application/json: {schema: {type: object, required: [text], properties: {text: {type: string, maxLength: 500}}}}}}}
  /organizations/{organizationId}/notes/{id}: {delete: {}}`),
		token: file("a.jwt", key.token(t, "acme", 0)),
	}
}

// leakyService serves notes with queries that take every organization for the same.
func leakyService(t *testing.T, key oneKey) string {
	t.Helper()
	return notesService(t, key, func(db *sql.DB) func(string) notes.Queries {
		return func(string) notes.Queries { return everybodys{db} }
	})
}

func newOneKey(t *testing.T) oneKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return oneKey{private}
}

func TestIsolation_Plan(t *testing.T) {
	key := newOneKey(t)
	files := newIsolationFiles(t, key)
	t.Setenv("TABARD_TOKEN_B", key.token(t, "globex", 0))
	t.Setenv("TABARD_EXPIRED_A", key.token(t, "acme", time.Hour))
	t.Setenv("TABARD_OTHER_AUDIENCE_A", key.claims(t, "acme", 0, "b"))
	run := func(url string, further ...string) (string, error) {
		args := append([]string{"isolation", files.plan, "--openapi", files.openAPI, "--url", url, "--token-a-file", files.token, "--settle", "250ms"}, further...)
		out, _, err := tabard(t, args...)
		return out, err
	}
	if out, err := run(notesService(t, key, notes.Scoped)); err != nil || !strings.Contains(out, ", 0 findings\n") || !strings.Contains(out, "not tested: an expired token of org_globex\n") || strings.Contains(out, "of org_acme") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := run(leakyService(t, key), "--only", "GET /api/organizations/{organization}/notes"); err == nil || !strings.Contains(err.Error(), "findings") || !strings.Contains(out, "leaked: GET /api/organizations/{organization}/notes: by org_globex, of org_acme") {
		t.Errorf("%v\n%.500s", err, out)
	}
	var report isolationtest.Report
	if out, _ := run(leakyService(t, key), "--json"); json.Unmarshal([]byte(out), &report) != nil || len(report.Findings) == 0 || report.Findings[0].Route.Method != http.MethodGet {
		t.Errorf("%.500s", out)
	}
}

func TestIsolation_PlanOfADocument(t *testing.T) {
	key := newOneKey(t)
	files := newIsolationFiles(t, key)
	t.Setenv("TABARD_TOKEN_B", key.token(t, "globex", 0))
	t.Setenv("TABARD_EXPIRED_A", key.token(t, "acme", time.Hour))
	t.Setenv("TABARD_OTHER_AUDIENCE_A", key.claims(t, "acme", 0, "b"))
	run := func(url string) (string, error) {
		out, _, err := tabard(t, "isolation", "--openapi", files.described, "--url", url, "--token-a-file", files.token, "--settle", "10ms")
		return out, err
	}
	if out, err := run(notesService(t, key, notes.Scoped) + "/api/"); err != nil || !strings.Contains(out, ", 0 findings\n") || !strings.Contains(out, "not tested: GET /health: it is public\n") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := run(leakyService(t, key)); exitStatus(err) != 1 || !strings.Contains(out, "leaked: GET /api/organizations/{organization}/notes: ") || !strings.Contains(out, `curl -i`) || !strings.Contains(out, `"Authorization: Bearer $TOKEN_A"`) || strings.Contains(out, key.token(t, "acme", 0)[:60]) {
		t.Errorf("a leaky one: %v\n%.900s", err, out)
	}
	if _, err := run("http://127.0.0.1:1"); exitStatus(err) != exitInvalid {
		t.Errorf("an API that does not answer: %v", err)
	}
}

// TestIsolation_LeftOut: what a plan leaves out does not look like success.
func TestIsolation_LeftOut(t *testing.T) {
	key := newOneKey(t)
	files := newIsolationFiles(t, key)
	t.Setenv("TABARD_TOKEN_B", key.token(t, "globex", 0))
	text, err := os.ReadFile(files.described)
	if err != nil {
		t.Fatal(err)
	}
	document := filepath.Join(t.TempDir(), "further.yaml")
	if err := os.WriteFile(document, append(text, "  /labels/{label_id}: {delete: {}}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	url := notesService(t, key, notes.Scoped) + "/api/"
	for status, further := range map[int][]string{exitPartial: nil, 0: {"--partial"}} {
		args := append([]string{"isolation", "--openapi", document, "--url", url, "--token-a-file", files.token, "--settle", "10ms", "--only", "DELETE /api/"}, further...)
		out, warnings, err := tabard(t, args...)
		got := 0
		if err != nil {
			got = exitStatus(err)
		}
		if got != status {
			t.Errorf("exit %d, want %d: %v", got, status, err)
		}
		if !strings.HasSuffix(out, ", 0 findings, 1 operation of the document NOT TESTED\n") || !strings.Contains(warnings, " requests to 3 routes\n") {
			t.Errorf("%s%s", out, warnings)
		}
	}
}

func TestIsolation_Arguments(t *testing.T) {
	key := newOneKey(t)
	files := newIsolationFiles(t, key)
	t.Setenv("TABARD_TOKEN_B", key.token(t, "globex", 0))
	good, none := notesService(t, key, notes.Scoped), filepath.Join(t.TempDir(), "none")
	for name, args := range map[string][]string{
		"no plan at all": {"isolation", "--url", good},
		"no document":    {"isolation", "--openapi", none, "--url", good},
		"a bad document": {"isolation", "--openapi", files.plan, "--url", good},
		"no plan":        {"isolation", none, "--url", good},
		"no token of A":  {"isolation", files.plan, "--url", good},
		"no such token":  {"isolation", files.plan, "--url", good, "--token-a-file", none},
		"no real token":  {"isolation", files.plan, "--url", good, "--token-a-file", files.plan},
		"no address":     {"isolation", files.plan},
		"no answer":      {"isolation", files.plan, "--url", "http://127.0.0.1:1", "--token-a-file", files.token},
	} {
		if out, _, err := tabard(t, args...); err == nil {
			t.Errorf("%s: %s", name, out)
		}
	}
}
