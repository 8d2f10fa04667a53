package limits_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/limits"
)

// limited is limits before endpoints that answer with a status.
type limited struct {
	now     time.Time
	status  int
	exempt  bool
	handler http.Handler
}

func newLimited(most limits.Most) *limited {
	w := &limited{now: time.Unix(1_800_000_000, 0), status: http.StatusOK}
	w.handler = limits.New(most, func() time.Time { return w.now }).Wrap("/auth", func(r *http.Request) limits.Client {
		address, _ := netip.ParseAddr(r.RemoteAddr)
		return limits.Client{Address: address, Exempt: w.exempt}
	}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if wait := limits.Exceeded(r.Context()); wait > 0 {
			rw.Header().Set("Retry-After", fmt.Sprint(wait))
			rw.WriteHeader(http.StatusTooManyRequests)
			return
		}
		rw.WriteHeader(w.status)
	}))
	return w
}

func (w *limited) send(method, path, address, cookie string) *http.Response {
	r := httptest.NewRequest(method, "http://localhost/auth"+path, nil)
	r.RemoteAddr = address
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	return answer.Result()
}

// passed returns how many of n requests passed.
func (w *limited) passed(n int, send func(i int) *http.Response) (passed int) {
	for i := range n {
		if send(i).StatusCode != http.StatusTooManyRequests {
			passed++
		}
	}
	return passed
}

