package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// proxied is a deployment behind a reverse proxy, which may do anything with headers.
type proxied struct {
	deployment
	request func(http.Header)
	answer  func(*http.Response)
}

// behind starts a server behind a proxy on this machine.
func behind(t *testing.T, args ...string) *proxied {
	t.Helper()
	d, listen := deploy(t)
	p := &proxied{deployment: d}
	target := &url.URL{Scheme: "http", Host: listen}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.SetXForwarded()
			if p.request != nil {
				p.request(r.Out.Header)
			}
		},
		ModifyResponse: func(r *http.Response) error {
			if p.answer != nil {
				p.answer(r)
			}
			return nil
		},
	})
	t.Cleanup(proxy.Close)
	p.publicURL = proxy.URL + "/auth"
	p.issuer = provider(t, p.publicURL)
	p.describe(t, proxy.URL)
	p.starting(t, listen, args...)
	return p
}

func TestDoctor_WhatAProxyDoesWithHeaders(t *testing.T) {
	p := behind(t, "--trusted-proxies", "127.0.0.1")
	keep := func(name string) func(http.Header) { return func(h http.Header) { h.Del(name) } }
	change := func(name, value string) func(http.Header) {
		return func(h http.Header) {
			if h.Get(name) != "" {
				h.Set(name, value)
			}
		}
	}
	answer := func(f func(http.Header)) func(*http.Response) {
		return func(r *http.Response) { f(r.Header) }
	}
	for name, test := range map[string]struct {
		request func(http.Header)
		answer  func(*http.Response)
		want    string // "" is no text
	}{
		"nothing":                {nil, nil, ""},
		"cookies of its own":     {func(h http.Header) { h.Set("Cookie", "lb=1; "+h.Get("Cookie")) }, answer(func(h http.Header) { h.Add("Set-Cookie", "lb=1") }), ""},
		"keeps Cookie":           {keep("Cookie"), nil, "proxy: problem: the request's Cookie does not reach the server"},
		"takes some cookies out": {func(h http.Header) { h.Set("Cookie", strings.Split(h.Get("Cookie"), "; ")[0]) }, nil, "proxy: problem: the request's Cookie reaches the server changed"},
		"keeps DPoP":             {keep("Dpop"), nil, "proxy: problem: the request's DPoP does not reach the server"},
		"changes DPoP":           {change("Dpop", "masked"), nil, "proxy: problem: the request's DPoP reaches the server changed"},
		"keeps Sec-Fetch-Site":   {keep("Sec-Fetch-Site"), nil, "proxy: problem: the request's Sec-Fetch-Site does not reach the server"},
		"changes Sec-Fetch-Site": {change("Sec-Fetch-Site", "none"), nil, "proxy: problem: the request's Sec-Fetch-Site reaches the server changed"},
		"keeps Tabard-Client":    {keep("Tabard-Client"), nil, "proxy: problem: the request's Tabard-Client does not reach the server"},
		"keeps Tabard-Time":      {keep("Tabard-Time"), nil, "proxy: problem: the request's Tabard-Time does not reach the server"},
		"keeps Origin":           {keep("Origin"), nil, "proxy: problem: the request's Origin does not reach the server"},
		"keeps Set-Cookie":       {nil, answer(keep("Set-Cookie")), "proxy: problem: the answer's Set-Cookie does not reach browsers"},
		"adds a domain":          {nil, answer(func(h http.Header) { rewrite(h, "Path=/", "Path=/; Domain=example.com") }), "proxy: problem: the answer's Set-Cookie reaches browsers changed"},
		"moves the path":         {nil, answer(func(h http.Header) { rewrite(h, "Path=/", "Path=/auth") }), "proxy: problem: the answer's Set-Cookie reaches browsers changed"},
		"takes HttpOnly away":    {nil, answer(func(h http.Header) { rewrite(h, "; HttpOnly", "") }), "proxy: problem: the answer's Set-Cookie reaches browsers changed"},
		"joins cookies":          {nil, answer(func(h http.Header) { change("Set-Cookie", strings.Join(h["Set-Cookie"], ", "))(h) }), "proxy: problem: the answer's Set-Cookie reaches browsers changed"},
		"keeps DPoP-Nonce":       {nil, answer(keep("Dpop-Nonce")), "proxy: problem: the answer's DPoP-Nonce does not reach browsers"},
		"keeps Retry-After":      {nil, answer(keep("Retry-After")), "proxy: problem: the answer's Retry-After does not reach browsers"},
		"changes Retry-After":    {nil, answer(change("Retry-After", "60")), "proxy: problem: the answer's Retry-After reaches browsers changed"},
		"has pages of its own":   {nil, replaceErrors, "proxy: problem: answers of errors are replaced: 502 Bad Gateway"},
		"does not say for whom":  {keep("X-Forwarded-For"), nil, "proxy: warning: the proxy 127.0.0.1 does not say for whom it asks"},
		"is not the only one":    {func(h http.Header) { h.Set("X-Forwarded-For", "198.51.100.7, 203.0.113.9") }, nil, "proxy: warning: --trusted-proxies does not name the proxy 203.0.113.9 before the last one"},
		"hides for whom":         {func(h http.Header) { h.Set("X-Forwarded-For", "unknown") }, nil, "proxy: warning: the X-Forwarded-For of the proxy 127.0.0.1 is not an address"},
		"says a port":            {func(h http.Header) { h.Set("X-Forwarded-For", "127.0.0.1:4711") }, nil, "proxy: ok: the server knows where requests come from (this one: 127.0.0.1)"},
		"says it by Forwarded": {func(h http.Header) {
			h.Del("X-Forwarded-For")
			h.Set("Forwarded", `for="127.0.0.1:4711"`)
		}, nil, "proxy: ok: the server knows where requests come from (this one: 127.0.0.1)"},
		"keeps headers it knows not": {func(h http.Header) { h.Del("Tabard-Client"); h.Del("Tabard-Time"); h.Del("Dpop") }, nil, "proxy: problem: the request's Tabard-Client does not reach the server"},
	} {
		p.request, p.answer = test.request, test.answer
		findings, _ := examined(t, p.args("--trusted-proxies", "127.0.0.1"))
		if test.want == "" {
			if bad := strings.Contains(findings, "proxy: problem") || strings.Contains(findings, "proxy: warning"); bad || !strings.Contains(findings, "proxy: ok: headers") {
				t.Errorf("%s:\n%s", name, findings)
			}
		} else if !strings.Contains(findings, test.want) {
			t.Errorf("%s: %q is not among\n%s", name, test.want, findings)
		}
	}
}

