package httpbrowser_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

const (
	app       = "http://localhost:8080"
	elsewhere = "http://127.0.0.1:9090"
)

// echo sets three cookies at /set, redirects to the parameter to at /go, and returns
// the request's headers everywhere else.
func echo(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/set":
		for name, mode := range map[string]http.SameSite{"strict": http.SameSiteStrictMode, "lax": http.SameSiteLaxMode} {
			http.SetCookie(w, &http.Cookie{Name: "__Host-Http-" + name, Value: "1", Path: "/", MaxAge: 60, Secure: true, HttpOnly: true, SameSite: mode})
		}
		w.Header().Add("Set-Cookie", "__Host-Http-script=1; Path=/; Secure")
		w.Header().Add("Set-Cookie", "__Host-Http-tossed=1; Path=/; Secure; HttpOnly; Domain=localhost")
	case "/go":
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusSeeOther)
		return
	}
	w.Write([]byte(strings.Join([]string{r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin"), cookieNames(r)}, " | ")))
}

func cookieNames(r *http.Request) string {
	names := []string{}
	for _, c := range r.Cookies() {
		names = append(names, strings.TrimPrefix(c.Name, "__Host-Http-"))
	}
	return strings.Join(names, " ")
}

func browser(t *testing.T) *httpbrowser.Browser {
	b := httpbrowser.New(t, app, app)
	handler := http.HandlerFunc(echo)
	b.Transport = httpbrowser.Hosts{"localhost:8080": handler, "localhost:8181": handler, "127.0.0.1:9090": handler}
	b.Get("/set")
	return b
}

func holds(t *testing.T, got httpbrowser.Response, site, origin string, cookies ...string) {
	t.Helper()
	parts := strings.Split(got.Body, " | ")
	if parts[0] != site || parts[1] != origin {
		t.Errorf("Sec-Fetch-Site %q, Origin %q, want %q, %q", parts[0], parts[1], site, origin)
	}
	if len(strings.Fields(parts[2])) != len(cookies) {
		t.Errorf("cookies %q, want %q", parts[2], cookies)
	}
	for _, name := range cookies {
		if !strings.Contains(parts[2], name) {
			t.Errorf("cookies %q lack %s", parts[2], name)
		}
	}
}

func TestCookies_RequestOfThePage(t *testing.T) {
	b := browser(t)
	holds(t, b.Get("/"), "same-origin", "", "strict", "lax")
	holds(t, b.Post("/", "{}"), "same-origin", app, "strict", "lax")
}

func TestCookies_RequestOfAnotherPort(t *testing.T) {
	b := browser(t)
	other := httpbrowser.New(t, "http://localhost:8181", app)
	other.Transport = b.Transport
	other.SetCookie("strict", "1")
	holds(t, other.Post("/", "{}"), "same-site", "http://localhost:8181", "strict")
}

func TestCookies_NavigationFromAnotherSite(t *testing.T) {
	b := browser(t)
	b.Open(elsewhere + "/")
	holds(t, b.Follow(app+"/"), "cross-site", "", "lax")
	b.Open(elsewhere + "/")
	holds(t, b.Submit(app+"/", nil), "cross-site", "")
}

func TestCookies_TypedAddress(t *testing.T) {
	holds(t, browser(t).Open(app+"/"), "none", "", "strict", "lax")
}

func TestFetchMetadata_RedirectOverAnotherSite(t *testing.T) {
	b := browser(t)
	holds(t, b.Follow(elsewhere+"/go?to="+app+"/"), "cross-site", "", "strict", "lax")
}

func TestCookies_ForbiddenByName(t *testing.T) {
	if got := browser(t).Cookies(); len(got) != 2 {
		t.Errorf("the jar holds %v, want strict and lax", got)
	}
}

func TestCookies_MaxAge(t *testing.T) {
	b := browser(t)
	b.Now = func() time.Time { return time.Now().Add(time.Minute) }
	holds(t, b.Get("/"), "same-origin", "")
}

func TestCopy_SharesNoCookies(t *testing.T) {
	b := browser(t)
	thief := b.Copy()
	b.SetCookie("__Host-Http-lax", "")
	holds(t, b.Get("/"), "same-origin", "", "strict")
	holds(t, thief.Get("/"), "same-origin", "", "strict", "lax")
}

func TestHeaders_ForgedOrLeftOut(t *testing.T) {
	b := browser(t)
	holds(t, b.With("Origin", "null").Without("Sec-Fetch-Site").Post("/", "{}"), "", "null", "strict", "lax")
	holds(t, b.Post("/", "{}"), "same-origin", app, "strict", "lax")
}
