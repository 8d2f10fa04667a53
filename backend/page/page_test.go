package page_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/page"
)

func write(accepts string, p page.Page, texts page.Texts) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/auth/callback", nil)
	r.Header.Set("Accept-Language", accepts)
	answer := httptest.NewRecorder()
	p.Status = 400
	page.Write(answer, r, p, texts)
	return answer
}

var texts = page.Texts{
	"de":    {"expired_title": "Diese Anmeldung hat zu lange gedauert", "again": "Neu anmelden", "back": "Zu {app}"},
	"pt-br": {"expired_title": "Este acesso demorou demais"},
	"ar":    {"expired_title": "استغرق تسجيل الدخول وقتا طويلا"},
}

func TestPage_LanguageOfTheBrowser(t *testing.T) {
	if err := texts.Check(); err != nil {
		t.Fatal(err)
	}
	for accepts, want := range map[string]string{
		"":                               "en",
		"de":                             "de",
		"de-AT,de;q=0.9,en;q=0.8":        "de",
		"en-GB,en;q=0.9,de;q=0.8":        "en",
		"fr-FR,fr;q=0.9,de;q=0.5":        "de",
		"fr":                             "en",
		"de;q=0,en":                      "en",
		"pt-BR":                          "pt-br",
		"pt":                             "en",
		"DE":                             "de",
		"*":                              "en",
		";;;,q=,de;q=x,":                 "en",
		strings.Repeat("de-x-", 100_000): "de",
	} {
		got := write(accepts, page.Page{Kind: page.Expired}, texts)
		if !strings.Contains(got.Body.String(), `<html lang="`+want+`" `) {
			t.Errorf("%.40q: want %s: %.80s", accepts, want, got.Body)
		}
		if got.Header().Get("Vary") != "Accept-Language" {
			t.Errorf("Vary is %q", got.Header().Get("Vary"))
		}
	}
	if got := write("ar", page.Page{Kind: page.Expired}, texts).Body.String(); !strings.Contains(got, `dir="rtl"`) {
		t.Errorf("Arabic runs %s", got)
	}
	got := write("de", page.Page{Kind: page.Expired, Links: []page.Link{{Label: page.Back, App: "Notes", URL: "https://app.example/"}}}, texts).Body.String()
	if !strings.Contains(got, "Zu Notes") || !strings.Contains(got, "ten minutes") {
		t.Errorf("what the table leaves out is not English: %s", got)
	}
}

// TestPage_ProviderTextIsEscaped checks the app's name and the provider's message.
func TestPage_ProviderTextIsEscaped(t *testing.T) {
	hostile := "<script>alert(1)</script>\"'&\x00\u202e\u2066\n" + strings.Repeat("a", 10_000)
	got := write("", page.Page{
		Kind: page.Denied, App: hostile, Host: hostile, Message: hostile, Code: hostile,
		Links: []page.Link{{Label: page.Back, App: hostile, URL: "https://app.example/?a=\"><script>"}},
	}, page.Texts{"en": {"back": "<b>{app}</b>"}}).Body.String()
	if strings.Contains(got, "<script>") || strings.Contains(got, "<b>") || strings.Contains(got, `"><`+"script") {
		t.Errorf("not escaped: %.2000s", got)
	}
	_, quoted, _ := strings.Cut(got, "<blockquote")
	quoted, _, _ = strings.Cut(quoted, "</blockquote>")
	if len(quoted) > 600 || strings.ContainsAny(quoted, "\u202e\u2066\x00") {
		t.Errorf("the provider's words are %d bytes: %.500q", len(quoted), quoted)
	}
}

func TestPage_Policy(t *testing.T) {
	got := write("", page.Page{Kind: page.Unknown}, nil)
	policy := got.Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "style-src 'sha256-", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("%s lacks %s", policy, part)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(got.Body.String(), "<script") {
		t.Errorf("%s\n%s", policy, got.Body)
	}
}

func TestTexts_Check(t *testing.T) {
	for name, wrong := range map[string]page.Texts{
		"a language in upper case": {"DE": {}},
		"no language":              {"": {}},
		"an unknown text":          {"de": {"agian": "Neu"}},
		"an empty text":            {"de": {"again": ""}},
		"a long text":              {"de": {"again": strings.Repeat("a", 601)}},
	} {
		if wrong.Check() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// TestPage_GoesOnAtOnce: the pages between two steps of a sign-in look and speak as the
// others do. One posts a form, by the one script that there is; one goes on by itself.
func TestPage_GoesOnAtOnce(t *testing.T) {
	de := page.Texts{"de": {"returning_title": "Die Anmeldung geht weiter", "continue": "Weiter"}}
	if err := de.Check(); err != nil {
		t.Fatal(err)
	}
	hostile := `"><script>alert(1)</script>`
	posts := write("de", page.Page{Kind: page.Returning, Form: []page.Field{{Name: "state", Value: hostile}}}, de)
	moves := write("de", page.Page{Kind: page.Returning, Refresh: "https://app.example/?a=1&b=2" + hostile}, de)
	for name, got := range map[string]*httptest.ResponseRecorder{"it posts": posts, "it moves": moves} {
		body, policy := got.Body.String(), got.Header().Get("Content-Security-Policy")
		for _, part := range []string{`<html lang="de"`, "<h1>Die Anmeldung geht weiter</h1>", "<main>", "<style>", "Weiter"} {
			if !strings.Contains(body, part) {
				t.Errorf("%s: %s is not in %s", name, part, body)
			}
		}
		if strings.Contains(body, "<script>alert") || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: %s %s", name, policy, body)
		}
	}
	body, policy := posts.Body.String(), posts.Header().Get("Content-Security-Policy")
	if !strings.Contains(body, `<form method="post">`) || !strings.Contains(body, "<button>Weiter</button>") || !strings.Contains(policy, "form-action 'self'") ||
		!strings.Contains(policy, "script-src 'sha256-") || posts.Header().Get("Referrer-Policy") != "same-origin" {
		t.Errorf("%s %s", policy, body)
	}
	body, policy = moves.Body.String(), moves.Header().Get("Content-Security-Policy")
	if !strings.Contains(body, `<meta http-equiv="refresh" content="0; url=https://app.example/?a=1&amp;b=2`) || !strings.Contains(policy, "form-action 'none'") || strings.Contains(policy, "script-src") {
		t.Errorf("%s %s", policy, body)
	}
}
