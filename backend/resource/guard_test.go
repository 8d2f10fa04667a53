package resource_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
)

// mux serves notes below both kinds of path. It answers with the organization that it
// served.
func (w *guarded) mux(demand token.Demand) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/organizations/{organization}/notes", w.guard.Protect(resource.Rule{Organization: "organization", Demand: demand}, served))
	mux.Handle("/notes", w.guard.Protect(resource.Rule{Demand: demand}, served))
	mux.Handle("/misspelled/{organisation}/notes", w.guard.Protect(resource.Rule{Organization: "organization"}, served))
	return mux
}

var served = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, resource.ClaimsFrom(r.Context()).Subject, " ", resource.OrganizationFrom(r.Context()))
})

func answer(handler http.Handler, r *http.Request) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, r)
	return recorder
}

func TestTheGuardAnswersByTheBook(t *testing.T) {
	w := newGuarded(t)
	late := w.token(func(c *token.Claims) { c.Expires = w.now.Unix() - 3600 })
	for _, c := range []struct {
		path, authorization string
		demand              token.Demand
		status              int
		challenge           string
	}{
		{"/organizations/org_acme/notes", "Bearer " + w.plain, token.Demand{}, 200, ""},
		{"/organizations/acme/notes", "Bearer " + w.plain, token.Demand{}, 200, ""},
		{"/notes", "Bearer " + w.plain, token.Demand{}, 200, ""},
		{"/organizations/org_globex/notes", "Bearer " + w.plain, token.Demand{}, 403, ""},
		{"/organizations/globex/notes", "Bearer " + w.plain, token.Demand{}, 403, ""},
		{"/misspelled/org_acme/notes", "Bearer " + w.plain, token.Demand{}, 403, ""},
		{"/notes", "", token.Demand{}, 401, "Bearer"},
		{"/notes", "Basic abc", token.Demand{}, 401, "Bearer"},
		{"/notes", "Bearer " + late, token.Demand{}, 401, `Bearer error="invalid_token", error_description="expired"`},
		{"/notes", "Bearer " + w.plain, token.Demand{Permissions: []string{"notes:read"}}, 200, ""},
		{"/notes", "Bearer " + w.plain, token.Demand{Permissions: []string{"notes:read", "notes:write"}}, 403, `Bearer error="insufficient_scope", scope="notes:read notes:write"`},
		{"/organizations/globex/notes", "Bearer " + w.plain, token.Demand{Permissions: []string{"notes:write"}}, 403, ""},
		{"/notes", "Bearer " + w.plain, token.Demand{MaxAge: 30 * time.Second}, 401, `Bearer error="insufficient_user_authentication", max_age="30"`},
		{"/notes", "Bearer " + w.plain, token.Demand{MaxAge: 31 * time.Second}, 200, ""}, // with 30 s of leeway
		{"/notes", "Bearer " + w.plain, token.Demand{ACR: []string{"urn:mfa", "urn:hwk"}}, 401, `Bearer error="insufficient_user_authentication", acr_values="urn:mfa urn:hwk"`},
		{"/notes", "Bearer " + w.plain, token.Demand{ACR: []string{"urn:mfa", "urn:pwd"}}, 200, ""},
		{"/notes", "Bearer " + w.plain, token.Demand{ACR: []string{"urn:mfa"}, MaxAge: time.Minute}, 401, `Bearer error="insufficient_user_authentication", acr_values="urn:mfa", max_age="60"`},
	} {
		header := []string{"Authorization", c.authorization}
		if c.authorization == "" {
			header = nil
		}
		got := answer(w.mux(c.demand), request(c.path, header...))
		if got.Code != c.status || got.Header().Get("WWW-Authenticate") != c.challenge {
			t.Errorf("%s with %.20s… and %+v: %d %q, want %d %q", c.path, c.authorization, c.demand, got.Code, got.Header().Get("WWW-Authenticate"), c.status, c.challenge)
		}
		if c.status == 200 && got.Body.String() != "usr_1 org_acme" {
			t.Errorf("%s: served %q", c.path, got.Body)
		}
		if c.status != 200 && got.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: a refusal may be kept", c.path)
		}
	}
}

func TestKeysOutOfReachAreNoVerdictOnTheToken(t *testing.T) {
	w := newGuarded(t)
	w.away = errors.New("connection refused")
	got := answer(w.mux(token.Demand{}), request("/notes", "Authorization", "Bearer "+w.plain))
	if got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") != "1" {
		t.Errorf("%d %v %s", got.Code, got.Header(), got.Body)
	}
	w.away = nil
	if got := answer(w.mux(token.Demand{}), request("/notes")); got.Code != http.StatusUnauthorized || got.Header().Get("Retry-After") != "" {
		t.Errorf("a verdict: %d %v", got.Code, got.Header())
	}
}

// A request that chooses a tenant by anything but the signed claim is served the
// token's own.
func TestP5OnlyTheSignedOrganizationDecides(t *testing.T) {
	w := newGuarded(t)
	r := request("/notes?organization=org_globex&tenant=globex", "Authorization", "Bearer "+w.plain,
		"X-Org", "org_globex", "X-Organization-Id", "org_globex", "X-Tenant-Id", "org_globex", "Cookie", "organization=org_globex")
	if got := answer(w.mux(token.Demand{}), r); got.Body.String() != "usr_1 org_acme" {
		t.Errorf("served %q", got.Body)
	}
}

