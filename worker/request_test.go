//go:build !js

package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// reading is how workerd/parsed.mjs says that a request is read.
type reading struct {
	URL, Path, SignIn, Head string
	Asks                    bool
	Sessions                []string
}

// reader returns a function that sends a request exactly as written, and returns the
// Worker's reading of it.
func reader(t *testing.T) func(publicURL, target string, cookies ...string) reading {
	port := ports.Hold(t)
	workerd.Run(t, workerd.Options{Port: port, Entry: "workerd/parsed.mjs"})
	return func(publicURL, target string, cookies ...string) (got reading) {
		t.Helper()
		connection, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		workerd.Must(t, err)
		defer connection.Close()
		fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: localhost:%d\r\nPublic-Url: %s\r\nConnection: close\r\n", target, port, publicURL)
		for _, line := range cookies {
			fmt.Fprintf(connection, "Cookie: %s\r\n", line)
		}
		io.WriteString(connection, "\r\n")
		response, err := http.ReadResponse(bufio.NewReader(connection), nil)
		workerd.Must(t, err)
		defer response.Body.Close()
		if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
			t.Fatalf("%s: %d %v", target, response.StatusCode, err)
		}
		return got
	}
}

// routes returns the backend's routes at a public URL: a function from an address to
// the pattern that serves it after redirects. It uses a method that no route handles,
// so that no handler runs.
func routes(t *testing.T, publicURL string) func(address *url.URL) (pattern string) {
	secret, _ := signingkey.NewSecret()
	handler, err := host.New(host.Config{
		PublicURL: publicURL, Secret: secret, Provider: login.Config{Issuer: "https://id.example.com", ClientID: "id"},
	}, nil)
	workerd.Must(t, err)
	return func(address *url.URL) string {
		for {
			r := &http.Request{Method: http.MethodTrace, URL: address, Host: "app.example.com", Header: http.Header{}, Body: http.NoBody}
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, r)
			if answer.Header().Get("Location") == "" {
				return r.Pattern
			}
			next, err := address.Parse(answer.Header().Get("Location"))
			workerd.Must(t, err)
			address = next
		}
	}
}

