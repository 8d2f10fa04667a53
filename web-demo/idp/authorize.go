package idp

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// authorizationRequest is a validated request of OpenID Connect Core 1.0
// section 3.1.2.1.
type authorizationRequest struct {
	redirectURI string
	state       string
	nonce       string
	challenge   string
	loginHint   string
	scopes      []string
	prompts     []string
	acrValues   []string
	maxAge      time.Duration // negative if not requested
	formPost    bool
	raw         string // the request as a query, to come back to
}

// refusal is an error that the client hears about at its redirect URI.
type refusal struct{ code, description string }

// authorize responds at once if the browser's session satisfies the request, and shows
// the list of people otherwise.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	request, ok := readRequest(p, w, r)
	if !ok {
		return
	}
	now := p.now()
	session, signedIn := p.currentSession(r, now)
	missing := request.unmet(session, signedIn, now)
	switch {
	case p.quirks.AlwaysPrompt:
		renderPeople(p, w, request, authentication{}, false)
	case missing == "":
		answerCode(p, w, r, request, session, now)
	case slices.Contains(request.prompts, "none"):
		answerError(p, w, r, request, refusal{missing, "prompt=none, but the person would have to be asked"})
	default:
		renderPeople(p, w, request, session, signedIn)
	}
}

// unmet returns the reason why the session does not satisfy the request, as the error
// for prompt=none; empty if it does.
func (q authorizationRequest) unmet(session authentication, signedIn bool, now time.Time) string {
	switch {
	case !signedIn, slices.Contains(q.prompts, "login"):
		return "login_required"
	case slices.Contains(q.prompts, "select_account"):
		return "account_selection_required"
	case q.maxAge >= 0 && now.Sub(session.at) > q.maxAge:
		return "login_required"
	case q.wantsSecondFactor() && session.acr != ACRSecondFactor:
		return "interaction_required"
	}
	return ""
}

// wantsSecondFactor goes by the most preferred class that the provider knows.
func (q authorizationRequest) wantsSecondFactor() bool {
	for _, acr := range q.acrValues {
		if acr == ACRPassword || acr == ACRSecondFactor {
			return acr == ACRSecondFactor
		}
	}
	return false
}

// readRequest validates the parameters and answers those that are refused. A
// request that doesn't come from the client, or asks to answer elsewhere, is
// refused on a page: redirecting it would make an open redirector.
func readRequest(p *Provider, w http.ResponseWriter, r *http.Request) (authorizationRequest, bool) {
	if err := r.ParseForm(); err != nil {
		p.renderProblem(w, "The request is too large or cannot be read.")
		return authorizationRequest{}, false
	}
	form := p.resolve(r.Form)
	if form == nil {
		p.renderProblem(w, "The request (request_uri) is unknown or expired, or should have been pushed.")
		return authorizationRequest{}, false
	}
	request, ok := validate(p, w, r, form)
	if r.Form.Has("request_uri") {
		request.raw = r.Form.Encode()
	}
	return request, ok
}

func validate(p *Provider, w http.ResponseWriter, r *http.Request, form url.Values) (authorizationRequest, bool) {
	for name, values := range form {
		if len(values) > 1 {
			p.renderProblem(w, "The parameter "+name+" was sent more than once.")
			return authorizationRequest{}, false
		}
	}
	if form.Get("client_id") != p.ClientID {
		p.renderProblem(w, "The application (client_id) is not registered here.")
		return authorizationRequest{}, false
	}
	if !mayRedirectTo(p, form.Get("redirect_uri")) {
		p.renderProblem(w, "The return address (redirect_uri) is not registered for this application.")
		return authorizationRequest{}, false
	}
	request, refused := parseRequest(p, form)
	if refused != nil {
		answerError(p, w, r, request, *refused)
		return request, false
	}
	return request, true
}

func parseRequest(p *Provider, form url.Values) (authorizationRequest, *refusal) {
	q := authorizationRequest{
		redirectURI: form.Get("redirect_uri"),
		state:       form.Get("state"),
		nonce:       form.Get("nonce"),
		challenge:   form.Get("code_challenge"),
		loginHint:   form.Get("login_hint"),
		scopes:      strings.Fields(form.Get("scope")),
		prompts:     strings.Fields(form.Get("prompt")),
		acrValues:   p.classes(strings.Fields(form.Get("acr_values"))),
		maxAge:      -1,
		formPost:    form.Get("response_mode") == "form_post" && p.quirks.FormPost,
		raw:         form.Encode(),
	}
	if seconds, err := strconv.ParseUint(form.Get("max_age"), 10, 31); err == nil {
		q.maxAge = time.Duration(seconds) * time.Second
	}
	challenge, err := base64.RawURLEncoding.DecodeString(q.challenge)
	switch {
	case form.Has("request"):
		return q, &refusal{"request_not_supported", "request objects are not supported"}
	case form.Has("request_uri"):
		return q, &refusal{"request_uri_not_supported", "request objects are not supported"}
	case form.Get("response_type") != "code":
		return q, &refusal{"unsupported_response_type", "response_type must be code"}
	case form.Has("response_mode") && form.Get("response_mode") != "query" && !q.formPost:
		return q, &refusal{"invalid_request", "response_mode is not in the metadata's response_modes_supported"}
	case !slices.Contains(q.scopes, "openid"):
		return q, &refusal{"invalid_scope", "scope must contain openid"}
	case form.Get("code_challenge_method") != "S256" || err != nil || len(challenge) != 32:
		return q, &refusal{"invalid_request", "PKCE is required: code_challenge with code_challenge_method=S256"}
	case form.Has("max_age") && q.maxAge < 0:
		return q, &refusal{"invalid_request", "max_age must be a number of seconds"}
	case slices.Contains(q.prompts, "none") && len(q.prompts) > 1:
		return q, &refusal{"invalid_request", "prompt=none stands alone"}
	case slices.ContainsFunc(q.prompts, unknownPrompt):
		return q, &refusal{"invalid_request", "prompt must be none, login, select_account or consent"}
	}
	return q, nil
}

func unknownPrompt(prompt string) bool {
	return !slices.Contains([]string{"none", "login", "select_account", "consent"}, prompt)
}

func answerCode(p *Provider, w http.ResponseWriter, r *http.Request, q authorizationRequest, a authentication, now time.Time) {
	redirect(p, w, r, q, url.Values{"code": {p.state.issueCode(a, q, now)}})
}

func answerError(p *Provider, w http.ResponseWriter, r *http.Request, q authorizationRequest, e refusal) {
	redirect(p, w, r, q, url.Values{"error": {e.code}, "error_description": {e.description}})
}

// redirect sends a response with the issuer (RFC 9207) to the client: by a redirect, or
// by a form that the browser posts (OAuth 2.0 Form Post Response Mode).
func redirect(p *Provider, w http.ResponseWriter, r *http.Request, q authorizationRequest, response url.Values) {
	response.Set("iss", p.Issuer)
	if q.state != "" {
		response.Set("state", q.state)
	}
	if p.quirks.Answer != nil {
		p.quirks.Answer(response)
	}
	if q.formPost {
		postAnswer(p, w, q.redirectURI, response)
		return
	}
	separator := "?"
	if strings.Contains(q.redirectURI, "?") {
		separator = "&"
	}
	http.Redirect(w, r, q.redirectURI+separator+response.Encode(), http.StatusSeeOther)
}
