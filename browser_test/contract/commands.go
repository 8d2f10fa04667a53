package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// commands is the language of the scripts. A line is a command; "!" before it means that it must not
// hold.
//
//	browser NAME          use a browser; a new name is a new browser
//	device NAME           use a new browser with a device key
//	copy NAME             use a new browser with a copy of this one's cookies
//	tabof NAME BROWSER    use a tab of the app Team, with a device key of its own, in a browser
//	add ACCOUNT PERSON    sign in for an account, by the page's script, as far as the callback's answer
//	signin PERSON         sign in with the provider
//	signinat ORGANIZATION PERSON  sign in for an organization, at its own provider
//	page NAME ORGANIZATION  use a page of this browser at the organization's origin, with a key of its own
//	signin-here PERSON    sign in at the page's origin
//	silently              go to the last answer's login_url, and come back to the page's origin
//	together N ORGANIZATION PERSON  sign in in N tabs that begin at once, all of which come back
//	crowd N PERSON                  sign in in N tabs that come back at once; the cookies stay within 2.5 KB
//	stepup PERSON FACTOR  go to the last answer's login_url and answer with pwd or otp
//	landed NAME VALUE     a parameter of the address of the page that this led to
//	header NAME VALUE     the next request carries this header
//	noheader NAME         the next request lacks this header
//	get PATH              fetch, as the app's page does
//	post PATH JSON
//	server PATH KEY TOKEN JSON  post, as an app's server does, with a person's token or ''
//	admin METHOD PATH JSON  ask the administration API, with a key to the workspace and a body or ''
//	open PATH             go from the app's page to a path of the backend's, as far as the first answer
//	visit PATH            go there from a foreign page
//	form PATH QUERY       send a form there from a foreign page
//	go                    follow the redirect of the last answer, and those after it
//	press LABEL           follow a link of the page at hand
//	choose PERSON         press a person's button on the provider's page at hand
//	arrive QUERY PERSON   sign in with a query of /login, as far as the callback's answer
//	revoke PATH PROVIDER TYP JSON  post, as a provider does, with a token of a type that it signed for the address
//	redeem CODE           send the browser on with a hand-over's code
//	until N PATH JSON     post until the status is N
//	at ADDRESS            of the page, or to which the last answer redirects, without the query
//	asked NAME VALUE      a parameter of the address to which the last answer redirects
//	life VALUE            of the session cookie that the last answer set: browser or time
//	status N              of the last answer
//	answered NAME VALUE   a header of the last answer
//	code CODE             the error code of the last answer
//	json PATH VALUE       a member of the last answer, such as organization.slug
//	save NAME PATH        keep a member of the last answer as $NAME
//	claim NAME VALUE      of the last access token, after it was verified
//	doors                 try the last access token at every endpoint: it opens none
//	cookies VALUE         change of the session cookies by the last answer: set, cleared, nothing
var commands = map[string]func(*testscript.TestScript, bool, []string){
	"browser":     command(1, (*script).use),
	"device":      command(1, (*script).device),
	"copy":        command(1, (*script).copy),
	"tabof":       command(2, (*script).tabOf),
	"add":         command(2, (*script).add),
	"signin":      command(1, (*script).signIn),
	"page":        command(2, (*script).page),
	"signin-here": command(1, (*script).signInHere),
	"silently":    command(0, (*script).silently),
	"signinat":    command(2, (*script).signInAt),
	"together":    command(3, (*script).together),
	"crowd":       command(2, (*script).crowd),
	"header":      command(2, (*script).header),
	"noheader":    command(1, (*script).noHeader),
	"stepup":      command(2, (*script).stepUp),
	"get":         command(1, (*script).get),
	"post":        command(2, (*script).post),
	"server":      command(4, (*script).server),
	"hear":        command(3, (*script).hear),
	"admin":       command(3, (*script).admin),
	"open":        command(1, (*script).open),
	"visit":       command(1, (*script).visit),
	"form":        command(2, (*script).form),
	"go":          command(0, (*script).follow),
	"press":       command(1, (*script).press),
	"choose":      command(1, (*script).choose),
	"arrive":      command(2, (*script).arrive),
	"revoke":      command(4, (*script).revoke),
	"at":          check(1, (*script).at),
	"asked":       check(2, (*script).asked),
	"life":        check(1, (*script).life),
	"redeem":      command(1, (*script).redeem),
	"until":       command(3, (*script).until),
	"doors":       command(0, (*script).doors),
	"landed":      check(2, (*script).landed),
	"status":      check(1, (*script).status),
	"answered":    check(2, (*script).answered),
	"code":        check(1, (*script).code),
	"json":        check(2, (*script).member),
	"heard":       check(2, (*script).heard),
	"claim":       check(2, (*script).claim),
	"cookies":     check(1, (*script).cookies),
	"save": func(ts *testscript.TestScript, _ bool, args []string) {
		s := ts.Value(scriptKey{}).(*script)
		if len(args) != 2 {
			ts.Fatalf("usage: save NAME PATH")
		}
		value, err := s.lookup(args[1])
		ts.Check(err)
		ts.Setenv(args[0], value)
	},
}

func command(n int, run func(*script, []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != n {
			ts.Fatalf("want %d arguments, without !", n)
		}
		ts.Check(run(ts.Value(scriptKey{}).(*script), args))
	}
}

