package resource_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
)

// globex is a token of another organization for the same person, bob one of another
// person in the same organization.
func (w *guarded) others() (globex, bob string) {
	return w.token(func(c *token.Claims) { c.OrganizationID, c.OrganizationSlug = "org_globex", "globex" }),
		w.token(func(c *token.Claims) { c.Subject = "usr_2" })
}

// serve asks a handler behind the guard with a token and further headers.
func (w *guarded) serve(handler http.HandlerFunc, raw string, headers ...string) *httptest.ResponseRecorder {
	return answer(w.guard.Protect(resource.Rule{}, handler), request("/notes", append([]string{"Authorization", "Bearer " + raw}, headers...)...))
}

// tagged is a handler whose ETags are the same for all organizations: a row's version.
func tagged(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "private, no-cache")
	w.Header().Set("ETag", `"v1"`)
	http.ServeContent(w, r, "notes.json", time.Unix(1_700_000_000, 0), strings.NewReader(`{"of":"`+resource.OrganizationFrom(r.Context())+`"}`))
}

// TestAnswer_NamesTheTokensOrganization: on every answer to an authentic token, refusals
// included, and never the resource's.
func TestAnswer_NamesTheTokensOrganization(t *testing.T) {
	w := newGuarded(t)
	expired := w.token(func(c *token.Claims) { c.Expires = w.now.Unix() - 3600 })
	for _, c := range []struct {
		path, raw string
		status    int
		want      string
	}{
		{"/organizations/acme/notes", w.plain, 200, "org_acme"},
		{"/organizations/org_globex/notes", w.plain, 403, "org_acme"},
		{"/notes", expired, 401, "org_acme"},
		{"/notes", w.bound, 401, "org_acme"},
		{"/notes", w.plain[:len(w.plain)-4] + "AAAA", 401, ""},
		{"/notes", "", 401, ""},
	} {
		got := answer(w.mux(token.Demand{}), request(c.path, "Authorization", "Bearer "+c.raw))
		if got.Code != c.status || got.Header().Get("Tabard-Organization") != c.want {
			t.Errorf("%s: %d of %q, want %d of %q", c.path, got.Code, got.Header().Get("Tabard-Organization"), c.status, c.want)
		}
		if exposed := strings.Contains(strings.Join(got.Header().Values("Access-Control-Expose-Headers"), ","), "Tabard-Organization"); exposed != (c.want != "") {
			t.Errorf("%s: exposes %q", c.path, got.Header().Values("Access-Control-Expose-Headers"))
		}
		if got.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: may be stored", c.path)
		}
	}
}

// TestAnswer_HandlersDoNotChangeIt: whatever the handler writes, in whatever way.
func TestAnswer_HandlersDoNotChangeIt(t *testing.T) {
	w := newGuarded(t)
	handlers := map[string]http.HandlerFunc{
		"nothing":      func(http.ResponseWriter, *http.Request) {},
		"a status":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"another name": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Tabard-Organization", "org_evil") },
		"no name": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Del("Tabard-Organization")
			fmt.Fprint(w, "x")
		},
		"an error":      func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) },
		"a flush":       func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() },
		"a controller":  func(w http.ResponseWriter, _ *http.Request) { _ = http.NewResponseController(w).Flush() },
		"a copy":        func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, strings.NewReader("x")) },
		"an early hint": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusEarlyHints) },
		"a late header": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "x")
			w.Header().Set("Tabard-Organization", "org_evil")
		},
		"a second guard": func(out http.ResponseWriter, r *http.Request) {
			w.guard.Protect(resource.Rule{}, served).ServeHTTP(out, r)
		},
	}
	for name, handler := range handlers {
		server := httptest.NewServer(w.guard.Protect(resource.Rule{}, handler))
		r, err := http.NewRequest("GET", server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+w.plain)
		got, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got.Body.Close()
		if got.Header.Get("Tabard-Organization") != "org_acme" || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", name, got.Header)
		}
		server.Close()
	}
}

// TestAnswer_Panics: what a recovery above the guard answers is named too.
func TestAnswer_Panics(t *testing.T) {
	w := newGuarded(t)
	guarded := w.guard.Protect(resource.Rule{}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("mine") }))
	recovering := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				http.Error(w, "sorry", http.StatusInternalServerError)
			}
		}()
		guarded.ServeHTTP(w, r)
	})
	got := answer(recovering, request("/notes", "Authorization", "Bearer "+w.plain))
	if got.Code != 500 || got.Header().Get("Tabard-Organization") != "org_acme" {
		t.Errorf("%d %v", got.Code, got.Header())
	}
}

