package browserapi_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// exchange is an answer and its request.
type exchange struct {
	what string
	httpbrowser.Response
}

// everyAnswer requests every route, with success and with each kind of refusal.
func (w *backend) everyAnswer() []exchange {
	w.Helper()
	var all []exchange
	saw := func(what string, r httpbrowser.Response) { all = append(all, exchange{what, r}) }
	b := w.browser()
	page := b.Step(publicURL + "/login?return_to=/notes")
	saw("login", page)
	saw("login refused", b.Step(publicURL+"/login?return_to=//evil.test"))
	saw("login in a frame", b.With("Sec-Fetch-Dest", "iframe").Step(publicURL+"/login"))
	saw("callback refused", b.Step(publicURL+"/callback?state=aaaaaaaaaaaa&code=x"))
	back := w.Provider.SignIn(page.Header.Get("Location"), "alice")
	saw("callback", b.Step(publicURL+"/callback?"+back.Encode()))
	saw("token", b.Post("/token", `{"organization":"acme"}`))
	w.Pass(time.Duration(session.LimitsFor(false).R) * time.Second)
	saw("token with a successor", b.Post("/token", `{"organization":"acme"}`))
	saw("token refused", b.Post("/token", `{"organization":"nowhere"}`))
	saw("token unread", b.Post("/token", `[`))
	saw("token of a foreign origin", b.With("Origin", "http://evil.test").Post("/token", `{}`))
	saw("token of a sibling", w.Browser(sibling).Post("/token", `{}`))
	saw("preflight", w.Browser(sibling).Fetch("OPTIONS", "/token", ""))
	saw("session", b.Get("/session"))
	saw("logout of an organization", b.Post("/logout", `{"scope":"organization","organization":"acme"}`))
	for path := range routes {
		saw("another method of "+path, b.Fetch("PUT", path, ""))
	}
	for _, path := range []string{"/.well-known/jwks.json", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		saw(path, b.Get(path))
	}
	saw("nothing", b.Get("/nothing"))
	kept := b.Copy()
	saw("logout", b.Post("/logout", `{"scope":"session"}`))
	saw("a dead session", kept.Copy().Get("/session"))
	saw("a dead token", kept.Post("/token", `{}`))
	saw("no session", w.browser().Get("/session"))
	return all
}

func TestHeaders_SecurityOnEveryAnswer(t *testing.T) {
	w := newBackend(t, nil)
	for _, got := range w.everyAnswer() {
		public := strings.HasPrefix(got.what, "/.well-known/")
		want := map[string]string{
			"Cache-Control":                "no-store",
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "no-referrer",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-site",
			"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
			"Strict-Transport-Security":    "",
		}
		if strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") { // its own style by its hash
			want["Content-Security-Policy"] = strings.Replace(want["Content-Security-Policy"], ";", "; style-src 'sha256-"+styleOf(got.Body)+"';", 1)
		}
		if public {
			want["Cache-Control"], want["Cross-Origin-Resource-Policy"] = "public, max-age=300", "cross-origin"
		}
		for name, value := range want {
			if got.Header.Get(name) != value || len(got.Header.Values(name)) > 1 {
				t.Errorf("%s: %s is %q, want %q", got.what, name, got.Header.Values(name), value)
			}
		}
		if allowed := got.Header.Get("Access-Control-Allow-Origin"); allowed == "*" && (!public || got.Header.Get("Access-Control-Allow-Credentials") != "" || len(got.Cookies()) != 0) {
			t.Errorf("%s: everybody may read it", got.what)
		}
		if kind := got.Header.Get("Content-Type"); got.Body != "" && kind != "application/json" && kind != "text/html; charset=utf-8" {
			t.Errorf("%s: Content-Type %q", got.what, kind)
		}
	}
}

