package login

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// Attempt is one sign-in on its way through the provider. It travels sealed in a
// cookie of its own, so that attempts in several tabs do not disturb each other
// and the server keeps nothing.
type Attempt struct {
	// ID is the state of the authorization request (RFC 6749 section 4.1.1), and
	// what the session that comes of it keeps, so that it counts once.
	ID        string `json:"id"`
	Nonce     string `json:"nonce"`
	Verifier  string `json:"verifier"` // RFC 7636 section 4.1
	App       string `json:"app"`
	ReturnTo  string `json:"return_to"`
	CreatedAt int64  `json:"created_at"`
	// MaxAge is the greatest age of the authentication that was asked for, in
	// seconds; nil where none was.
	MaxAge *int64 `json:"max_age,omitempty"`
	// JKT is the thumbprint of the device key that the request proved and that the new
	// session is bound to; empty without one.
	JKT string `json:"jkt,omitempty"`
	// ACRValues are the authentication context classes that were asked for, the
	// preferred first, separated by spaces.
	ACRValues string `json:"acr_values,omitempty"`
	// Organization is the organisation that it is for, as it was named.
	Organization string `json:"organization,omitempty"`
	// Chosen tells that a person began it, as far as the browser says: no foreign page's
	// link, and nothing that the provider answers without asking. It accepts an invitation.
	Chosen bool `json:"chosen,omitempty"`
	// Connection is the organisation's own at whose provider it happens; empty is the
	// workspace's provider.
	Connection string `json:"connection,omitempty"`
	// Session is the session that a step-up raises; empty where the attempt makes a
	// new one.
	Session string `json:"session,omitempty"`
	// Proven tells that the request that began the attempt proved the device key of
	// Session. An attempt that the release before began has no such mark.
	Proven bool `json:"proven,omitempty"`
}

// Meets tells whether the identity token says what a step-up asked for: a provider
// may answer acr_values with less (OpenID Connect Core section 3.1.2.1). MaxAge was
// checked with the token.
func (a Attempt) Meets(i Identity) error {
	if a.ACRValues == "" || slices.Contains(strings.Fields(a.ACRValues), i.ACR) {
		return nil
	}
	return &Refused{
		Code: "unmet_authentication_requirements", Err: fmt.Errorf("the provider answered with acr %q", i.ACR),
	}
}

// Caused tells whether the person authenticated for this attempt, and not before:
// the identity token says so, by a clock that may differ.
func (a Attempt) Caused(i Identity) bool {
	return i.AuthTime != 0 && i.AuthTime >= a.CreatedAt-maxSkew
}

// AttemptLife is how long a sign-in may take, in seconds.
const AttemptLife = 10 * 60

// Sealer encrypts and opens an attempt, bound to a context.
type Sealer interface {
	Seal(plain []byte, context string) string
	Open(sealed, context string) ([]byte, error)
}

// ErrAttempt refuses what is no attempt of this server, or one that is too old.
var ErrAttempt = errors.New("login: no such sign-in attempt")

// NewAttempt begins a sign-in.
func NewAttempt(app, returnTo string, now int64) Attempt {
	return Attempt{
		ID: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(),
		App: app, ReturnTo: returnTo, CreatedAt: now,
	}
}

// Seal returns the attempt as its cookie keeps it; context is the cookie's name.
func (a Attempt) Seal(s Sealer, context string) (string, error) {
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false) // six bytes for each & of an address: too large for a cookie
	if err := encoder.Encode(a); err != nil {
		return "", err
	}
	return s.Seal(plain.Bytes(), context), nil
}

// OpenAttempt is the reverse of Seal. An attempt older than AttemptLife is
// ErrAttempt.
func OpenAttempt(s Sealer, sealed, context string, now int64) (Attempt, error) {
	plain, err := s.Open(sealed, context)
	if err != nil {
		return Attempt{}, ErrAttempt
	}
	var a Attempt
	if err := json.Unmarshal(plain, &a); err != nil || now-a.CreatedAt > AttemptLife {
		return Attempt{}, ErrAttempt
	}
	return a, nil
}
