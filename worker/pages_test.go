//go:build !js

package main_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

var pageLink = regexp.MustCompile(`<a href="([^"]*)">([^<]*)</a>`)

// link fails the test unless an answer is a page that shows a code, with one link. It
// returns the link's address.
func link(t *testing.T, r *http.Response, status int, code api.Code) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	all := pageLink.FindAllStringSubmatch(string(body), -1)
	if r.StatusCode != status || len(all) != 1 || !strings.Contains(string(body), "<small>"+string(code)+"</small>") {
		t.Fatalf("%d leads to %q: %s", r.StatusCode, all, body)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if policy := r.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'; style-src 'sha256-") || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("the policy is %q", policy)
	}
	return strings.NewReplacer("&#38;", "&", "&#39;", "'", "&#34;", `"`).Replace(all[0][1])
}

// navigation is the header of a person's navigation from a site.
func navigation(site string) http.Header {
	return http.Header{"Accept": {"text/html,*/*"}, "Sec-Fetch-Site": {site}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}}
}

// TestPages_ErrorsLeadOn checks that a person gets a page with a link where the program
// does not answer.
func TestPages_ErrorsLeadOn(t *testing.T) {
	t.Parallel()
	get := startLimited(t, nil)
	failing := func(site string) http.Header {
		header := navigation(site)
		header.Set("Fault", "reject")
		return header
	}
	for _, test := range []struct{ site, path, next string }{
		{"same-origin", `/login?return_to=/o'neil"%3Cb>&app=demo`, `/login?return_to=/o%27neil%22%3Cb%3E&app=demo`},
		{"cross-site", "/callback?code=1&state=2", "/callback?code=1&state=2"},
		{"cross-site", "/login?user=usr_1&prompt=none", "/login?user=usr_1&prompt=none&ask=1"},
		{"same-site", "/login", "/login?ask=1"},
		{"none", "/login?ask=1", "/login?ask=1"},
	} {
		next := link(t, get(test.path, failing(test.site)), http.StatusServiceUnavailable, api.TemporarilyUnavailable)
		if !strings.HasSuffix(next, "/auth"+test.next) {
			t.Errorf("%s of %s leads to %s", test.path, test.site, next)
		}
	}
	if r := get("/login", http.Header{"Accept": {"*/*"}, "Fault": {"reject"}}); code(t, r) != string(api.TemporarilyUnavailable) {
		t.Errorf("a script gets %d %v", r.StatusCode, r.Header)
	}
}

// TestPages_TooManySessions checks that the page takes away the oldest cookies, so that
// its link leads on.
func TestPages_TooManySessions(t *testing.T) {
	t.Parallel()
	get := startLimited(t, nil)
	header := navigation("same-origin")
	header["Cookie"] = sessionCookies(40)["Cookie"]
	r := get("/login", header)
	body := new(strings.Builder)
	r.Body = io.NopCloser(io.TeeReader(r.Body, body))
	link(t, r, http.StatusBadRequest, api.InvalidRequest)
	if said := body.String(); strings.Count(said, "oldest ones were removed") != 2 || strings.Contains(said, "Clear") {
		t.Errorf("the page says %s", said)
	}
	var gone []string
	for _, c := range r.Cookies() {
		if c.MaxAge >= 0 || c.Value != "" || c.Path != "/" || !c.Secure {
			t.Errorf("it sets %v", c)
		}
		gone = append(gone, c.Name)
	}
	if len(gone) != 28 || gone[0] != "__Host-Http-tabard.demo.00000000" || gone[27] != "__Host-Http-tabard.demo.00000027" {
		t.Errorf("it clears %v", gone)
	}
	if r := get("/session", sessionCookies(40)); len(r.Cookies()) != 0 {
		t.Errorf("a script's request clears %v", r.Cookies())
	}
}

// TestPages_Limits checks the page of too many requests, and the one of a form that is
// too large.
func TestPages_Limits(t *testing.T) {
	workerd.Must(t, workerd.Build())
	port := ports.Hold(t)
	publicURL := fmt.Sprintf("http://localhost:%d/auth", port)
	workerd.Run(t, workerd.Options{
		Port: port, Variables: workerd.Variables(publicURL, "http://127.0.0.1:1", "id", "secret"),
		State: workerd.Database(t, directory.Desired{}), Limits: map[string]int{"SIGN_INS": 2},
	})
	r := countAllowed(t, 2, func() *http.Response {
		return ask(t, http.MethodGet, publicURL+"/callback?state=1", navigation("cross-site"))
	})
	if next := link(t, r, http.StatusTooManyRequests, api.RateLimited); next != publicURL+"/callback?state=1" || r.Header.Get("Retry-After") == "" {
		t.Errorf("it leads to %s, %v", next, r.Header)
	}
	form := url.Values{"state": {strings.Repeat("x", 140<<10)}}.Encode()
	header := navigation("cross-site")
	header.Set("Content-Type", "Application/X-WWW-Form-URLEncoded; charset=UTF-8")
	header.Set("Cf-Connecting-Ip", "192.0.2.7")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, publicURL+"/callback", strings.NewReader(form))
	workerd.Must(t, err)
	request.Header = header
	large, err := http.DefaultClient.Do(request)
	workerd.Must(t, err)
	defer large.Body.Close()
	if next := link(t, large, http.StatusRequestEntityTooLarge, api.InvalidRequest); next != publicURL+"/login" {
		t.Errorf("it leads to %s", next)
	}
}

// TestPages_LargeHeader checks that the page of a header that is too large leads on: to a
// new sign-in.
func TestPages_LargeHeader(t *testing.T) {
	t.Parallel()
	get := startLimited(t, nil)
	for path, site := range map[string]string{"/login?return_to=/a": "same-origin", "/callback?code=1&state=2": "cross-site"} {
		header := navigation(site)
		header.Set("X-Large", strings.Repeat("x", 17<<10))
		r := get(path, header)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		all := pageLink.FindAllStringSubmatch(string(body), -1)
		if r.StatusCode != http.StatusRequestHeaderFieldsTooLarge || len(all) == 0 || !strings.HasSuffix(all[0][1], "/auth/login") {
			t.Errorf("%s: %d leads to %q: %s", path, r.StatusCode, all, body)
		}
	}
}