// check returns a command that compares its last argument with the value that a
// function returns.
func check(n int, what func(*script, []string) (string, error)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if len(args) != n {
			ts.Fatalf("want %d arguments", n)
		}
		s := ts.Value(scriptKey{}).(*script)
		is, err := what(s, args)
		ts.Check(err)
		if want := args[n-1]; (is == want) == neg {
			ts.Fatalf("got %q; the answer was %d %s", is, s.answer.Status, s.answer.Body)
		}
	}
}

func (s *script) use(args []string) error {
	s.browser = args[0]
	if s.browsers[s.browser] == nil {
		s.browsers[s.browser] = s.newBrowser(s.target.Origin)
	}
	s.next = s.browsers[s.browser]
	return nil
}

func (s *script) device(args []string) error {
	s.browsers[args[0]] = s.newBrowser(s.target.Origin).On(httpbrowser.NewDevice(s.tb))
	return s.use(args)
}

func (s *script) copy(args []string) error {
	s.browsers[args[0]] = s.browsers[s.browser].Copy()
	return s.use(args)
}

func (s *script) signIn(args []string) error {
	s.answer = s.browsers[s.browser].SignIn(args[0])
	return nil
}

func (s *script) signInAt(args []string) error {
	browser := s.browsers[s.browser]
	s.answer = browser.Choose(browser.Begin(s.target.PublicURL+"/login?organization="+url.QueryEscape(args[0])), args[1])
	return nil
}

// stepUp goes to the address that the backend returned for a step-up.
func (s *script) stepUp(args []string) error {
	address, err := s.lookup("login_url")
	if err != nil {
		return err
	}
	browser := s.browsers[s.browser]
	page := browser.Begin(address + "&return_to=" + url.QueryEscape("/stepped-up"))
	s.answer = browser.Confirm(page, args[0], args[1])
	return nil
}

func (s *script) landed(args []string) (string, error) { return s.answer.URL.Query().Get(args[0]), nil }

func (s *script) header(args []string) error {
	s.next = s.next.With(args[0], args[1])
	return nil
}

func (s *script) noHeader(args []string) error {
	s.next = s.next.Without(args[0])
	return nil
}

func (s *script) get(args []string) error { return s.sent(s.next.Get(args[0])) }

func (s *script) post(args []string) error { return s.sent(s.next.Post(args[0], args[1])) }

// until repeats a request, as a tab in the background does.
func (s *script) until(args []string) error {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for range 300 {
		if err := s.post(args[1:]); err != nil || strconv.Itoa(s.answer.Status) == args[0] {
			return err
		}
		<-again.C
	}
	return fmt.Errorf("the last answer was %d %s", s.answer.Status, s.answer.Body)
}

func (s *script) sent(answer httpbrowser.Response) error {
	s.answer, s.next = answer, s.browsers[s.browser]
	var minted struct {
		AccessToken string `json:"access_token"`
	}
	if json.Unmarshal([]byte(answer.Body), &minted) == nil && minted.AccessToken != "" {
		s.token = minted.AccessToken
	}
	return nil
}

func (s *script) status([]string) (string, error) { return strconv.Itoa(s.answer.Status), nil }

func (s *script) answered(args []string) (string, error) { return s.answer.Header.Get(args[0]), nil }

func (s *script) code([]string) (string, error) { return s.answer.Code(), nil }

func (s *script) member(args []string) (string, error) { return s.lookup(args[0]) }

// lookup returns a member of the answer as text; lists are joined by commas, and a
// list has a length.
func (s *script) lookup(path string) (string, error) {
	var value any
	if err := json.Unmarshal([]byte(s.answer.Body), &value); err != nil {
		return "", fmt.Errorf("the answer is not JSON: %s", s.answer.Body)
	}
	return find(value, path)
}

func find(value any, path string) (string, error) {
	for name := range strings.SplitSeq(path, ".") {
		switch at := value.(type) {
		case map[string]any:
			value = at[name]
		case []any:
			if name == "length" {
				return strconv.Itoa(len(at)), nil
			}
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(at) {
				return "", fmt.Errorf("%s: the list has %d elements", path, len(at))
			}
			value = at[i]
		default:
			return "", fmt.Errorf("%s: no member %s", path, name)
		}
	}
	return text(value), nil
}

func text(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case []any:
		parts := make([]string, len(value))
		for i, v := range value {
			parts[i] = text(v)
		}
		return strings.Join(parts, ",")
	}
	return fmt.Sprint(value)
}

// claim verifies the last access token as a resource server does.
func (s *script) claim(args []string) (string, error) {
	verifier, err := token.NewVerifier(token.Config{
		Issuer: s.target.PublicURL, Audience: s.target.Origin + "/api",
		Keys:          token.NewKeySet(s.target.PublicURL+api.PathKeySet, &http.Client{Transport: loopback}),
		Organizations: token.NewKeySets(s.target.PublicURL, &http.Client{Transport: loopback}),
	})
	if err != nil {
		return "", err
	}
	claims, err := verifier.Verify(s.tb.Context(), s.token)
	if err != nil {
		return "", err
	}
	encoded, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	var value any
	if err := json.Unmarshal(encoded, &value); err != nil {
		return "", err
	}
	all, _ := value.(map[string]any) // claims are an object
	maps.Copy(all, claims.Further)
	return find(value, args[0])
}

func (s *script) cookies([]string) (string, error) {
	did := "nothing"
	for _, c := range s.answer.Cookies() {
		switch {
		case strings.HasPrefix(c.Name, "__Host-Http-tabard-login."):
		case c.MaxAge < 0:
			did = "cleared"
		default:
			did = "set"
		}
	}
	return did, nil
}
