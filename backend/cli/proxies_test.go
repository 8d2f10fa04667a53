package cli

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOnlyTrustedProxiesTellWhereARequestCameFrom(t *testing.T) {
	trusted, err := parseProxies("127.0.0.1, 10.0.0.0/8,2001:db8::/32")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sender    string
		forwarded []string
		want      string
	}{
		{"203.0.113.9:1", nil, "203.0.113.9"},
		{"203.0.113.9:1", []string{"198.51.100.1"}, "203.0.113.9"},
		{"127.0.0.1:1", nil, "127.0.0.1"},
		{"127.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"6.6.6.6, 198.51.100.1"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"6.6.6.6, 198.51.100.1, 10.1.2.3"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"6.6.6.6", "198.51.100.1"}, "198.51.100.1"},
		{"[2001:db8::1]:1", []string{"2001:DB9::2"}, "2001:db9::2"},
		{"[::ffff:127.0.0.1]:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"198.51.100.1, not an address"}, "127.0.0.1"},
		{"127.0.0.1:1", []string{"10.0.0.1"}, "10.0.0.1"},
		{"@", []string{"198.51.100.1"}, "@"},
		{"127.0.0.1:1", []string{"198.51.100.1:51234"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"6.6.6.6, 198.51.100.1:1, 10.1.2.3:2"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"[2001:db9::2]:443"}, "2001:db9::2"},
		{"127.0.0.1:1", []string{"[2001:db9::2]"}, "2001:db9::2"},
		{"127.0.0.1:1", []string{`"[2001:db9::2]:443"`}, "2001:db9::2"},
		{"127.0.0.1:1", []string{`"198.51.100.1"`}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"2001:db9::2%eth0"}, "2001:db9::2"},
		{"127.0.0.1:1", []string{"198.51.100.1, unknown"}, "127.0.0.1"},
		{"127.0.0.1:1", []string{"198.51.100.1:port"}, "127.0.0.1"},
		{"127.0.0.1:1", []string{""}, "127.0.0.1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.sender
		r.Header["X-Forwarded-For"] = c.forwarded
		var got string
		trusted.wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr })).ServeHTTP(httptest.NewRecorder(), r)
		if got != c.want {
			t.Errorf("from %s by way of %q: %s, want %s", c.sender, c.forwarded, got, c.want)
		}
	}
	if _, err := parseProxies("10.0.0.0/8,localhost"); err == nil {
		t.Error("a name is taken for a network")
	}
}

// TestProxies_Forwarded reads the header of RFC 7239 where a trusted proxy sets no
// X-Forwarded-For.
func TestProxies_Forwarded(t *testing.T) {
	trusted, err := parseProxies("127.0.0.1,10.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sender    string
		forwarded []string
		want      string
	}{
		{"127.0.0.1:1", []string{"for=198.51.100.1"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{`proto=https;For="198.51.100.1:1";by=10.0.0.1`}, "198.51.100.1"},
		{"127.0.0.1:1", []string{`for=6.6.6.6, for="[2001:db9::2]:443", for=10.1.2.3`}, "2001:db9::2"},
		{"127.0.0.1:1", []string{"for=6.6.6.6", "for=198.51.100.1;host=a"}, "198.51.100.1"},
		{"127.0.0.1:1", []string{`host="a,b;for=6.6.6.6";for=198.51.100.1`}, "198.51.100.1"},
		{"127.0.0.1:1", []string{"for=198.51.100.1, for=_hidden"}, "127.0.0.1"},
		{"127.0.0.1:1", []string{"for=198.51.100.1, for=unknown"}, "127.0.0.1"},
		{"127.0.0.1:1", []string{"for=198.51.100.1, proto=https"}, "127.0.0.1"},
		{"127.0.0.1:1", []string{`for="198.51.100.1`}, "198.51.100.1"},
		{"203.0.113.9:1", []string{"for=198.51.100.1"}, "203.0.113.9"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.sender
		r.Header["Forwarded"] = c.forwarded
		if got := trusted.client(r); got != c.want {
			t.Errorf("from %s by way of %q: %s, want %s", c.sender, c.forwarded, got, c.want)
		}
		r.Header.Set("X-Forwarded-For", "192.0.2.1")
		if got := trusted.client(r); c.sender == "127.0.0.1:1" && got != "192.0.2.1" {
			t.Errorf("beside X-Forwarded-For: %s", got)
		}
	}
}
