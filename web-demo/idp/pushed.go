package idp

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// pushedLife is how long a pushed request may be used.
const pushedLife = time.Minute

const requestURIPrefix = "urn:ietf:params:oauth:request_uri:"

// pushed is an authorization request that the client sent itself.
type pushed struct {
	form    url.Values
	expires time.Time
}

// push takes an authorization request from the client (RFC 9126 section 2).
func (p *Provider) push(w http.ResponseWriter, r *http.Request) {
	if p.quirks.PushedRequests == PushUnsupported {
		http.NotFound(w, r)
		return
	}
	if !clientForm(p, w, r) {
		return
	}
	form := r.PostForm
	if form.Has("request_uri") || !mayRedirectTo(p, form.Get("redirect_uri")) {
		writeError(w, http.StatusBadRequest, "invalid_request", "redirect_uri is not registered, or request_uri is pushed")
		return
	}
	for _, name := range []string{"client_secret", "client_assertion", "client_assertion_type"} {
		form.Del(name)
	}
	form.Set("client_id", p.ClientID)
	if _, refused := parseRequest(p, form); refused != nil {
		writeError(w, http.StatusBadRequest, refused.code, refused.description)
		return
	}
	reference := requestURIPrefix + rand.Text()
	p.state.push(reference, pushed{form, p.now().Add(pushedLife)})
	writeJSON(w, http.StatusCreated, map[string]any{"request_uri": reference, "expires_in": int(pushedLife.Seconds())})
}

// resolve returns a browser's request, or the pushed one that it refers to. It returns
// nil if there is none, or if the request had to be pushed.
func (p *Provider) resolve(form url.Values) url.Values {
	if reference := form.Get("request_uri"); strings.HasPrefix(reference, requestURIPrefix) {
		stored, ok := p.state.pushedRequest(reference, p.now())
		if !ok || stored.form.Get("client_id") != form.Get("client_id") {
			return nil
		}
		return stored.form
	}
	if p.quirks.PushedRequests == PushRequired {
		return nil
	}
	return form
}

func mayRedirectTo(p *Provider, address string) bool {
	registered := p.RedirectURIs
	if p.quirks.RedirectURIs != nil {
		registered = p.quirks.RedirectURIs
	}
	return p.quirks.AnyRedirectURI && address != "" || slices.Contains(registered, address)
}

func (m *state) push(reference string, request pushed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests[reference] = request
}

// pushedRequest returns a pushed request. It can be read repeatedly for a while,
// because a person may take time to choose.
func (m *state) pushedRequest(reference string, now time.Time) (pushed, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	request, ok := m.requests[reference]
	if !ok || !now.Before(request.expires) {
		return pushed{}, false
	}
	m.requests[reference] = pushed{request.form, now.Add(tokenLife)}
	return request, true
}