func TestEveryRequestIsRecordedOnceAndAMismatchIsAnAlarm(t *testing.T) {
	w := newGuarded(t)
	expired := w.token(func(c *token.Claims) { c.Expires = w.now.Unix() - 3600 })
	staff := w.token(func(c *token.Claims) { c.Actor = &token.Actor{Subject: "usr_1"} })
	server := w.token(func(c *token.Claims) { c.Actor = &token.Actor{Subject: "reports"} })
	both := w.token(func(c *token.Claims) {
		c.Actor = &token.Actor{Subject: "reports", Actor: &token.Actor{Subject: "usr_1"}}
	})
	for _, c := range []struct {
		path, raw string
		want      resource.Record
	}{
		{"/organizations/org_acme/notes", w.plain, resource.Record{Outcome: resource.Allowed, TokenOrganization: "org_acme", ResourceOrganization: "org_acme"}},
		{"/organizations/acme/notes", w.plain, resource.Record{Outcome: resource.Allowed, TokenOrganization: "org_acme", ResourceOrganization: "acme"}},
		{"/organizations/org_globex/notes", w.plain, resource.Record{Outcome: resource.Alarm, Reason: token.WrongOrganization, TokenOrganization: "org_acme", ResourceOrganization: "org_globex"}},
		{"/organizations/org_globex/notes", expired, resource.Record{Outcome: resource.Alarm, Reason: token.Expired, TokenOrganization: "org_acme", ResourceOrganization: "org_globex"}},
		{"/organizations/org_acme/notes", expired, resource.Record{Outcome: resource.Refused, Reason: token.Expired, TokenOrganization: "org_acme", ResourceOrganization: "org_acme"}},
		{"/organizations/org_globex/notes", w.plain[:len(w.plain)-4] + "AAAA", resource.Record{Outcome: resource.Refused, Reason: token.BadSignature, ResourceOrganization: "org_globex"}},
		{"/organizations/org_acme/notes", "", resource.Record{Outcome: resource.Refused, Reason: "no_token", ResourceOrganization: "org_acme"}},
		{"/organizations/org_acme/notes", staff, resource.Record{Outcome: resource.Allowed, TokenOrganization: "org_acme", ResourceOrganization: "org_acme", Actor: "usr_1", Staff: true}},
		{"/organizations/org_acme/notes", server, resource.Record{Outcome: resource.Allowed, TokenOrganization: "org_acme", ResourceOrganization: "org_acme", Actor: "reports"}},
		{"/organizations/org_acme/notes", both, resource.Record{Outcome: resource.Allowed, TokenOrganization: "org_acme", ResourceOrganization: "org_acme", Actor: "reports", Staff: true}},
	} {
		w.records = nil
		answer(w.mux(token.Demand{}), request(c.path, "Authorization", "Bearer "+c.raw))
		c.want.Method, c.want.Route = "GET", "/organizations/{organization}/notes"
		if len(w.records) != 1 {
			t.Fatalf("%s: %d records", c.path, len(w.records))
		}
		got := w.records[0]
		if (got.Session != "") != (got.TokenOrganization != "") || strings.Contains(got.Session, "ses_1") {
			t.Errorf("%s: session %q", c.path, got.Session)
		}
		if got.Session = ""; got != c.want {
			t.Errorf("%s: %+v, want %+v", c.path, got, c.want)
		}
	}
}

// An organization that is known only from the row is compared after the row was read.
func TestAResourceFoundLaterIsComparedToo(t *testing.T) {
	w := newGuarded(t)
	handler := w.guard.Protect(resource.Rule{}, http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if err := resource.Match(r.Context(), r.URL.Query().Get("row")); err != nil {
			resource.Refuse(out, err)
		}
	}))
	for row, want := range map[string]int{"org_acme": 200, "org_globex": 403, "acme": 403, "": 403} {
		w.records = nil
		got := answer(handler, request("/?row="+row, "Authorization", "Bearer "+w.plain))
		if got.Code != want {
			t.Errorf("a row of %q: %d", row, got.Code)
		}
		alarmed := slices.ContainsFunc(w.records, func(r resource.Record) bool {
			return r.Outcome == resource.Alarm && r.ResourceOrganization == row && r.TokenOrganization == "org_acme"
		})
		if alarmed != (want == 403) {
			t.Errorf("a row of %q: recorded %+v", row, w.records)
		}
	}
	if err := resource.Match(t.Context(), "org_acme"); token.ReasonOf(err) != token.WrongOrganization {
		t.Errorf("without a guard: %v", err)
	}
	if resource.OrganizationFrom(t.Context()) != "" || resource.ClaimsFrom(t.Context()) != nil {
		t.Error("without a guard there is an organization")
	}
}

// C6: if the API asks, the end of a session takes effect at once.
func TestAnEndedSessionIsRefusedAtOnce(t *testing.T) {
	ended := map[string]bool{}
	w := newGuarded(t, func(c *resource.Config) {
		c.Ended = func(_ context.Context, c *token.Claims) bool { return ended[c.SessionID] }
	})
	for _, want := range []int{200, 401} {
		if got := answer(w.mux(token.Demand{}), request("/notes", "Authorization", "Bearer "+w.plain)); got.Code != want {
			t.Errorf("ended %v: %d", ended, got.Code)
		}
		ended["ses_1"] = true
	}
}

func TestTheLogTellsAlarmsFromRefusals(t *testing.T) {
	var text strings.Builder
	w := newGuarded(t, func(c *resource.Config) {
		c.Record = resource.LogTo(slog.New(slog.NewTextHandler(&text, nil)))
	})
	answer(w.mux(token.Demand{}), request("/organizations/org_globex/notes", "Authorization", "Bearer "+w.plain))
	answer(w.mux(token.Demand{}), request("/notes"))
	for _, want := range []string{"level=ERROR", "outcome=alarm", "token_organization=org_acme", "resource_organization=org_globex", "level=INFO", "reason=no_token"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, &text)
		}
	}
	if strings.Contains(text.String(), w.plain) || strings.Contains(text.String(), "ses_1") {
		t.Errorf("the log tells too much:\n%s", &text)
	}
}
