//go:build !js

package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// startLimited runs the Worker of workerd/limited.mjs and returns a function that sends
// it a request.
func startLimited(t *testing.T, most map[string]int) func(path string, header http.Header) *http.Response {
	workerd.Must(t, workerd.Build())
	port := ports.Hold(t)
	publicURL := fmt.Sprintf("http://localhost:%d/auth", port)
	workerd.Run(t, workerd.Options{
		Port: port, Entry: "workerd/limited.mjs",
		Variables: workerd.Variables(publicURL, "http://127.0.0.1:1", "id", "secret"),
		State:     workerd.Database(t, directory.Desired{}),
		Limits:    most,
	})
	return func(path string, header http.Header) *http.Response {
		header.Set("Cf-Connecting-Ip", "192.0.2.1")
		return ask(t, http.MethodGet, publicURL+path, header)
	}
}

// sessionCookies is a header of n cookies that look like sessions'.
func sessionCookies(n int) http.Header {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("__Host-Http-tabard.demo.%08d=t%d", i, i)
	}
	return http.Header{"Cookie": {strings.Join(all, "; ")}}
}

func TestRateLimitsThatFail(t *testing.T) {
	get := startLimited(t, nil)
	for _, fault := range []string{"throw", "reject"} {
		t.Run("by "+fault+" are answered by ourselves", func(t *testing.T) {
			header := sessionCookies(1)
			header.Set("Fault", fault)
			r := get("/login", header)
			if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" || r.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%d %v", r.StatusCode, r.Header)
			}
			if got := code(t, r); got != string(api.TemporarilyUnavailable) {
				t.Errorf("the code is %q", got)
			}
			if r := get("/healthz", http.Header{}); r.StatusCode != http.StatusOK {
				t.Errorf("the next request: %d", r.StatusCode)
			}
		})
	}
}

func TestARequestIsCountedByABoundedNumberOfCookies(t *testing.T) {
	get := startLimited(t, nil)
	if r := get("/healthz", sessionCookies(32)); r.StatusCode != http.StatusOK || r.Header.Get("Asked") != "33" {
		t.Errorf("32 sessions of several apps: %d, %s asked", r.StatusCode, r.Header.Get("Asked"))
	}
	for _, n := range []int{33, 300} {
		r := get("/session", sessionCookies(n))
		if r.StatusCode != http.StatusBadRequest || r.Header.Get("Asked") != "1" || code(t, r) != string(api.InvalidRequest) {
			t.Errorf("%d sessions: %d, %s asked", n, r.StatusCode, r.Header.Get("Asked"))
		}
	}
}

func TestWhoSendsTooManyCookiesIsCountedByAddress(t *testing.T) {
	get := startLimited(t, map[string]int{"PER_ADDRESS": 3})
	for range 7 { // more than two windows let through
		if r := get("/session", sessionCookies(33)); r.StatusCode == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("it was not counted")
}

// TestNoSpellingPassesALimitBy sends sign-ins and session cookies in other spellings
// that the program accepts.
func TestNoSpellingPassesALimitBy(t *testing.T) {
	get := startLimited(t, nil)
	for _, path := range []string{"/%6cogin", "/%6C%6Fgin", "/callback/%63on_acme", "/c%61llback", "/x/../login", "//login"} {
		if r := get(path, http.Header{}); r.Header.Get("Asked") != "2" {
			t.Errorf("%s: %s asked", path, r.Header.Get("Asked"))
		}
	}
	const name = "__Host-Http-tabard.demo.abcdefgh"
	for _, cookies := range []string{"a=b;" + name + "=t", "a=b;\t" + name + "=t", "a=b;  " + name + "=t", name + " =t", `a="b;` + name + "=t"} {
		if r := get("/session", http.Header{"Cookie": {cookies}}); r.Header.Get("Asked") != "2" {
			t.Errorf("%q: %s asked", cookies, r.Header.Get("Asked"))
		}
	}
	many := sessionCookies(33)
	many.Set("Cookie", strings.ReplaceAll(many.Get("Cookie"), " ", ""))
	if r := get("/session", many); r.StatusCode != http.StatusBadRequest || r.Header.Get("Asked") != "1" {
		t.Errorf("33 sessions without a space: %d, %s asked", r.StatusCode, r.Header.Get("Asked"))
	}
}
