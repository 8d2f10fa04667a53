package overhttps_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/tabard-auth/tabard/backend/domain"
	"github.com/tabard-auth/tabard/backend/domain/overhttps"
)

// TestLookupTXT asks a resolver over HTTP, with answers as Cloudflare and Google
// document them.
func TestLookupTXT(t *testing.T) {
	status, body := http.StatusOK, ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != "application/dns-json" || r.URL.Query().Get("name") != "_tabard.acme.example" || r.URL.Query().Get("type") != "TXT" {
			t.Errorf("asked %s", r.URL)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	defer server.Close()
	r := overhttps.Resolver{URL: server.URL, Transport: http.DefaultTransport}
	for _, c := range []struct {
		body      string
		published bool
		failed    bool
	}{
		{`{"Status":0,"Answer":[{"name":"_tabard.acme.example","type":16,"TTL":300,"data":"\"tabard-domain-verification=token\""}]}`, true, false},
		{`{"Status":0,"Answer":[{"name":"_tabard.acme.example.","type":16,"TTL":300,"data":"tabard-domain-verification=token"}]}`, true, false},
		{`{"Status":0,"Answer":[{"type":5,"data":"x.example."},{"type":16,"data":"\"tabard-domain-\" \"verification=token\""}]}`, true, false},
		{`{"Status":0,"Answer":[{"type":16,"data":"\"tabard-domain-verification=other\""}]}`, false, false},
		{`{"Status":0}`, false, false}, {`{"Status":3}`, false, false}, {`{"Status":0,"Answer":[{"type":5,"data":"x.example."}]}`, false, false},
		{`{"Status":2}`, false, true}, {`<html>`, false, true}, {``, false, true},
	} {
		body = c.body
		got, err := domain.Published(t.Context(), r, "acme.example", "token")
		if got != c.published || (err != nil) != c.failed {
			t.Errorf("%s: %v, %v", c.body, got, err)
		}
	}
	status = http.StatusServiceUnavailable
	if _, err := r.LookupTXT(t.Context(), "_tabard.acme.example."); err == nil {
		t.Error("status 503 is no error")
	}
	status, body = http.StatusOK, `{"Status":0,"Answer":[{"type":16,"data":"\"a\""},{"type":16,"data":"\"b\""}]}`
	if got, err := r.LookupTXT(t.Context(), "_tabard.acme.example."); err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%v, %v", got, err)
	}
}
