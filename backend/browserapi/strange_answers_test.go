package browserapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// TestCallback_StrangeParameters: what stands in the callback's address beside the
// parameters of the answer costs nobody a sign-in (RFC 6749 section 4.1.2: unrecognized
// parameters are ignored).
func TestCallback_StrangeParameters(t *testing.T) {
	for name, more := range map[string]string{
		"repeated":           "&scope=openid&scope=email",
		"a semicolon":        "&session_state=a;b=c",
		"no escape":          "&client_info=100%",
		"a malformed escape": "&hint=%zz",
		"bytes":              "&client_info=%ff%fe",
		"a name of nothing":  "&=&&=x&",
		"as a list":          "&user[]=1&user[]=2",
		"large":              "&id=" + strings.Repeat("x", 6000),
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			b := w.browser()
			if landed := b.Follow(w.callbackOf(b, "return_to=/notes") + more); landed.URL.String() != origin+"/notes" {
				t.Errorf("it led to %s: %s", landed.URL, landed.Body)
			}
			w.mint(b, "acme")
		})
	}
}

// TestCallback_StrangeStates end at a page that leads on: the address was cut, joined or
// rewritten on its way.
func TestCallback_StrangeStates(t *testing.T) {
	w := newBackend(t, nil)
	for name, change := range map[string]func(url.Values) string{
		"cut": func(v url.Values) string { return "code=" + v.Get("code") + "&state=" + v.Get("state")[:40] },
		"lower case": func(v url.Values) string {
			return "code=" + v.Get("code") + "&state=" + strings.ToLower(v.Get("state"))
		},
		"with a space":    func(v url.Values) string { return "code=" + v.Get("code") + "&state=" + v.Get("state") + "+" },
		"quoted":          func(v url.Values) string { return "code=" + v.Get("code") + "&state=%22" + v.Get("state") + "%22" },
		"twice":           func(v url.Values) string { return "state=" + v.Get("state") + "&" + v.Encode() },
		"code twice":      func(v url.Values) string { return "code=x&" + v.Encode() },
		"empty":           func(v url.Values) string { return "code=" + v.Get("code") + "&state=" },
		"large":           func(v url.Values) string { return "state=" + strings.Repeat("x", 9000) },
		"code and error":  func(v url.Values) string { return v.Encode() + "&error=server_error" },
		"another issuer":  func(v url.Values) string { v.Set("iss", "https://evil.example"); return v.Encode() },
		"a code of bytes": func(v url.Values) string { v.Set("code", "\xff\x00"); return v.Encode() },
	} {
		t.Run(name, func(t *testing.T) {
			w := w.inSubtest(t)
			b := w.browser()
			back, err := url.Parse(w.callbackOf(b, "return_to=/notes"))
			if err != nil {
				t.Fatal(err)
			}
			got := b.Follow(publicURL + "/callback?" + change(back.Query()))
			if refusedWith(got) == "" && got.URL.Host == "localhost:8080" { // not at the provider again
				got = b.Follow(firstLink(w, got, http.StatusBadRequest))
			}
			if got.URL.Host == "localhost:8080" { // the app, which offers to sign in
				got = b.Login("return_to=/notes")
			}
			b.Choose(got, "alice")
			w.mint(b, "acme")
		})
	}
}

// TestPages_StrangeLanguages are answered in a language that there is.
func TestPages_StrangeLanguages(t *testing.T) {
	w := newBackend(t, nil)
	d := desired()
	d.Workspace.Pages = page.Texts{
		"de": {"again": "Neu anmelden"}, "zh-hant": {"again": "重新登入"}, "he": {"again": "התחברות מחדש"}, "pt-br": {"again": "Entrar de novo"},
	}
	w.Apply(d)
	w.Restart()
	for accepts, want := range map[string]string{
		"DE": "de", "de-CH-1996;q=0.1": "de", "de_AT": "en", "*": "en", "fr, *;q=0.5": "en", "zh-Hant-TW,zh;q=0.9": "zh-hant", "zh-TW": "en", "iw": "en",
		"he-IL": "he", "pt": "en", "pt-BR": "pt-br", "de;q=0": "en", "de;q=NaN, he;q=0.1": "he", "de;q=-1": "en", "de;Q=0.9,en;q=0.1": "de", ";q=1,,,de": "de",
		"en;q=0.5,de;q=0.5": "en", strings.Repeat("xx,", 5000) + "de": "en", "\xff\xfe": "en", "de ; q=0.8 , he ; q=0.9": "he",
	} {
		got := w.browser().With("Accept-Language", accepts).Open(publicURL + "/callback")
		if got.Status != http.StatusBadRequest || !strings.Contains(got.Body, `<html lang="`+want+`"`) {
			t.Errorf("%.40q: %d %.60s, want %s", accepts, got.Status, got.Body[strings.Index(got.Body, "<html"):], want)
		}
		if rtl := strings.Contains(got.Body, `dir="rtl">`); rtl != (want == "he") {
			t.Errorf("%.40q: from the right: %v", accepts, rtl)
		}
	}
}