// styleOf returns the hash of a page's style.
func styleOf(page string) string {
	_, style, _ := strings.Cut(page, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func TestHeaders_HSTS(t *testing.T) {
	w := newBackend(t, nil)
	w.Hosts["app.example"] = w.Handler("https://app.example/auth", w.Store)
	b := httpbrowser.New(t, "https://app.example", "https://app.example/auth")
	b.Transport = w.Hosts
	for _, path := range []string{"/token", "/session", "/nothing", "/.well-known/jwks.json"} {
		if got := b.Get(path).Header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
			t.Errorf("%s: %q", path, got)
		}
	}
}

var (
	sessionName = regexp.MustCompile(`^__Host-Http-tabard\.[A-Z]{7}\.web\.[a-z2-7]{8}$`)
	browserName = regexp.MustCompile(`^__Host-Http-tabard-login\.[A-Z]{7}$`)
)

func TestHeaders_CookieAttributes(t *testing.T) {
	w := newBackend(t, nil)
	set, gone := 0, 0
	for _, got := range w.everyAnswer() {
		for _, c := range got.Cookies() {
			mode, form := http.SameSiteStrictMode, sessionName
			if strings.Contains(c.Name, "-login.") {
				mode, form = http.SameSiteLaxMode, browserName
			}
			if !form.MatchString(c.Name) || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != mode || c.MaxAge == 0 || len(c.Raw) > 4096 || len(c.Unparsed) > 0 {
				t.Errorf("%s: %s", got.what, c.Raw)
			}
			if c.MaxAge < 0 {
				gone++
				if c.Value != "" {
					t.Errorf("%s: %s is cleared with a value", got.what, c.Name)
				}
				continue
			}
			set++
			if len(c.Value) < 43 { // 256 bits in base64url
				t.Errorf("%s: %s has only %d characters", got.what, c.Name, len(c.Value))
			}
		}
	}
	if set < 3 || gone < 3 {
		t.Errorf("%d cookies were set and %d cleared: the test sees too little", set, gone)
	}
}

func TestHeaders_CookieMaxAge(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser()
	back := w.callbackOf(b, "")
	check := func(got httpbrowser.Response, seconds int) {
		t.Helper()
		for _, c := range got.Cookies() {
			if c.MaxAge > 0 && c.MaxAge != seconds && c.SameSite == http.SameSiteStrictMode {
				t.Errorf("Max-Age %d, want %d", c.MaxAge, seconds)
			}
		}
	}
	check(b.Step(back), 86400)
	w.Pass(10 * time.Minute)
	got := b.Post("/token", `{"organization":"acme"}`)
	if len(got.Cookies()) != 1 {
		t.Fatalf("no successor was due: %v", got.Cookies())
	}
	check(got, 86400-600)
}

// TestReturnAddress_OfAnyLength checks that /login returns to the address if it fits
// into the state, and otherwise to the app's start page.
func TestReturnAddress_OfAnyLength(t *testing.T) {
	w := newBackend(t, nil)
	for returnTo, want := range map[string]string{
		"/customers/o'neil": "/customers/o'neil", `/list?filter={"a":1}`: "/list?filter={%22a%22:1}", `/f?path=C:\dir#{x}`: `/f?path=C:\dir#{x}`,
		"/ü?q=ö": "/%C3%BC?q=%C3%B6", "/" + strings.Repeat("a", 200): "/" + strings.Repeat("a", 200),
		"/" + strings.Repeat("&", 2047): "/", "/?q=" + strings.Repeat("a", 9000): "/",
	} {
		b := w.browser()
		page := b.Login("return_to=" + url.QueryEscape(returnTo))
		if state := page.URL.Query().Get("state"); state == "" || len(state) > login.MaxState {
			t.Errorf("%.30q: the state has %d characters", returnTo, len(state))
		}
		back := w.Provider.SignIn(page.URL.String(), "alice")
		if got := b.Step(publicURL + "/callback?" + back.Encode()).Header.Get("Location"); got != origin+want {
			t.Errorf("%.30q leads to %.60s, want %.60s", returnTo, got, origin+want)
		}
	}
}

func TestHeaders_ForgedForwardingIgnored(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice").With("X-Request-Id", "one") // each request has another otherwise
	w.mint(b, "acme")
	forged := map[string]string{
		"Host": "evil.test", "Forwarded": "for=1.2.3.4;host=evil.test;proto=https", "X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "https",
		"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Prefix": "/evil", "X-Forwarded-Port": "443", "X-Forwarded-Uri": "/auth/session", "X-Original-Url": "/auth/session",
		"X-Rewrite-Url": "/auth/session", "X-Real-Ip": "1.2.3.4", "X_forwarded_host": "evil.test", "X-Http-Method-Override": "DELETE", "X-Host": "evil.test",
	}
	ask := map[string]func(*httpbrowser.Browser) httpbrowser.Response{
		"session": func(b *httpbrowser.Browser) httpbrowser.Response { return b.Copy().Get("/session") },
		"token": func(b *httpbrowser.Browser) httpbrowser.Response {
			return b.Copy().Post("/token", `{"organization":"acme"}`)
		},
		"denied": func(b *httpbrowser.Browser) httpbrowser.Response {
			return b.Copy().Post("/token", `{"organization":"no"}`)
		},
		"logout": func(b *httpbrowser.Browser) httpbrowser.Response {
			return b.Copy().Post("/logout", `{"scope":"organization","organization":"initech"}`)
		},
		"login": func(b *httpbrowser.Browser) httpbrowser.Response { return b.Copy().Step(publicURL + "/login") },
		"callback": func(b *httpbrowser.Browser) httpbrowser.Response {
			return b.Copy().Step(publicURL + "/callback?state=aaaaaaaaaaaa&code=x")
		},
		"keys":      func(b *httpbrowser.Browser) httpbrowser.Response { return b.Get("/.well-known/jwks.json") },
		"metadata":  func(b *httpbrowser.Browser) httpbrowser.Response { return b.Get("/.well-known/openid-configuration") },
		"nothing":   func(b *httpbrowser.Browser) httpbrowser.Response { return b.Get("/nothing") },
		"uncleaned": func(b *httpbrowser.Browser) httpbrowser.Response { return b.Get("/../auth//session") },
		"preflight": func(b *httpbrowser.Browser) httpbrowser.Response {
			return b.With("Origin", sibling).Fetch("OPTIONS", "/token", "")
		},
	}
	for what, send := range ask {
		honest := masked(send(b))
		for name, value := range forged {
			if got := masked(send(b.With(name, value))); got != honest {
				t.Errorf("%s with %s: %s\n%s\nwant\n%s", what, name, value, got, honest)
			}
		}
	}
}

var random = regexp.MustCompile(`eyJ[A-Za-z0-9_.-]+|(state|nonce|code_challenge|login\.|tabard-login\.[a-z2-7]{8})=?[A-Za-z0-9_-]+`)

// masked returns an answer without its random values.
func masked(r httpbrowser.Response) string {
	return random.ReplaceAllString(fmt.Sprint(r.Status, r.Header, r.Body), "…")
}
