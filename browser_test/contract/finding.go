package contract

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp"
)

// open goes from the app's page to a path of the backend's, as far as the first answer.
func (s *script) open(args []string) error {
	return s.sent(s.next.With("Sec-Fetch-Site", "same-origin").Step(s.target.PublicURL + args[0]))
}

// visit is open from a foreign page.
func (s *script) visit(args []string) error {
	return s.sent(s.next.With("Sec-Fetch-Site", "cross-site").Step(s.target.PublicURL + args[0]))
}

// form is visit by a form.
func (s *script) form(args []string) error {
	fields, err := url.ParseQuery(args[1])
	if err != nil {
		return err
	}
	return s.sent(s.next.With("Sec-Fetch-Site", "cross-site").SubmitStep(s.target.PublicURL+args[0], fields))
}

// follow follows the redirect of the last answer.
func (s *script) follow([]string) error {
	return s.sent(s.browsers[s.browser].Follow(s.answer.Header.Get("Location")))
}

var link = regexp.MustCompile(`<a [^>]*href="([^"]*)"[^>]*>([^<]*)</a>`)

// press follows a link of the page at hand, which is the backend's, and redirects.
func (s *script) press(args []string) error {
	for _, found := range link.FindAllStringSubmatch(s.answer.Body, -1) {
		if html.UnescapeString(found[2]) == args[0] {
			s.answer = s.browsers[s.browser].With("Sec-Fetch-Site", "same-origin").Step(html.UnescapeString(found[1]))
			return s.follow(nil)
		}
	}
	return fmt.Errorf("the page has no link %q: %s", args[0], s.answer.Body)
}

// choose presses a person's button at the provider.
func (s *script) choose(args []string) error {
	return s.sent(s.browsers[s.browser].Choose(s.answer, args[0]))
}

// arrive signs a person in with a query of /login, as far as the answer of the callback.
func (s *script) arrive(args []string) error {
	b := s.browsers[s.browser]
	page := b.Begin(s.target.PublicURL + "/login?" + args[0])
	chosen := b.SubmitStep(page.URL.JoinPath("../sign-in").String(), signInForm(page, args[1]))
	return s.sent(b.Step(chosen.Header.Get("Location")))
}

// signInForm is the form of the development provider's page.
func signInForm(page httpbrowser.Response, person string) url.Values {
	return url.Values{"request": {page.URL.RawQuery}, "person": {person}, "factor": {"pwd"}}
}

// at returns the address of the last answer, or to which it redirects, without the query.
func (s *script) at([]string) (string, error) {
	at := s.answer.URL
	if to := s.answer.Header.Get("Location"); to != "" {
		var err error
		if at, err = at.Parse(to); err != nil {
			return "", err
		}
	}
	return at.Scheme + "://" + at.Host + at.Path, nil
}

// asked returns a parameter of the address to which the last answer redirects.
func (s *script) asked(args []string) (string, error) {
	to, err := url.Parse(s.answer.Header.Get("Location"))
	return to.Query().Get(args[0]), err
}

// life returns how long the session cookie that the last answer set lives: with the
// browser, or for a time.
func (s *script) life([]string) (string, error) {
	for _, c := range s.answer.Cookies() {
		switch {
		case strings.HasPrefix(c.Name, "__Host-Http-tabard-login.") || c.MaxAge < 0:
		case c.MaxAge == 0:
			return "browser", nil
		default:
			return "time", nil
		}
	}
	return "", fmt.Errorf("the last answer set no session cookie: %v", s.answer.Header)
}

// signer is the path, below the issuer, at which the provider of the scripts signs a
// token about a person for whoever asks.
const signer = "/test/revocation"

// serveSigner signs a token for Global Token Revocation.
func serveSigner(p *idp.Provider, issuer string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		now := time.Now()
		token, err := p.Sign(r.URL.Query().Get("typ"), jwt.MapClaims{
			"iss": issuer, "aud": r.URL.Query().Get("aud"), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "jti": fmt.Sprint(now.UnixNano()),
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		io.WriteString(w, token)
	}
}

// revoke has a provider revoke a person's sessions at a path of the backend's: the
// workspace's provider, or that of northwind.
func (s *script) revoke(args []string) error {
	path, provider, typ, body := args[0], args[1], args[2], args[3]
	query := url.Values{"aud": {s.target.PublicURL + path}, "typ": {typ}}
	token, err := fetched(s.tb, provider+signer+"?"+query.Encode())
	if err != nil {
		return err
	}
	return s.ask(http.MethodPost, path, token, "", body)
}

func fetched(t testing.TB, address string) (string, error) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}