// spellings returns a path as it is and as it may be written besides.
func spellings(path string) []string {
	all := []string{path, path + "/", path + ".", path + "%2e", path + "?a=/login", path + ";x", path + ";/login", path + "%00", path + "%ff",
		path + "%20", path + "/..", path + "/.", path + "/x/..", path + "/%2e%2e", "/." + path, "/x/.." + path, "/x/%2E%2e" + path, "/%2e" + path,
		strings.ToUpper(path), strings.ReplaceAll(path, "/", "%2F"), strings.ReplaceAll(path, "/", "%2f"), strings.ReplaceAll(path, "/", `\`),
		strings.ReplaceAll(path, "/", "//"), strings.ReplaceAll(path, "/", "///"), strings.ReplaceAll(path, "/", "/./")}
	everything := ""
	for i, c := range []byte(path) {
		if c == '/' {
			everything += "/"
			all = append(all, path[:i]+"/"+path[i:], path[:i]+"%2F"+path[i+1:], path[:i]+"/%2F"+path[i+1:])
			continue
		}
		escaped := fmt.Sprintf("%%%02x", c)
		everything += escaped
		all = append(all, path[:i]+escaped+path[i+1:], path[:i]+strings.ToUpper(escaped)+path[i+1:], path[:i]+"%25"+escaped[1:]+path[i+1:],
			path[:i]+"%"+path[i:], path[:i]+"\t"+path[i:])
	}
	return append(all, everything, strings.ToUpper(everything))
}

// TestPathsAreLimitedAsTheProgramRoutesThem, however they are spelled and wherever the
// backend is mounted.
func TestPathsAreLimitedAsTheProgramRoutesThem(t *testing.T) {
	t.Parallel()
	read := reader(t)
	for _, base := range []string{"", "/auth", "/a/b-c.d", "/login", "/caf%C3%A9"} {
		publicURL := "https://app.example.com" + base
		route := routes(t, publicURL)
		seen := map[string]int{}
		for _, path := range []string{api.PathLogin, api.PathCallback, api.PathCallback + "/con_acme", api.PathBackchannelLogout,
			api.PathBackchannelLogout + "/con_acme", api.PathRevocation, api.PathRevocation + "/con_acme", api.PathToken, api.PathSessions + "/login", api.PathLogin + "/callback", "/healthz"} {
			for _, target := range spellings(base + path) {
				if strings.Contains(target, "\t") || !strings.HasPrefix(target, "/") || base == "" && strings.HasPrefix(target, "//") { // no request line, or another host
					continue
				}
				if strings.Contains(base, "%") && strings.Contains(target, "//") { // which net/http sends on to nowhere
					continue
				}
				got := read(publicURL, target)
				passed, err := url.Parse(got.URL)
				if err != nil { // which the program refuses
					continue
				}
				want := expectedReading(base, route(passed))
				if got.SignIn != want.SignIn || got.Asks != want.Asks {
					t.Errorf("%s: %q is read as %q, %v, and routed as %q, %v (%s)", publicURL, target, got.SignIn, got.Asks, want.SignIn, want.Asks, got.URL)
				}
				if native, err := url.ParseRequestURI(target); err == nil && native.Path == base+path && got.SignIn != expectedReading(base, route(native)).SignIn {
					t.Errorf("%s: %q is read as %q, unlike by net/http", publicURL, target, got.SignIn)
				}
				if line := strings.Split(got.Head, "\n")[1]; line != got.URL {
					t.Errorf("%q: the program is given %q, not %q", target, line, got.URL)
				}
				seen[want.SignIn]++
			}
		}
		if seen["login"] < 15 || seen["callback"] < 40 || seen[""] < 100 {
			t.Errorf("%s: %v", publicURL, seen)
		}
	}
}

// expectedReading returns how a pattern of the backend is limited.
func expectedReading(base, pattern string) (r reading) {
	base, err := url.PathUnescape(base)
	if err != nil {
		panic(err)
	}
	switch pattern {
	case base + api.PathLogin, base + api.PathLogin + "/{connection}":
		r.SignIn = "login"
	case base + api.PathCallback, base + api.PathCallback + "/{connection}":
		r.SignIn = "callback"
	}
	r.Asks = r.SignIn != "" || strings.HasPrefix(pattern, base+api.PathBackchannelLogout) || strings.HasPrefix(pattern, base+api.PathRevocation)
	return r
}

// TestCookiesAreCountedAsTheProgramReadsThem, however they are spelled.
func TestCookiesAreCountedAsTheProgramReadsThem(t *testing.T) {
	t.Parallel()
	const name, another = "__Host-Http-tabard.demo.abcdefgh", "__Host-Http-tabard.OTHER.demo.abcdefgh"
	mark, err := publicurl.ParseCookieMark("", "https://app.example.com/auth")
	workerd.Must(t, err)
	marked := "__Host-Http-tabard." + mark + ".demo.abcdefgh"
	headers := [][]string{
		{name + "=t"}, {"a=b; " + name + "=t"}, {"a=b;" + name + "=t"}, {"a=b;\t " + name + "=t"}, {";;" + name + "=t;;"}, {name + " = t"},
		{name + "=t ; " + name + "=u"}, {name + `="t"`}, {name + `="t`}, {name + "="}, {name}, {"=" + name + "=t"}, {`a="b;` + name + `=t"`},
		{"a=b," + name + "=t"}, {"a=b, " + name + "=t"}, {name + "=t=u"}, {name + "=t, " + name + "=u"}, {name + "=t\\"}, {name + "(=t"},
		{strings.ToLower(name) + "=t"}, {"$Version=1; " + name + "=t"}, {" " + name + "=t"}, {"x" + name + "=t"}, {"__Host-Http-tabard=t"},
		{"a=b", name + "=t"}, {name + "=t", name + "=u"}, {name + "=t", "a=b;" + name + "=u"}, {"__Host-Http-tabard-login.abcdefgh=t;" + name + "=u"},
		{marked + "=t"}, {marked + "=t; " + name + "=t"}, {marked + "=t; " + name + "=u"}, {another + "=t"}, {another + "=t; " + marked + "=u"},
		{"__Host-Http-tabard-login." + mark + "=t;" + marked + "=u"}, {"__Host-Http-tabard." + mark + "=t"}, {"__Host-Http-tabard." + strings.ToLower(mark) + ".demo.abcdefgh=t"},
	}
	pieces := []string{name, marked, another, "__Host-Http-tabard.", "__Host-Http-", "a", "t", "=", "=", "=", ";", ";", "; ", " ", "\t", ",", `"`, `\`, "é", "%3b"}
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var header strings.Builder
		for range 1 + random.IntN(12) {
			header.WriteString(pieces[random.IntN(len(pieces))])
		}
		headers = append(headers, []string{header.String()})
	}
	read := reader(t)
	counted := 0
	for _, lines := range headers {
		got := read("https://app.example.com/auth", "/auth/token", lines...)
		passed := http.Header{}
		for _, line := range strings.Split(got.Head, "\n")[3:] {
			if name, value, _ := strings.Cut(line, ": "); http.CanonicalHeaderKey(name) == "Cookie" {
				passed.Add("Cookie", value)
			}
		}
		if program := sessionValues(passed); !slices.Equal(got.Sessions, program) {
			t.Errorf("%q: %q are counted, and the program reads %q", lines, got.Sessions, program)
		}
		if native := sessionValues(http.Header{"Cookie": lines}); len(lines) == 1 && !slices.Equal(got.Sessions, native) {
			t.Errorf("%q: %q are counted, and net/http reads %q", lines, got.Sessions, native)
		}
		counted += len(got.Sessions)
	}
	if counted < 50 {
		t.Errorf("%d cookies in all", counted)
	}
}

// sessionValues are the values, each once, of the session cookies that net/http reads, but
// of those that bear another server's mark.
func sessionValues(header http.Header) []string {
	values := []string{}
	for _, cookie := range (&http.Request{Header: header}).Cookies() {
		if strings.HasPrefix(cookie.Name, "__Host-Http-tabard.") && !strings.HasPrefix(cookie.Name, "__Host-Http-tabard.OTHER.") && !slices.Contains(values, cookie.Value) {
			values = append(values, cookie.Value)
		}
	}
	return values
}
