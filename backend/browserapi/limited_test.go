package browserapi_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/limits"
)

// limit puts limits before the backend.
func (w *backend) limit(most limits.Most) {
	w.Hosts["localhost:8080"] = limits.New(most, w.Now).Wrap("/auth", func(*http.Request) limits.Client {
		return limits.Client{Address: netip.MustParseAddr("192.0.2.1")}
	}, w.Hosts["localhost:8080"])
}

func TestRateLimits_AScriptIsToldWhenToAskAgain(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	w.limit(limits.Most{Session: 2})
	w.mint(b, "acme")
	w.mint(b, "acme")
	got := b.Post("/token", `{"organization":"acme"}`)
	w.wants(got, http.StatusTooManyRequests, api.RateLimited)
	if got.Header.Get("Retry-After") == "" || !strings.Contains(got.Body, `"retry_after":`) || len(got.Cookies()) > 0 {
		t.Errorf("%v %s", got.Header, got.Body)
	}
	elsewhere := w.Browser(sibling).Sharing(b).Post("/token", `{"organization":"acme"}`)
	if elsewhere.Status != http.StatusTooManyRequests || elsewhere.Header.Get("Access-Control-Allow-Origin") != sibling {
		t.Errorf("a page of a sibling host reads %d %v", elsewhere.Status, elsewhere.Header)
	}
}

func TestRateLimits_APersonSeesAPageThatLeadsOn(t *testing.T) {
	w := newBackend(t, nil)
	w.limit(limits.Most{SignIns: 1})
	w.signedIn("alice")
	b := w.browser()
	for _, path := range []string{"/login?return_to=%2Fnotes", "/callback?code=x&state=y"} {
		got := b.Step(publicURL + path)
		w.wants(got, http.StatusTooManyRequests, api.RateLimited)
		if !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") || got.Header.Get("Retry-After") == "" ||
			!strings.Contains(got.Body, "There were too many requests") || !strings.Contains(got.Body, `<a href="`) {
			t.Errorf("%s: %v %s", path, got.Header, got.Body)
		}
	}
}