func TestLimits_SignIns(t *testing.T) {
	for name, test := range map[string]struct {
		path    string
		address func(i int) string
		want    int
	}{
		"one address":             {"/login", func(int) string { return "192.0.2.1" }, 5},
		"one address, the end":    {"/callback/con_acme", func(int) string { return "192.0.2.1" }, 5},
		"many addresses":          {"/login", func(i int) string { return fmt.Sprintf("192.0.2.%d", i%200) }, 600},
		"as IPv6":                 {"/login", func(int) string { return "::ffff:192.0.2.1" }, 5},
		"one /64":                 {"/login", func(i int) string { return fmt.Sprintf("2001:db8::%x", i+1) }, 5},
		"many /64 of one /48":     {"/login", func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", i*109) }, 50},
		"many /48 of one /32":     {"/login", func(i int) string { return fmt.Sprintf("2001:db8:%x::1", i*109) }, 500},
		"many /32":                {"/login", func(i int) string { return fmt.Sprintf("2001:%x::1", i) }, 600},
		"an address that is none": {"/login", func(int) string { return "@" }, 600},
	} {
		w := newLimited(limits.Most{SignIns: 5})
		got := w.passed(600, func(i int) *http.Response { return w.send(http.MethodGet, test.path, test.address(i), "") })
		if got != test.want {
			t.Errorf("%s: %d passed, want %d", name, got, test.want)
		}
	}
}

// TestLimits_WhoBeganMayEnd, although others of the same network begin.
func TestLimits_WhoBeganMayEnd(t *testing.T) {
	w := newLimited(limits.Most{SignIns: 5})
	w.passed(50, func(int) *http.Response { return w.send(http.MethodGet, "/login", "192.0.2.1", "") })
	if got := w.passed(5, func(int) *http.Response { return w.send(http.MethodGet, "/callback", "192.0.2.1", "") }); got != 5 {
		t.Errorf("%d ended", got)
	}
}

// TestLimits_ForeignPages: a page on another site that somebody visits uses up nothing of
// their network's share, and has one of its own.
func TestLimits_ForeignPages(t *testing.T) {
	for name, headers := range map[string]map[string]string{
		"an image": {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
		"a frame":  {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
		"a script": {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Origin": "https://evil.example"},
	} {
		w := newLimited(limits.Most{SignIns: 5, Refused: 20})
		w.status = http.StatusForbidden
		for _, path := range []string{"/login", "/callback", "/session"} {
			passed := w.passed(50, func(int) *http.Response {
				r := httptest.NewRequest(http.MethodGet, "http://localhost/auth"+path, nil)
				r.RemoteAddr = "192.0.2.1"
				r.Header.Set("Sec-Fetch-Site", "cross-site")
				for name, value := range headers {
					r.Header.Set(name, value)
				}
				answer := httptest.NewRecorder()
				w.handler.ServeHTTP(answer, r)
				return answer.Result()
			})
			if want := map[bool]int{true: 20}[path == "/login"]; passed != want { // the share is of all of them
				t.Errorf("%s at %s: %d passed, want %d", name, path, passed, want)
			}
		}
		w.status = http.StatusOK
		for _, path := range []string{"/login", "/callback", "/session"} {
			if got := w.send(http.MethodGet, path, "192.0.2.1", ""); got.StatusCode != http.StatusOK {
				t.Errorf("%s used up the share of %s", name, path)
			}
		}
	}
}

func TestLimits_RequestsThatFail(t *testing.T) {
	w := newLimited(limits.Most{Refused: 5})
	mint := func(int) *http.Response { return w.send(http.MethodPost, "/token", "192.0.2.1", "") }
	if got := w.passed(100, mint); got != 100 {
		t.Errorf("of an office's people %d passed", got)
	}
	w.status = http.StatusServiceUnavailable // the server's fault
	if got := w.passed(100, mint); got != 100 {
		t.Errorf("of those that the server failed %d passed", got)
	}
	w.status = http.StatusUnauthorized
	if got := w.passed(100, mint); got != 5 {
		t.Errorf("of those that were refused %d passed", got)
	}
	if got := w.send(http.MethodPost, "/token", "192.0.2.2", ""); got.StatusCode == http.StatusTooManyRequests {
		t.Error("another address is refused")
	}
	for _, path := range []string{"/healthz", "/.well-known/jwks.json", "/client/tabard.js", "/admin/v1/users", "/v1/workspaces/w/sessions"} {
		if got := w.send(http.MethodGet, path, "192.0.2.1", ""); got.StatusCode == http.StatusTooManyRequests {
			t.Errorf("%s is refused", path)
		}
	}
	w.now = w.now.Add(time.Minute)
	if got := mint(0); got.StatusCode == http.StatusTooManyRequests {
		t.Error("a minute later it is refused")
	}
}

// TestLimits_RequestsThatFailOfIPv6 counts refused requests by the /64, the /48 and the
// /32 of a client, which may have any address of these.
func TestLimits_RequestsThatFailOfIPv6(t *testing.T) {
	for name, test := range map[string]struct {
		address func(i int) string
		other   string // of another network of that size
		want    int
	}{
		"one /64":             {func(i int) string { return fmt.Sprintf("2001:db8::%x", i+1) }, "2001:db8:0:1::1", 5},
		"many /64 of one /48": {func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", i*109) }, "2001:db8:1::1", 50},
		"many /48 of one /32": {func(i int) string { return fmt.Sprintf("2001:db8:%x:%x::1", i*109, i) }, "2001:db9::1", 500},
	} {
		w := newLimited(limits.Most{Refused: 5})
		w.status = http.StatusUnauthorized
		got := w.passed(600, func(i int) *http.Response { return w.send(http.MethodPost, "/token", test.address(i), "") })
		if got != test.want {
			t.Errorf("%s: %d passed, want %d", name, got, test.want)
		}
		if answer := w.send(http.MethodPost, "/token", test.other, ""); answer.StatusCode == http.StatusTooManyRequests {
			t.Errorf("%s: another network is refused", name)
		}
	}
}

func TestLimits_OneSession(t *testing.T) {
	w := newLimited(limits.Most{Session: 5})
	from := func(cookie string) func(int) *http.Response {
		return func(i int) *http.Response {
			return w.send(http.MethodPost, "/token", fmt.Sprintf("192.0.%d.1", i), cookie)
		}
	}
	if got := w.passed(20, from("a=b; __Host-Http-tabard.MARK.app.abcdefgh=token")); got != 5 {
		t.Errorf("%d passed", got)
	}
	if got := w.passed(5, from("__Host-Http-tabard.MARK.app.abcdefgh=other")); got != 5 {
		t.Errorf("of a token that names the same session %d passed", got)
	}
	if got := w.send(http.MethodPost, "/token", "192.0.2.1", "__Host-Http-tabard.MARK.app.abcdefgh=token"); got.Header.Get("Retry-After") != "60" {
		t.Errorf("Retry-After: %q", got.Header.Get("Retry-After"))
	}
	w.exempt = true
	if got := w.passed(20, from("__Host-Http-tabard.MARK.app.abcdefgh=token")); got != 20 {
		t.Errorf("of this machine %d passed", got)
	}
}

// TestLimits_MemoryIsBounded for any number of networks and tokens.
func TestLimits_MemoryIsBounded(t *testing.T) {
	w := newLimited(limits.Default)
	w.status = http.StatusUnauthorized
	used := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := used()
	for i := range 120_000 {
		w.send(http.MethodPost, "/token", fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), fmt.Sprintf("__Host-Http-tabard.M.a.b=%d", i))
	}
	if grown := int64(used()) - int64(before); grown > 24<<20 {
		t.Errorf("they take %d MB", grown>>20)
	}
	runtime.KeepAlive(w)
}

func BenchmarkWrap(b *testing.B) {
	w := newLimited(limits.Default)
	r := httptest.NewRequest(http.MethodPost, "http://localhost/auth/token", nil)
	r.RemoteAddr = "192.0.2.1"
	r.Header.Set("Cookie", "theme=dark; __Host-Http-tabard.MARK.app.abcdefgh=token")
	answer := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		w.handler.ServeHTTP(answer, r)
	}
}
