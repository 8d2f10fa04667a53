package idp

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// cookieName carries port and path, because browsers share the cookies of a host
// among all of its ports, and several providers may share a port.
func (p *Provider) cookieName() string {
	_, port, _ := strings.Cut(p.host, ":")
	return "tabard_provider_" + port + strings.ReplaceAll(p.base, "/", "_")
}

func (p *Provider) currentSession(r *http.Request, now time.Time) (authentication, bool) {
	cookie, err := r.Cookie(p.cookieName())
	if err != nil {
		return authentication{}, false
	}
	return p.state.session(cookie.Value, now)
}

func replaceSession(p *Provider, w http.ResponseWriter, r *http.Request, a authentication) {
	endCurrent(p, r)
	p.setCookie(w, p.state.startSession(a), int(sessionLife.Seconds()))
}

func endCurrent(p *Provider, r *http.Request) {
	if cookie, err := r.Cookie(p.cookieName()); err == nil {
		p.state.endSession(cookie.Value)
	}
}

// setCookie is not Secure on http: some browsers drop such cookies there, on
// loopback as well.
func (p *Provider) setCookie(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: p.cookieName(), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(p.Issuer, "https:"),
	})
}

// signOutQuestion has the parameters that the confirmation page keeps.
type signOutQuestion struct{ RedirectURI, State string }

// endSession serves RP-Initiated Logout 1.0. An ID token of the signed-in person ends
// the session at once; otherwise the page asks for confirmation.
func (p *Provider) endSession(w http.ResponseWriter, r *http.Request) {
	if p.quirks.EndSession == EndSessionMissing {
		http.NotFound(w, r)
		return
	}
	if err := r.ParseForm(); err != nil {
		p.renderProblem(w, "The request is too large or cannot be read.")
		return
	}
	hinted, problem := readHint(p, r.Form)
	if problem != "" {
		p.renderProblem(w, problem)
		return
	}
	back := signOutQuestion{r.Form.Get("post_logout_redirect_uri"), r.Form.Get("state")}
	session, signedIn := p.currentSession(r, p.now())
	if signedIn && hinted != session.person.Subject {
		p.render(w, http.StatusOK, view{Title: "Sign out here too?", Lead: "You are signed in to the provider as " + session.person.Name + ".", SignOut: &back})
		return
	}
	p.finishSignOut(w, r, back)
}

// readHint returns the subject of the ID token, if one was sent, and the reason
// for which the request cannot be honored.
func readHint(p *Provider, form url.Values) (subject, problem string) {
	client := form.Get("client_id")
	if hint := form.Get("id_token_hint"); hint != "" {
		var err error
		if subject, err = p.key.Load().subjectOf(hint); err != nil {
			return "", "The id_token_hint was not issued here."
		}
		if client == "" {
			client = p.ClientID
		}
	}
	if client != "" && client != p.ClientID {
		return "", "The application (client_id) is not registered here."
	}
	if back := form.Get("post_logout_redirect_uri"); back != "" && (client == "" || !mayReturnTo(p, back)) {
		return "", "The return address (post_logout_redirect_uri) is not registered for this application."
	}
	return subject, ""
}

func mayReturnTo(p *Provider, address string) bool {
	return p.quirks.AnyRedirectURI || slices.Contains(p.PostLogoutRedirectURIs, address)
}

// signOut is the confirmed form of endSession.
func (p *Provider) signOut(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.renderProblem(w, "The request is too large or cannot be read.")
		return
	}
	back := signOutQuestion{r.PostForm.Get("post_logout_redirect_uri"), r.PostForm.Get("state")}
	if back.RedirectURI != "" && !mayReturnTo(p, back.RedirectURI) {
		p.renderProblem(w, "The return address (post_logout_redirect_uri) is not registered for this application.")
		return
	}
	p.finishSignOut(w, r, back)
}

func (p *Provider) finishSignOut(w http.ResponseWriter, r *http.Request, back signOutQuestion) {
	endCurrent(p, r)
	p.setCookie(w, "", -1)
	if back.RedirectURI == "" || p.quirks.EndSession == EndSessionStays {
		p.render(w, http.StatusOK, view{Title: "You are signed out", Lead: "Nobody is signed in here now. You can close this page."})
		return
	}
	target, _ := url.Parse(back.RedirectURI) // registered, hence parsed before
	if back.State != "" {
		query := target.Query()
		query.Set("state", back.State)
		target.RawQuery = query.Encode()
	}
	http.Redirect(w, r, target.String(), http.StatusSeeOther)
}
