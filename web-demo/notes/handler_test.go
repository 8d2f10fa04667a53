package notes_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/web-demo/notes"
)

const (
	issuer   = "http://localhost:8080/auth"
	audience = "http://localhost:8080/api"
	acme     = "/api/organizations/org_acme/notes"
	globex   = "/api/organizations/org_globex/notes"
)

// keys is a key source with one key.
type keys struct {
	private *ecdsa.PrivateKey
	broken  error
}

func (k *keys) PublicKey(_ context.Context, kid string) (token.PublicKey, error) {
	if k.broken != nil {
		return token.PublicKey{}, k.broken
	}
	if kid != "k1" {
		return token.PublicKey{}, token.ErrUnknownKey
	}
	return token.PublicKey{Algorithm: "ES256", Key: &k.private.PublicKey}, nil
}

type service struct {
	t       *testing.T
	keys    *keys
	handler http.Handler
}

// newService serves a book over the queries that scope returns.
func newService(t *testing.T, scope func(*sql.DB) func(string) notes.Queries) *service {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k := &keys{private: private}
	verifier, err := token.NewVerifier(token.Config{Issuer: issuer, Audience: audience, Keys: k})
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
	book := notes.NewBook(scope(db))
	if err := book.Seed(t.Context(), map[string][]string{"org_acme": {"of Acme"}, "org_globex": {"of Globex"}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	return &service{t, k, notes.NewHandler(guard, book)}
}

// token signs a token for an organization; spoil changes it first.
func (w *service) token(organization string, permissions []string, spoil ...func(*token.Claims)) string {
	w.t.Helper()
	now := time.Now().Unix()
	claims := &token.Claims{
		Issuer: issuer, Subject: "user_1", Audience: []string{audience}, IssuedAt: now, Expires: now + 300,
		ID: "j1", ClientID: "demo", SessionID: "s1", OrganizationID: organization, OrganizationSlug: "acme",
		Permissions: permissions, AuthTime: now,
	}
	for _, change := range spoil {
		change(claims)
	}
	raw, err := claims.Sign(token.SigningKey{ID: "k1", Algorithm: "ES256", Private: w.keys.private}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

func (w *service) do(method, path, raw, body string) *http.Response {
	w.t.Helper()
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	if raw != "" {
		request.Header.Set("Authorization", "Bearer "+raw)
	}
	return w.send(request)
}

func (w *service) send(request *http.Request) *http.Response {
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, request)
	return recorder.Result()
}

func wantRefusal(t *testing.T, response *http.Response, status int, code api.Code) {
	t.Helper()
	var body api.Error
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		t.Fatalf("status %d: %v", response.StatusCode, err)
	}
	if response.StatusCode != status || body.Code != code || body.Description == "" {
		t.Errorf("%d %+v, want %d %s with a description", response.StatusCode, body, status, code)
	}
}

func texts(t *testing.T, response *http.Response) []string {
	t.Helper()
	var body struct{ Notes []notes.Note }
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %v", response.StatusCode, err)
	}
	list := []string{}
	for _, note := range body.Notes {
		list = append(list, note.Text)
	}
	return list
}

var all = []string{notes.Read, notes.Write, notes.Delete}

func TestANoteIsAddedListedAndDeletedInItsOrganizationOnly(t *testing.T) {
	w := newService(t, notes.Scoped)
	raw := w.token("org_acme", all)
	response := w.do(http.MethodPost, acme, raw, `{"text":"  new  "}`)
	var added notes.Note
	if err := json.NewDecoder(response.Body).Decode(&added); err != nil || response.StatusCode != http.StatusCreated {
		t.Fatalf("status %d: %v", response.StatusCode, err)
	}
	if added.Text != "new" || added.Author != "user_1" {
		t.Errorf("added %+v", added)
	}
	if got := texts(t, w.do(http.MethodGet, acme, raw, "")); fmt.Sprint(got) != "[new of Acme]" {
		t.Errorf("Acme has %q", got)
	}
	if got := texts(t, w.do(http.MethodGet, globex, w.token("org_globex", all), "")); fmt.Sprint(got) != "[of Globex]" {
		t.Errorf("Globex has %q", got)
	}
	wantRefusal(t, w.do(http.MethodDelete, globex+"/"+added.ID, w.token("org_globex", all), ""), http.StatusNotFound, api.NotFound)
	if response := w.do(http.MethodDelete, acme+"/"+added.ID, raw, ""); response.StatusCode != http.StatusNoContent {
		t.Errorf("delete: status %d", response.StatusCode)
	}
	if got := texts(t, w.do(http.MethodGet, acme, raw, "")); fmt.Sprint(got) != "[of Acme]" {
		t.Errorf("Acme has %q", got)
	}
}

func TestEveryRouteRefusesAnotherOrganizationsToken(t *testing.T) {
	w := newService(t, notes.Scoped)
	raw := w.token("org_acme", all)
	for _, route := range [][2]string{{"GET", globex}, {"POST", globex}, {"DELETE", globex + "/note_1"}} {
		wantRefusal(t, w.do(route[0], route[1], raw, `{"text":"x"}`), http.StatusForbidden, notes.OrganizationMismatch)
	}
	wantRefusal(t, w.do("GET", "/api/organizations/globex/notes", raw, ""), http.StatusForbidden, notes.OrganizationMismatch)
}

func TestEveryRouteNeedsItsPermission(t *testing.T) {
	w := newService(t, notes.Scoped)
	for _, route := range [][3]string{
		{"GET", acme, notes.Read}, {"POST", acme, notes.Write}, {"DELETE", acme + "/note_1", notes.Delete},
	} {
		others := []string{}
		for _, permission := range all {
			if permission != route[2] {
				others = append(others, permission)
			}
		}
		response := w.do(route[0], route[1], w.token("org_acme", others), `{"text":"x"}`)
		wantRefusal(t, response, http.StatusForbidden, notes.InsufficientScope)
		want := `Bearer error="insufficient_scope", scope="` + route[2] + `"`
		if got := response.Header.Get("WWW-Authenticate"); got != want {
			t.Errorf("WWW-Authenticate %q, want %q", got, want)
		}
	}
}

func TestATokenThatDoesNotAuthorizeIsInvalid(t *testing.T) {
	w := newService(t, notes.Scoped)
	for name, raw := range map[string]string{
		"garbage":        "x",
		"expired":        w.token("org_acme", all, func(c *token.Claims) { c.IssuedAt -= 600; c.Expires -= 600 }),
		"other audience": w.token("org_acme", all, func(c *token.Claims) { c.Audience = []string{"http://localhost:8080/other"} }),
		"other issuer":   w.token("org_acme", all, func(c *token.Claims) { c.Issuer = "http://localhost:8080" }),
		"cut short":      w.token("org_acme", all)[:80],
		"no tenant":      w.token("", all),
	} {
		t.Run(name, func(t *testing.T) {
			response := w.do(http.MethodGet, acme, raw, "")
			wantRefusal(t, response, http.StatusUnauthorized, notes.InvalidToken)
			if got := response.Header.Get("WWW-Authenticate"); !strings.HasPrefix(got, `Bearer error="invalid_token", error_description=`) {
				t.Errorf("WWW-Authenticate %q", got)
			}
		})
	}
}

func TestATokenIsReadFromTheAuthorizationHeaderOnly(t *testing.T) {
	w := newService(t, notes.Scoped)
	raw := w.token("org_acme", all)
	for name, spoil := range map[string]func(*http.Request){
		"none":       func(*http.Request) {},
		"query":      func(r *http.Request) { r.URL.RawQuery = "access_token=" + raw },
		"cookie":     func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "access_token", Value: raw}) },
		"other kind": func(r *http.Request) { r.Header.Set("Authorization", "Basic "+raw) },
		"two headers": func(r *http.Request) {
			r.Header.Add("Authorization", "Bearer "+raw)
			r.Header.Add("Authorization", "Bearer "+raw)
		},
	} {
		t.Run(name, func(t *testing.T) {
			request := httptest.NewRequest(http.MethodGet, acme, nil)
			spoil(request)
			response := w.send(request)
			wantRefusal(t, response, http.StatusUnauthorized, notes.InvalidToken)
			if got := response.Header.Get("WWW-Authenticate"); got != "Bearer" {
				t.Errorf("WWW-Authenticate %q", got)
			}
		})
	}
}