// TestPages_StrangeMessages shows what a provider says as text, whatever it is.
func TestPages_StrangeMessages(t *testing.T) {
	for said, shown := range map[string]string{
		"%E4nderung":                     "\ufffdnderung",
		"a%E2%80%AEb%0D%0Ac":             "a b  c",
		"%3Cimg+src%3Dx+onerror%3D1%3E":  "&lt;img src=x onerror=1&gt;",
		"%F0%9F%98%80":                   "😀",
		"AADSTS50105%3A+not+assigned%0A": "AADSTS50105: not assigned",
	} {
		w := newBackend(t, nil)
		b := w.browser()
		state := b.Login("return_to=/notes").URL.Query().Get("state")
		got := b.Follow(publicURL + "/callback?error=access_denied&iss=" + url.QueryEscape(issuer) + "&error_description=" + said + "&state=" + state)
		if !strings.Contains(got.Body, shown) {
			t.Errorf("%q is shown as %s", said, got.Body)
		}
		w.leadsToSignIn(b, firstLink(w, got, http.StatusForbidden), "/notes")
	}
}

// TestCookies_StrangeNeighbors: other programs of the host set cookies as they like.
func TestCookies_StrangeNeighbors(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	name, value := w.theSession(b)
	for _, header := range []string{
		`a=b;` + name + `=` + value, `a="x; y"; ` + name + `=` + value, `=novalue; ` + name + `=` + value, `flag; ;; ` + name + `=` + value + `;`,
		`ä=ö; n=` + "\x80\xff" + `; ` + name + `=` + value, `j={"a":1,"b":[2]}; ` + name + `=` + value, name + `=` + value + `; a=` + strings.Repeat("x", 7000),
		`__Host-Http-tabard; __Host-Http-tabard.=1; __host-http-tabard.web.x=2; ` + name + `=` + value,
	} {
		if got := b.Copy().With("Cookie", header).Post("/token", enters); got.Status != http.StatusOK {
			t.Errorf("%.80q: %d %s", header, got.Status, got.Body)
		}
	}
}

// TestBackchannelLogout_StrangeForms end the session that they name.
func TestBackchannelLogout_StrangeForms(t *testing.T) {
	for name, change := range map[string]func(r *http.Request, token string) string{
		"a character set": func(r *http.Request, token string) string {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
			return "logout_token=" + token
		},
		"another case": func(r *http.Request, token string) string {
			r.Header.Set("Content-Type", "Application/X-WWW-Form-URLEncoded;charset=utf-8")
			return "logout_token=" + token
		},
		"fields beside it": func(_ *http.Request, token string) string { return "iss=x&iss=y&logout_token=" + token },
		"a line's end":     func(_ *http.Request, token string) string { return "logout_token=" + token + "\r\n" },
		"in the address": func(r *http.Request, token string) string {
			r.URL.RawQuery = "tenant=1"
			return "logout_token=" + token
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			b := w.signedIn("alice")
			w.Pass(time.Second)
			if got := postLogout(w, w.logoutToken("alice", func(jwt.MapClaims) {}), change); got.Code != http.StatusOK {
				t.Errorf("%d %s", got.Code, got.Body)
			}
			w.wants(b.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
		})
	}
}

// TestLogin_StrangeHeaders lead to the provider, or to a page that leads on.
func TestLogin_StrangeHeaders(t *testing.T) {
	w := newBackend(t, nil)
	for name, b := range map[string]*httpbrowser.Browser{
		"of an app":               w.browser().With("Referer", "android-app://com.example/").With("Sec-Fetch-Site", "none"),
		"a Referer of nothing":    w.browser().With("Referer", "about:blank").Without("Sec-Fetch-Site"),
		"a malformed Referer":     w.browser().With("Referer", "http://[::1").Without("Sec-Fetch-Site"),
		"Accept of a web view":    w.browser().With("Accept", "text/html;q=0.9,*/*;q=0.8").With("Sec-Fetch-Site", "cross-site"),
		"a prefetch":              w.browser().With("Sec-Purpose", "prefetch;prerender"),
		"a language of ten lines": w.browser().With("Accept-Language", strings.Repeat("de-DE,de;q=0.9,", 600)).With("Sec-Fetch-Site", "none"),
	} {
		got := b.Login("return_to=/notes")
		if got.URL.Host == "localhost:8080" {
			b = w.browser().Sharing(b)
			got = b.Follow(firstLink(w.inSubtest(t), got, http.StatusOK))
		}
		if landed := b.Choose(got, "alice"); landed.URL.String() != origin+"/notes" {
			t.Errorf("%s: it led to %s: %s", name, landed.URL, landed.Body)
		}
	}
}

// postLogout posts a logout token as change writes it.
func postLogout(w *backend, token string, change func(r *http.Request, token string) string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, publicURL+"/backchannel-logout", nil)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	body := change(r, token)
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	answer := httptest.NewRecorder()
	w.Hosts["localhost:8080"].ServeHTTP(answer, r)
	return answer
}