func rewrite(h http.Header, before, after string) {
	for i, cookie := range h["Set-Cookie"] {
		h["Set-Cookie"][i] = strings.Replace(cookie, before, after, 1)
	}
}

func replaceErrors(r *http.Response) {
	if r.StatusCode == http.StatusTooManyRequests {
		r.StatusCode, r.Status, r.Body, r.ContentLength = http.StatusBadGateway, "502 Bad Gateway", http.NoBody, 0
		r.Header = http.Header{"Content-Type": {"text/html"}}
	}
}

func TestDoctor_MissingTrustedProxies(t *testing.T) {
	p := behind(t)
	findings, _ := examined(t, p.args())
	if want := "proxy: warning: --trusted-proxies does not name the proxy 127.0.0.1: every client seems to be 127.0.0.1"; !strings.Contains(findings, want) {
		t.Errorf("%q is not among\n%s", want, findings)
	}
}

// TestDoctor_ProbesAreForThoseWithTheSecret: for all other requests the address does not
// exist.
func TestDoctor_ProbesAreForThoseWithTheSecret(t *testing.T) {
	d, listen := deploy(t)
	d.start(t, listen)
	for _, query := range []string{"", "?at=1&probe=x&mac=", fmt.Sprintf("?at=%d&probe=x&mac=00", 1<<40)} {
		response, err := http.Get("http://" + listen + "/auth/probe" + query)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusNotFound || response.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %s %v", query, response.Status, response.Header)
		}
	}
}
