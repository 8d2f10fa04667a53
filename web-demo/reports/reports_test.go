package reports_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/web-demo/notes"
	"github.com/tabard-auth/tabard/web-demo/reports"
)

var key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)

type oneKey struct{}

func (oneKey) PublicKey(context.Context, string) (token.PublicKey, error) {
	return token.PublicKey{Algorithm: "ES256", Key: &key.PublicKey}, nil
}

// ask asks the app for an organization's report with a token for acme and an audience.
func ask(t *testing.T, organization, audience string, permissions ...string) *httptest.ResponseRecorder {
	t.Helper()
	verifier, err := token.NewVerifier(token.Config{Issuer: "https://notes.test/auth", Audience: "https://reports.test/api", Keys: oneKey{}})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := resource.NewGuard(verifier, resource.Config{BaseURL: "https://reports.test"})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	db, err := notes.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	book := notes.NewBook(notes.Scoped(db))
	if err := book.Seed(t.Context(), map[string][]string{"org_acme": {"one two", "three"}, "org_globex": {"four"}}, now); err != nil {
		t.Fatal(err)
	}
	app := reports.New(reports.Config{Guard: guard, Book: book, Backend: "https://notes.test/auth", Notes: "https://notes.test", Now: time.Now})
	claims := token.Claims{
		Issuer: "https://notes.test/auth", Subject: "usr_1", Audience: []string{audience}, OrganizationID: "org_acme", OrganizationSlug: "acme",
		IssuedAt: now.Unix(), Expires: now.Unix() + 60, Permissions: permissions,
	}
	raw, err := claims.Sign(token.SigningKey{ID: "k", Algorithm: "ES256", Private: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/api/organizations/"+organization+"/report", nil)
	r.Header.Set("Authorization", "Bearer "+raw)
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	return w
}

func TestAReportCountsTheNotesOfItsOrganization(t *testing.T) {
	for _, named := range []string{"org_acme", "acme"} {
		got := ask(t, named, "https://reports.test/api", notes.Read)
		var report reports.Report
		if err := json.Unmarshal(got.Body.Bytes(), &report); err != nil || got.Code != http.StatusOK {
			t.Fatalf("%d %s", got.Code, got.Body)
		}
		if report.Organization != "org_acme" || report.Notes != 2 || report.Words != 3 || report.Authors != 0 || report.Days[6] != 2 {
			t.Errorf("%+v", report)
		}
	}
}

func TestAReportIsForItsOwnAudienceOrganizationAndPermission(t *testing.T) {
	for name, got := range map[string]*httptest.ResponseRecorder{
		"the notes' token":       ask(t, "acme", "https://notes.test/api", notes.Read),
		"another organization":   ask(t, "globex", "https://reports.test/api", notes.Read),
		"without the permission": ask(t, "acme", "https://reports.test/api"),
	} {
		if got.Code < 400 || strings.Contains(got.Body.String(), "notes\":") {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
}
