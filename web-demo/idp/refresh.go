package idp

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// RefreshTokens is the support for refresh tokens (RFC 6749 section 6): each use replaces
// the token, and a replaced one is refused together with its successors (RFC 9700 section
// 4.14.2). Its fields may be changed between requests.
type RefreshTokens struct {
	// Grace is how long a replaced token still counts.
	Grace time.Duration
	// Refuse reports whether a person has left.
	Refuse func(sub string) bool
	// Answer answers in place of the provider after the token was replaced, as a
	// connection that breaks does, unless it returns false.
	Answer func(w http.ResponseWriter, r *http.Request) bool

	mu     sync.Mutex
	tokens map[string]*refreshToken
	asked  []url.Values
}

// refreshToken is an issued refresh token.
type refreshToken struct {
	family   *family
	replaced time.Time // zero for the current one
}

// family is the successive tokens of one authorization.
type family struct {
	grant   *grant
	revoked bool
}

// Asked returns the forms of the requests so far.
func (s *RefreshTokens) Asked() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Revoke revokes every token.
func (s *RefreshTokens) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tokens {
		t.family.revoked = true
	}
}

func (s *RefreshTokens) issue(f *family) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens == nil {
		s.tokens = map[string]*refreshToken{}
	}
	token := rand.Text()
	s.tokens[token] = &refreshToken{family: f}
	return token
}

// use spends a token.
func (s *RefreshTokens) use(form url.Values, now time.Time) (*family, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, form)
	t, ok := s.tokens[form.Get("refresh_token")]
	switch {
	case !ok || t.family.revoked:
		return nil, false
	case !t.replaced.IsZero() && now.Sub(t.replaced) >= s.Grace:
		t.family.revoked = true
		return nil, false
	case t.replaced.IsZero():
		t.replaced = now
	}
	return t.family, s.Refuse == nil || !s.Refuse(t.family.grant.person.Subject)
}

// refresh answers a refresh request.
func (p *Provider) refresh(w http.ResponseWriter, r *http.Request) {
	now := p.now()
	f, ok := p.quirks.RefreshTokens.use(r.PostForm, now)
	if !ok {
		writeError(w, http.StatusBadRequest, "invalid_grant", "the refresh token is unknown, replaced or revoked, or the person has left")
		return
	}
	renewed := *f.grant
	renewed.request.nonce = ""
	p.state.renew(&renewed, now)
	answer := func(tokens map[string]any) { tokens["refresh_token"] = p.quirks.RefreshTokens.issue(f) }
	if p.quirks.RefreshTokens.Answer != nil && p.quirks.RefreshTokens.Answer(w, r) {
		return
	}
	answerTokens(p, w, &renewed, now, answer)
}

// Current returns a token that was issued and not replaced.
func (s *RefreshTokens) Current() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for token, t := range s.tokens {
		if t.replaced.IsZero() && !t.family.revoked {
			return token
		}
	}
	return ""
}
