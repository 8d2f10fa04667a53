package login_test

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp"
)

// lowerHex writes the escapes of an address in lower case.
func lowerHex(escaped string) string {
	return regexp.MustCompile("%..").ReplaceAllStringFunc(escaped, strings.ToLower)
}

func inJSON(text string) string {
	quoted, _ := json.Marshal(text) // never fails for a text
	return strings.Trim(string(quoted), `"`)
}

// quotes are the ways in which a provider, or what is before it, may quote a secret.
var quotes = map[string]func(secret string) string{
	"as it is":         func(s string) string { return s },
	"as a form":        url.QueryEscape,
	"as a path":        url.PathEscape,
	"in lower case":    func(s string) string { return lowerHex(url.QueryEscape(s)) },
	"escaped twice":    func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	"as JSON":          inJSON,
	"as JSON in JSON":  func(s string) string { return inJSON(inJSON(s)) },
	"with its slashes": func(s string) string { return strings.ReplaceAll(inJSON(s), "/", `\/`) },
	"as HTML":          html.EscapeString,
	"as HTML, named":   func(s string) string { return strings.NewReplacer("&", "&amp;", `"`, "&quot;", "<", "&lt;").Replace(s) },
	"as HTML, in hex": func(s string) string {
		return strings.NewReplacer("&", "&#x26;", "/", "&#x2F;", "+", "&#43;").Replace(s)
	},
}

// echo errorAnswers with the secrets of a request, as quote writes them, and remembers those.
type echo struct {
	quote  func(string) string
	answer func(said string) (status int, body string)
	quoted []string
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	secrets := []string{}
	for _, name := range []string{"client_secret", "client_assertion", "code", "code_verifier", "refresh_token"} {
		secrets = append(secrets, r.PostForm.Get(name))
	}
	if id, escaped, ok := r.BasicAuth(); ok {
		secret, _ := url.QueryUnescape(escaped)
		id, _ = url.QueryUnescape(id)
		both := []byte(id + ":" + secret)
		secrets = append(secrets, strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "), secret, escaped,
			base64.StdEncoding.EncodeToString(both), base64.RawURLEncoding.EncodeToString(both))
	}
	var said []string
	for _, secret := range secrets {
		if secret != "" {
			e.quoted = append(e.quoted, e.quote(strings.TrimRight(secret, "=")))
			said = append(said, e.quote(secret))
		}
	}
	status, body := e.answer(strings.Join(said, " | "))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, body)
}

// errorAnswers are where an error quotes what a request said.
var errorAnswers = map[string]func(said string) (status int, body string){
	"a page": func(said string) (int, string) { return 500, "<h1>" + said + "</h1>" },
	"an error": func(said string) (int, string) {
		return 401, `{"error":"invalid_client","error_description":"` + inJSON(said) + `"}`
	},
	"an error's code":    func(said string) (int, string) { return 400, `{"error":"` + inJSON(said) + `"}` },
	"JSON without error": func(said string) (int, string) { return 403, `{"debug":"` + inJSON(said) + `"}` },
}

// backChannel are the requests that carry secrets.
var backChannel = map[string]func(t *testing.T, c *login.Provider) error{
	"a code": func(t *testing.T, c *login.Provider) error {
		_, err := c.Identify(t.Context(), login.NewAttempt("web", "", now), url.Values{"code": {"co/d+e"}, "iss": {issuer}}, now)
		return err
	},
	"a refresh": func(t *testing.T, c *login.Provider) error {
		_, err := c.Refresh(t.Context(), "re/fr+esh", "alice", now)
		return err
	},
	"a push": func(t *testing.T, c *login.Provider) error {
		_, err := c.AuthorizationURL(t.Context(), login.NewAttempt("web", "https://app.example/", now), login.Request{})
		return err
	},
}

// TestFault_Secrets checks that no secret of a request comes back into the log, however the
// answer quotes the request.
func TestFault_Secrets(t *testing.T) {
	apple := clientKey(t, pemOf(t, ecKey(t)))
	for named, config := range map[string]login.Config{
		"a secret":  {ClientSecret: `s/3+cr%t&"<e>'\ =ü`},
		"a key":     {ClientKey: clientKey(t, pemOf(t, rsaKey(t, 2048)))},
		"Apple's":   {ClientKey: apple, Apple: &login.AppleClient{Team: "ABCDE12345", Key: "FGHIJ67890"}},
		"of digits": {ClientSecret: "0f9e8d7c"},
	} {
		for how, quote := range quotes {
			for where, answer := range errorAnswers {
				for request, send := range backChannel {
					for _, method := range []string{"client_secret_basic", "client_secret_post"} {
						e := &echo{quote: quote, answer: answer}
						err := send(t, e.client(t, config, method, request == "a push"))
						if err == nil || len(e.quoted) == 0 || !strings.Contains(err.Error(), "[secret]") {
							t.Fatalf("%s, %s, %s, %s, %s: %v of %v", named, request, method, how, where, err, e.quoted)
						}
						for _, quoted := range e.quoted {
							if strings.Contains(err.Error(), quoted) || strings.Contains(err.Error(), inJSON(quoted)) {
								t.Errorf("%s, %s, %s, %s, %s: %q is in %q", named, request, method, how, where, quoted, err)
							}
						}
					}
				}
			}
		}
	}
}

// client returns a relying party of a provider that echoes.
func (e *echo) client(t *testing.T, config login.Config, method string, pushes bool) *login.Provider {
	p := provider(t)
	p.ClientAuth, p.PushedRequests = []string{method}, idp.PushAllowed
	p.Endpoints = map[string]http.HandlerFunc{"/token": e.ServeHTTP, "/par": e.ServeHTTP}
	config.Issuer, config.ClientID, config.RedirectURL, config.PushRequests = issuer, "ta+bard", callback, pushes
	config.Transport = httpbrowser.Hosts{"id.example": p}
	return login.New(config)
}