func TestKeysOutOfReachAreNoSignOut(t *testing.T) {
	w := newService(t, notes.Scoped)
	raw := w.token("org_acme", all)
	w.keys.broken = errors.New("connection refused")
	wantRefusal(t, w.do(http.MethodGet, acme, raw, ""), http.StatusServiceUnavailable, api.TemporarilyUnavailable)
}

func TestABadBodyIsRefused(t *testing.T) {
	w := newService(t, notes.Scoped)
	raw := w.token("org_acme", all)
	for name, body := range map[string]string{
		"empty":           ``,
		"no JSON":         `text=x`,
		"unknown field":   `{"text":"x","organization":"org_globex"}`,
		"more behind it":  `{"text":"x"}{"text":"y"}`,
		"only spaces":     `{"text":"   "}`,
		"501 characters":  `{"text":"` + strings.Repeat("ä", 501) + `"}`,
		"more than 4 KiB": `{"text":"x"` + strings.Repeat(" ", 4<<10) + `}`,
		"another type":    `{"text":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			wantRefusal(t, w.do(http.MethodPost, acme, raw, body), http.StatusBadRequest, api.InvalidRequest)
		})
	}
	request := httptest.NewRequest(http.MethodPost, acme, strings.NewReader(`{"text":"x"}`))
	request.Header.Set("Authorization", "Bearer "+raw)
	request.Header.Set("Content-Type", "text/plain")
	wantRefusal(t, w.send(request), http.StatusBadRequest, api.InvalidRequest)
}

func TestAnOrganizationCannotFillTheMemory(t *testing.T) {
	w := newService(t, notes.Scoped)
	raw := w.token("org_acme", all)
	for range 199 {
		if response := w.do(http.MethodPost, acme, raw, `{"text":"x"}`); response.StatusCode != http.StatusCreated {
			body, _ := io.ReadAll(response.Body)
			t.Fatalf("status %d: %s", response.StatusCode, body)
		}
	}
	wantRefusal(t, w.do(http.MethodPost, acme, raw, `{"text":"x"}`), http.StatusConflict, notes.LimitReached)
}

func TestAnOrganizationWithoutNotesHasAnEmptyList(t *testing.T) {
	w := newService(t, notes.Scoped)
	body, _ := io.ReadAll(w.do(http.MethodGet, "/api/organizations/org_new/notes", w.token("org_new", all), "").Body)
	if !strings.Contains(string(body), `"notes":[]`) {
		t.Errorf("body %s", body)
	}
}
