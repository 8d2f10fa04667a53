//go:build !js

package main_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

func TestTooManyRequestsAreRefused(t *testing.T) {
	workerd.Must(t, workerd.Build())
	port := ports.Hold(t)
	publicURL := fmt.Sprintf("http://localhost:%d/auth", port)
	workerd.Run(t, workerd.Options{
		Port:      port,
		Variables: workerd.Variables(publicURL, "http://127.0.0.1:1", "id", "secret"),
		State:     workerd.Database(t, directory.Desired{}),
		Limits:    map[string]int{"PER_ADDRESS": 6, "SIGN_INS": 2, "PER_SESSION": 3},
	})
	get := func(path, address, cookie string) *http.Response {
		return ask(t, http.MethodGet, publicURL+path, http.Header{"Cf-Connecting-Ip": {address}, "Cookie": {cookie}})
	}
	t.Run("from one address", func(t *testing.T) {
		r := countAllowed(t, 6, func() *http.Response { return get("/healthz", "192.0.2.1", "") })
		if r.Header.Get("Retry-After") == "" || code(t, r) != string(api.RateLimited) {
			t.Errorf("%v", r.Header)
		}
		if r := get("/healthz", "192.0.2.2", ""); r.StatusCode != http.StatusOK {
			t.Errorf("another address: %d", r.StatusCode)
		}
	})
	t.Run("from one network of IPv6, however it is written", func(t *testing.T) {
		n := 0
		countAllowed(t, 6, func() *http.Response {
			n++
			return get("/healthz", fmt.Sprintf("2001:DB8:0::%x", n), "")
		})
		if r := get("/healthz", "2001:db8:0:1::1", ""); r.StatusCode != http.StatusOK {
			t.Errorf("another network: %d", r.StatusCode)
		}
	})
	t.Run("to sign in", func(t *testing.T) {
		countAllowed(t, 2, func() *http.Response { return get("/login", "192.0.2.3", "") })
		if r := get("/healthz", "192.0.2.3", ""); r.StatusCode != http.StatusOK {
			t.Errorf("not a sign-in: %d", r.StatusCode)
		}
	})
	t.Run("to sign in at an organization's own provider", func(t *testing.T) {
		countAllowed(t, 2, func() *http.Response { return get("/callback/con_acme", "192.0.2.4", "") })
	})
	t.Run("by a foreign page that somebody visits", func(t *testing.T) {
		image := http.Header{"Cf-Connecting-Ip": {"192.0.2.9"}, "Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Dest": {"image"}}
		countAllowed(t, 6, func() *http.Response { return ask(t, http.MethodGet, publicURL+"/callback", image) })
		if r := get("/callback", "192.0.2.9", ""); r.StatusCode == http.StatusTooManyRequests {
			t.Error("it used up the share of their network")
		}
	})
	t.Run("and whoever began to sign in may finish", func(t *testing.T) {
		for _, path := range []string{"/login", "/login", "/callback", "/callback"} {
			if r := get(path, "192.0.2.5", ""); r.StatusCode == http.StatusTooManyRequests {
				t.Errorf("%s: %d", path, r.StatusCode)
			}
		}
	})
	t.Run("by one session from many addresses", func(t *testing.T) {
		n := 0
		countAllowed(t, 3, func() *http.Response {
			n++
			return get("/session", fmt.Sprintf("192.0.2.%d", 10+n), "a=b; __Host-Http-tabard.demo.abcdefgh=token")
		})
		if r := get("/session", "192.0.2.9", "__Host-Http-tabard.demo.abcdefgh=other"); r.StatusCode == http.StatusTooManyRequests {
			t.Error("a token that names the same session was refused")
		}
	})
}

// countAllowed sends until a request is refused. The windows of workerd's limits are
// whole minutes, so up to two windows' requests are allowed.
func countAllowed(t *testing.T, limit int, send func() *http.Response) *http.Response {
	t.Helper()
	for range 2*limit + 1 {
		if r := send(); r.StatusCode == http.StatusTooManyRequests {
			return r
		}
	}
	t.Fatalf("%d requests were let through", 2*limit+1)
	return nil
}

func code(t *testing.T, r *http.Response) string {
	t.Helper()
	body := make([]byte, 1000)
	n, _ := r.Body.Read(body)
	return httpbrowser.Response{Body: string(body[:n])}.Code()
}
