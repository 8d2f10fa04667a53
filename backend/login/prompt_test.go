package login_test

import (
	"net/url"
	"testing"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// TestProvider_PromptThatItKnows: a provider that knows no prompt=login would refuse the
// request, and strand whoever has to confirm who they are.
func TestProvider_PromptThatItKnows(t *testing.T) {
	for name, test := range map[string]struct {
		issuer       string
		metadata     any // nil says nothing
		wanted, sent string
	}{
		"it says nothing":               {issuer, nil, "login", "login"},
		"it knows it":                   {issuer, []string{"none", "login"}, "login", "login"},
		"it does not, and has another":  {issuer, []string{"none", "select_account"}, "login", "select_account"},
		"it does not, and has no other": {issuer, []string{"none"}, "login", "login"},
		"a single string":               {issuer, "select_account", "login", "select_account"},
		"another prompt stays":          {issuer, []string{"none"}, "consent", "consent"},
		"none is asked":                 {issuer, []string{"none"}, "", ""},
		"Google, which says nothing":    {"https://accounts.google.com", nil, "login", "select_account"},
		"Google, without a question":    {"https://accounts.google.com", nil, "none", "none"},
	} {
		p := logintest.New(t, test.issuer)
		p.Metadata = func(m map[string]any) {
			if m["prompt_values_supported"] = test.metadata; test.metadata == nil {
				delete(m, "prompt_values_supported")
			}
		}
		c := login.New(login.Config{
			Issuer: test.issuer, ClientID: logintest.ClientID, ClientSecret: logintest.ClientSecret,
			RedirectURL: callback, Transport: httpbrowser.Hosts{"id.example": p, "accounts.google.com": p},
		})
		address, err := c.AuthorizationURL(t.Context(), login.NewAttempt("web", "", now), login.Request{Prompt: test.wanted})
		if err != nil {
			t.Fatal(err)
		}
		if u, _ := url.Parse(address); u.Query().Get("prompt") != test.sent {
			t.Errorf("%s: prompt is %q, want %q", name, u.Query().Get("prompt"), test.sent)
		}
	}
}