// TestAnswer_ETagsOfOthersMatchNothing: the same ETag of two organizations, or of two
// people, is no 304 of the other's.
func TestAnswer_ETagsOfOthersMatchNothing(t *testing.T) {
	w := newGuarded(t)
	globex, bob := w.others()
	first := w.serve(tagged, w.plain)
	tag := first.Header().Get("ETag")
	if first.Code != 200 || tag == `"v1"` || !strings.HasPrefix(tag, `"v1`) || !strings.HasSuffix(tag, `"`) {
		t.Fatalf("%d %s", first.Code, tag)
	}
	if vary := first.Header().Get("Vary"); vary != "Authorization" {
		t.Errorf("a cache may take it for another token's: Vary %q", vary)
	}
	for name, c := range map[string]struct {
		raw, condition, value string
		want                  int
	}{
		"its own":                         {w.plain, "If-None-Match", tag, 304},
		"its own, weak":                   {w.plain, "If-None-Match", "W/" + tag, 304},
		"its own among others":            {w.plain, "If-None-Match", `"a,b", ` + tag + `,W/"c"`, 304},
		"another organization's":          {globex, "If-None-Match", tag, 200},
		"another person's":                {bob, "If-None-Match", tag, 200},
		"one of before the guard did it":  {w.plain, "If-None-Match", `"v1"`, 200},
		"its own, to write":               {w.plain, "If-Match", tag, 200},
		"another's, to write":             {globex, "If-Match", tag, 412},
		"an unmarked one, to write":       {w.plain, "If-Match", `"v1"`, 412},
		"any, to write":                   {w.plain, "If-Match", "*", 200},
		"a date, of whoever's body it is": {globex, "If-Modified-Since", time.Unix(1_800_000_000, 0).UTC().Format(http.TimeFormat), 200},
		"an unbalanced one":               {globex, "If-None-Match", `"v1`, 200},
	} {
		got := w.serve(tagged, c.raw, c.condition, c.value)
		if got.Code != c.want {
			t.Errorf("%s: %d, want %d", name, got.Code, c.want)
		}
		if got.Code == 304 && (got.Header().Get("ETag") != tag || got.Header().Get("Tabard-Organization") != "org_acme") {
			t.Errorf("%s: %v", name, got.Header())
		}
	}
}

// TestAnswer_RangesOfOthersAreWhole: the rest of a body is sent only to those who have
// its beginning.
func TestAnswer_RangesOfOthersAreWhole(t *testing.T) {
	w := newGuarded(t)
	globex, _ := w.others()
	tag := w.serve(tagged, w.plain).Header().Get("ETag")
	date := time.Unix(1_700_000_000, 0).UTC().Format(http.TimeFormat)
	for name, c := range map[string]struct {
		raw, since string
		want       int
	}{
		"its own":         {w.plain, tag, 206},
		"another's":       {globex, tag, 200},
		"a date":          {globex, date, 200},
		"no condition":    {w.plain, "", 206},
		"an unmarked one": {w.plain, `"v1"`, 200},
	} {
		headers := []string{"Range", "bytes=2-"}
		if c.since != "" {
			headers = append(headers, "If-Range", c.since)
		}
		if got := w.serve(tagged, c.raw, headers...); got.Code != c.want {
			t.Errorf("%s: %d, want %d", name, got.Code, c.want)
		}
	}
}

// TestAnswer_RequestIsTheCallers: the conditions change for the handler alone.
func TestAnswer_RequestIsTheCallers(t *testing.T) {
	w := newGuarded(t)
	tag := w.serve(tagged, w.plain).Header().Get("ETag")
	r := request("/notes", "Authorization", "Bearer "+w.plain, "If-None-Match", tag)
	var seen string
	answer(w.guard.Protect(resource.Rule{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = r.Header.Get("If-None-Match")
	})), r)
	if seen != `"v1"` || r.Header.Get("If-None-Match") != tag {
		t.Errorf("the handler sees %s, the caller has %s", seen, r.Header.Get("If-None-Match"))
	}
}

// TestAnswer_Hijack: a handler takes the connection, as for a WebSocket.
func TestAnswer_Hijack(t *testing.T) {
	w := newGuarded(t)
	server := httptest.NewServer(w.guard.Protect(resource.Rule{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(connection, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: mine\r\nConnection: Upgrade\r\n\r\nhello")
		connection.Close()
	})))
	defer server.Close()
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprintf(connection, "GET / HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer %s\r\n\r\n", w.plain)
	got, err := io.ReadAll(bufio.NewReader(connection))
	if err != nil || !strings.HasSuffix(string(got), "hello") {
		t.Errorf("%q %v", got, err)
	}
	if _, _, err := http.NewResponseController(httptest.NewRecorder()).Hijack(); !errors.Is(err, http.ErrNotSupported) {
		t.Error("a recorder is hijacked")
	}
}

// TestAnswer_RefusesInTheRulesWords: a rule's own refusal is named as well.
func TestAnswer_RefusesInTheRulesWords(t *testing.T) {
	w := newGuarded(t)
	rule := resource.Rule{Demand: token.Demand{Permissions: []string{"notes:write"}}, Refuse: func(w http.ResponseWriter, _ *http.Request, err error) {
		http.Error(w, string(token.ReasonOf(err)), http.StatusTeapot)
	}}
	got := answer(w.guard.Protect(rule, served), request("/notes", "Authorization", "Bearer "+w.plain))
	if got.Code != 418 || strings.TrimSpace(got.Body.String()) != "insufficient_scope" || got.Header().Get("Tabard-Organization") != "org_acme" {
		t.Errorf("%d %s %v", got.Code, got.Body, got.Header())
	}
}
