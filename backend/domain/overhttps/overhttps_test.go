package overhttps_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/domain"
	"github.com/tabard-auth/tabard/backend/domain/overhttps"
)

// TestLookupTXT_NotDNS: an answer that is no DNS message says nothing of the record.
// What DNS messages say is in TestPublished.
func TestLookupTXT_NotDNS(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"503":            func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"429":            func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"204":            func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"a redirect":     func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) },
		"a page":         as("text/html", "<html>"),
		"JSON":           as("application/dns-json", `{"Status":3}`),
		"without a type": as("", "\x00\x00\x81\x83"),
		"empty":          as("application/dns-message", ""),
		"a header alone": as("application/dns-message", "\x00\x00\x81\x83\x00\x00\x00\x00\x00\x00\x00\x00"),
		"a question":     as("application/dns-message", "\x00\x00\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07_tabard\x04acme\x07example\x00\x00\x10\x00\x01"),
		"too large":      as("application/dns-message", strings.Repeat("\x00", 1<<16)),
	} {
		server := httptest.NewServer(answer)
		r := overhttps.Resolver{URL: server.URL, Transport: http.DefaultTransport}
		if got, err := domain.Published(t.Context(), r, "acme.example", "token"); err == nil || got {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		server.Close()
		if got, err := domain.Published(t.Context(), r, "acme.example", "token"); err == nil || got {
			t.Errorf("%s, closed: %v, %v", name, got, err)
		}
	}
}

func as(media, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", media)
		w.Write([]byte(body))
	}
}

func TestCheckURL(t *testing.T) {
	for text, want := range map[string]bool{
		"https://cloudflare-dns.com/dns-query": true, "https://dns.example:8443/q?key=1": true, "http://127.0.0.1:5353/dns-query": true, "http://localhost/": true,
		"http://dns.example/dns-query": false, "cloudflare-dns.com": false, "": false, "1.1.1.1": false, "https://": false, "https://u:p@dns.example/": false, "dns://dns.example": false, "https://dns.example/#a": false,
	} {
		if err := overhttps.CheckURL(text); (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}
