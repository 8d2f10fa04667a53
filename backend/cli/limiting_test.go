package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"

	"github.com/tabard-auth/tabard/backend/limits"
)

// TestRateLimits_NobodyIsLimitedForOthers: where the server sees every client at one
// address, it limits by none, and says so once.
func TestRateLimits_NobodyIsLimitedForOthers(t *testing.T) {
	for name, test := range map[string]struct {
		trusted, sender, forwarded string
		tls                        bool
		address                    string // "" is none
		exempt, warned             bool
	}{
		"this machine":                          {"", "127.0.0.1:1", "", false, "", true, false},
		"this machine, by way of a proxy on it": {"127.0.0.1", "127.0.0.1:1", "127.0.0.1", true, "", true, false},
		"a client without a proxy":              {"", "192.0.2.1:1", "", false, "192.0.2.1", false, false},
		"a client of a trusted proxy":           {"10.0.0.0/8", "10.0.0.1:1", "192.0.2.1", true, "192.0.2.1", false, false},
		"what a client itself forwards":         {"10.0.0.0/8", "10.0.0.1:1", "6.6.6.6, 192.0.2.1", true, "192.0.2.1", false, false},
		"a proxy that is not trusted":           {"", "10.0.0.1:1", "192.0.2.1", true, "", false, true},
		"a proxy on this machine, not trusted":  {"", "127.0.0.1:1", "192.0.2.1", true, "", false, true},
		"a proxy that says nothing":             {"", "10.0.0.1:1", "", true, "", false, true},
		"one on this machine that says nothing": {"", "127.0.0.1:1", "", true, "", false, true},
		"a trusted one that says nothing":       {"10.0.0.0/8", "10.0.0.1:1", "", true, "", false, false},
		"a socket":                              {"", "@", "", true, "", false, false},
	} {
		trusted, err := parseProxies(test.trusted)
		if err != nil {
			t.Fatal(err)
		}
		warned := false
		r := httptest.NewRequest(http.MethodGet, "/auth/login", nil)
		r.RemoteAddr = test.sender
		if test.forwarded != "" {
			r.Header.Set("X-Forwarded-For", test.forwarded)
		}
		address, _ := netip.ParseAddr(test.address)
		got := clients{trusted, test.tls, func() { warned = true }}.of(r)
		if want := (limits.Client{Address: address, Exempt: test.exempt}); got != want || warned != test.warned {
			t.Errorf("%s: %+v, warned %t; want %+v, %t", name, got, warned, want, test.warned)
		}
	}
}

// TestRateLimits_Serve begins sign-ins behind a trusted proxy until one is refused.
func TestRateLimits_Serve(t *testing.T) {
	p := behind(t, "--trusted-proxies", "127.0.0.1", "--rate-limits", "1200,4,300")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	from := func(address string) (statuses []int) {
		p.request = func(h http.Header) { h.Set("X-Forwarded-For", address) }
		for range 9 { // more than two minutes let pass
			response, err := client.Get(p.publicURL + "/login")
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			statuses = append(statuses, response.StatusCode)
		}
		return statuses
	}
	if got := from("192.0.2.7"); got[0] == http.StatusTooManyRequests || !slices.Contains(got, http.StatusTooManyRequests) {
		t.Errorf("from one address: %v", got)
	}
	if got := from("192.0.2.8"); got[0] == http.StatusTooManyRequests {
		t.Errorf("from another address: %v", got)
	}
	if got := from("127.0.0.1"); slices.Contains(got, http.StatusTooManyRequests) {
		t.Errorf("from this machine: %v", got)
	}
}

// TestRateLimits_ServeIPv6 begins sign-ins from ever new networks /64 of one /48, which
// has ten times the limit, until one is refused.
func TestRateLimits_ServeIPv6(t *testing.T) {
	p := behind(t, "--trusted-proxies", "127.0.0.1", "--rate-limits", "1200,4,300")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	refused := func(address string) bool {
		p.request = func(h http.Header) { h.Set("X-Forwarded-For", address) }
		response, err := client.Get(p.publicURL + "/login")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode == http.StatusTooManyRequests
	}
	passed := 0
	for passed < 81 && !refused(fmt.Sprintf("2001:db8:6:%x::1", passed*800)) {
		passed++
	}
	if passed < 40 || passed > 80 { // 80 in two minutes
		t.Errorf("%d sign-ins of one /48 passed, want 40 in a minute", passed)
	}
	if refused("2001:db8:7::1") {
		t.Error("another /48 is refused")
	}
}

func TestRateLimits_Setting(t *testing.T) {
	for text, want := range map[string]limits.Most{
		"0": {}, "1200,120,300": limits.Default, "0, 0, 5": {Session: 5},
	} {
		if got, err := parseLimits(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1", "1,2", "1,2,3,4", "a,b,c", "-1,2,3"} {
		if _, err := parseLimits(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
