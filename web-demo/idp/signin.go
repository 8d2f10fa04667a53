package idp

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

//go:embed page.html
var pageSource string

//go:embed style.css
var styleSource string

var page = template.Must(template.New("page").Parse(pageSource))

// view is the page's content: people to choose from, a question, or a problem.
type view struct {
	Base     string // of its addresses
	Provider string // its name
	Title    string
	Lead     string
	People   []choice
	Anybody  bool   // may sign in
	Request  string // the authorization request to go on with, as a query
	SignOut  *signOutQuestion
	Answer   *postedAnswer
}

type choice struct {
	Person
	Initials     string
	Current      bool // signed in already, or meant by login_hint
	SecondFactor bool // asked for
}

// renderPeople shows the people to choose from. The person who is signed in, or named
// by login_hint, is first.
func renderPeople(p *Provider, w http.ResponseWriter, q authorizationRequest, session authentication, signedIn bool) {
	expected := func(person Person) bool {
		if q.loginHint != "" {
			return q.loginHint == person.Subject || strings.EqualFold(q.loginHint, person.Email)
		}
		return signedIn && session.person == person
	}
	v := view{Title: "Who is signing in?", Lead: "Choose a person. No password is asked for.", Request: q.raw, Anybody: p.quirks.AnyPerson}
	if q.wantsSecondFactor() {
		v.Title = "Please confirm that it is you"
		v.Lead = "The application asks for a second factor. Here it takes one press of a button."
	}
	for _, person := range p.People {
		v.People = append(v.People, choice{person, initials(person.Name), expected(person), q.wantsSecondFactor()})
	}
	slices.SortStableFunc(v.People, func(a, b choice) int { return rank(a) - rank(b) })
	p.render(w, http.StatusOK, v)
}

func rank(c choice) int {
	if c.Current {
		return 0
	}
	return 1
}

// signIn starts a session for the chosen person and resumes the authorization request
// of the page, or ends it if the person canceled.
func (p *Provider) signIn(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.renderProblem(w, "The request is too large or cannot be read.")
		return
	}
	query, err := url.ParseQuery(r.PostForm.Get("request"))
	if err != nil {
		p.renderProblem(w, "The sign-in that this page belongs to cannot be read. Please start again.")
		return
	}
	if query = p.resolve(query); query == nil {
		p.renderProblem(w, "The sign-in that this page belongs to has expired. Please start again.")
		return
	}
	request, ok := validate(p, w, r, query)
	if !ok {
		return
	}
	if r.PostForm.Has("cancel") {
		answerError(p, w, r, request, refusal{"access_denied", "the person cancelled the sign-in"})
		return
	}
	person, ok := p.person(r.PostForm.Get("person"))
	if !ok {
		p.renderProblem(w, "There is no user with this name.")
		return
	}
	now := p.now()
	authenticated := authentication{person: person, at: now, acr: ACRPassword}
	if r.PostForm.Get("factor") == "otp" {
		authenticated.acr = ACRSecondFactor
	}
	if !p.quirks.AlwaysPrompt {
		replaceSession(p, w, r, authenticated)
	}
	answerCode(p, w, r, request, authenticated, now)
}

// home shows the person who is signed in to the provider.
func (p *Provider) home(w http.ResponseWriter, r *http.Request) {
	v := view{Title: "Development provider", Lead: "Nobody is signed in here. Start from the application."}
	if session, ok := p.currentSession(r, p.now()); ok {
		v.Lead = "Signed in as " + session.person.Name + "."
		v.SignOut = &signOutQuestion{}
	}
	p.render(w, http.StatusOK, v)
}

func (p *Provider) renderProblem(w http.ResponseWriter, text string) {
	p.render(w, http.StatusBadRequest, view{Title: "That did not work", Lead: text})
}

func (p *Provider) render(w http.ResponseWriter, status int, v view) {
	v.Base, v.Provider = p.base, cmp.Or(p.Name, "Development provider")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = page.Execute(w, v) // the caller may have gone away
}

// postedAnswer is a form that the browser posts to the client.
type postedAnswer struct {
	To     string
	Fields url.Values
}

// submitScript is the script that posts a response. The page's policy has its digest.
const submitScript = "document.forms[0].submit()"

func postAnswer(p *Provider, w http.ResponseWriter, to string, response url.Values) {
	sum := sha256.Sum256([]byte(submitScript))
	policy := w.Header().Get("Content-Security-Policy") + "; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	w.Header().Set("Content-Security-Policy", policy)
	p.render(w, http.StatusOK, view{Title: "Signing in", Lead: "You are on your way back to the application.", Answer: &postedAnswer{to, response}})
}

func style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write([]byte(styleSource))
}

func initials(name string) string {
	var letters []rune
	for word := range strings.FieldsSeq(name) {
		letters = append(letters, []rune(word)[0])
	}
	return string(letters[:min(2, len(letters))])
}
