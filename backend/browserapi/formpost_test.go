package browserapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// newFormPostBackend starts a backend whose provider uses form_post.
func newFormPostBackend(t *testing.T) *backend {
	w := newBackend(t, nil)
	w.Provider.FormPost = true
	w.Relying = func(c *login.Config) { c.ResponseMode = "form_post" }
	w.Restart()
	return w
}

// posts submits the form of the page, as its script does.
func posts(b *httpbrowser.Browser, page httpbrowser.Response) httpbrowser.Response {
	action, fields := logintest.PostedForm(page.Body)
	if action == "" {
		action = page.URL.String()
	}
	return b.Submit(action, fields)
}

// TestFormPost_SignsIn checks the second post: the first one, from the provider's page,
// carries no Lax cookie.
func TestFormPost_SignsIn(t *testing.T) {
	w := newFormPostBackend(t)
	b := w.browser()
	again := posts(b, b.Choose(b.Login("return_to=/notes%3Fa=1"), "alice"))
	policy := again.Header.Get("Content-Security-Policy")
	if again.Status != http.StatusOK || len(again.Cookies()) != 0 || !strings.Contains(policy, "form-action 'self'") || !strings.Contains(policy, "script-src 'sha256-") {
		t.Fatalf("%d %s %s", again.Status, policy, again.Body)
	}
	if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'") || again.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the page's policy is %s", policy)
	}
	in := posts(b, again)
	if len(sessionCookies(b)) != 1 || !strings.Contains(in.Body, `content="0; url=`+origin+`/notes?a=1"`) {
		t.Fatalf("%d %s %v", in.Status, in.Body, b.Cookies())
	}
	w.mint(b, "acme")
}

func TestFormPost_FormActionPolicy(t *testing.T) {
	w := newFormPostBackend(t)
	b := w.browser()
	for _, path := range []string{"/login?app=nope", "/callback"} {
		if policy := b.Open(publicURL + path).Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'none'") {
			t.Errorf("%s: %s", path, policy)
		}
	}
}

// TestFormPost_OtherSite checks that fields of a foreign page are escaped, and that
// without the attempt's cookie they sign nobody in.
func TestFormPost_OtherSite(t *testing.T) {
	w := newFormPostBackend(t)
	victim, attacker := w.browser(), w.browser()
	_, stolen := logintest.PostedForm(attacker.Choose(attacker.Login(""), "alice").Body)
	victim.Follow("http://127.0.0.1:8081/authorize") // a page of another site
	stolen.Set("error_description", `"><script>alert(1)</script>`)
	stolen.Set("unknown", "x")
	page := victim.Submit(publicURL+"/callback", stolen)
	if strings.Contains(page.Body, "<script>alert") || strings.Contains(page.Body, "unknown") {
		t.Fatalf("%s", page.Body)
	}
	if got := posts(victim, page); len(sessionCookies(victim)) != 0 || len(w.Provider.Redeemed) != 0 || strings.Contains(got.Body, `url=`+origin) {
		t.Errorf("the victim is signed in: %v %s", victim.Cookies(), got.Body)
	}
	got := victim.Submit(publicURL+"/callback", url.Values{"code": {strings.Repeat("x", 129<<10)}})
	w.wants(got, http.StatusRequestEntityTooLarge, api.InvalidRequest)
	if linksOf(got)["Continue to sign in"] == "" {
		t.Errorf("it leads nowhere: %s", got.Body)
	}
}

func TestFormPost_CarriesRefusals(t *testing.T) {
	w := newFormPostBackend(t)
	w.Provider.Answer = func(v url.Values) {
		v.Del("code")
		v.Set("error", "access_denied")
	}
	b := w.browser()
	in := posts(b, posts(b, b.Choose(b.Login(""), "alice")))
	if !strings.Contains(in.Body, api.ParamError+"=access_denied") || len(sessionCookies(b)) != 0 {
		t.Errorf("%d %s", in.Status, in.Body)
	}
}

// TestFormPost_WithoutHeaders signs in by browsers that do not say which page posts a form,
// as some proxies and extensions have it. The page posts once more and no oftener.
func TestFormPost_WithoutHeaders(t *testing.T) {
	for name, change := range map[string]func(*httpbrowser.Browser) *httpbrowser.Browser{
		"none": func(b *httpbrowser.Browser) *httpbrowser.Browser { return b.Without("Origin").Without("Referer") },
		"null": func(b *httpbrowser.Browser) *httpbrowser.Browser { return b.With("Origin", "null") },
		"another origin": func(b *httpbrowser.Browser) *httpbrowser.Browser {
			return b.With("Origin", "https://rewritten.example")
		},
	} {
		w := newFormPostBackend(t)
		b := change(w.browser().Without("Sec-Fetch-Site"))
		page := posts(b, b.Choose(w.browser().Sharing(b).Login("return_to=/notes"), "alice"))
		if in := posts(b, page); len(sessionCookies(b)) != 1 || !strings.Contains(in.Body, `content="0; url=`+origin+`/notes"`) {
			t.Errorf("%s: %d %s %v", name, in.Status, in.Body, b.Cookies())
		}
	}
}

// TestFormPost_CharacterSet reads a form whatever its type's parameters and case are, and
// answers it with pages.
func TestFormPost_CharacterSet(t *testing.T) {
	for _, media := range []string{"application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-URLEncoded;charset=utf-8"} {
		w := newFormPostBackend(t)
		b := w.browser().With("Content-Type", media)
		posts(b, posts(b, b.Choose(b.Login("return_to=/notes"), "alice")))
		w.mint(w.browser().Sharing(b), "acme")
		stranger := w.browser().With("Content-Type", media)
		got := posts(stranger, stranger.Submit(publicURL+"/callback", url.Values{"state": {"unknown"}, "code": {"1"}}))
		firstLink(w, got, http.StatusBadRequest)
	}
}

// TestFormPost_TryAgain meets a provider that does not answer: the page has a button that
// posts the answer again.
func TestFormPost_TryAgain(t *testing.T) {
	w := newFormPostBackend(t)
	b := w.browser()
	page := posts(b, b.Choose(b.Login("return_to=/notes"), "alice"))
	w.Provider.Endpoints = map[string]http.HandlerFunc{"/token": func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusBadGateway) }}
	away := posts(b, page)
	if away.Status != http.StatusServiceUnavailable || !strings.Contains(away.Body, "<button>Try again</button>") || strings.Contains(away.Body, "<script>") {
		t.Fatalf("%d %s", away.Status, away.Body)
	}
	if linksOf(away)["Go to Web"] == "" {
		t.Errorf("the page leads to %v", linksOf(away))
	}
	if policy := away.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self'") || strings.Contains(policy, "script-src") {
		t.Errorf("the page's policy is %s", policy)
	}
	w.Provider.Endpoints = nil
	if in := posts(b, away); len(sessionCookies(b)) != 1 || !strings.Contains(in.Body, `content="0; url=`+origin+`/notes"`) {
		t.Errorf("%d %s %v", in.Status, in.Body, b.Cookies())
	}
}

// TestFormPost_AnswerLost begins a new attempt for a code that was redeemed.
func TestFormPost_AnswerLost(t *testing.T) {
	w := newFormPostBackend(t)
	b := w.browser()
	page := posts(b, b.Choose(b.Login("return_to=/notes"), "alice"))
	w.losesAnswer(1)
	again := posts(b, posts(b, page))
	_, to, moved := strings.Cut(again.Body, `content="0; url=`)
	if !moved {
		t.Fatalf("%d %s", again.Status, again.Body)
	}
	address, _, _ := strings.Cut(to, `"`)
	form := b.Follow(strings.ReplaceAll(address, "&amp;", "&"))
	if in := posts(b, posts(b, b.Choose(form, "alice"))); len(sessionCookies(b)) != 1 || !strings.Contains(in.Body, `content="0; url=`+origin+`/notes"`) {
		t.Errorf("%d %s %v", in.Status, in.Body, b.Cookies())
	}
}
