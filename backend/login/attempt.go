package login

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// Attempt is one sign-in on its way through the provider. It travels sealed in the state
// of the authorization request (see [Attempts]), so that the server keeps nothing and
// the browser one cookie, however many attempts there are.
type Attempt struct {
	// ID is what the session that comes of it keeps, so that it counts once.
	ID        string
	App       string
	ReturnTo  string
	CreatedAt int64
	// MaxAge is the greatest age of the authentication that was asked for, in
	// seconds; nil where none was.
	MaxAge *int64
	// JKT is the thumbprint of the device key that the request proved and that the new
	// session is bound to; empty without one.
	JKT string
	// ACRValues are the authentication context classes that were asked for, the
	// preferred first, separated by spaces.
	ACRValues string
	// Organization is the organization that it is for, as it was named.
	Organization string
	// Chosen tells that a person began it, as far as the browser says: no foreign page's
	// link, and nothing that the provider answers without asking. It accepts an invitation.
	Chosen bool
	// Connection is the organization's own at whose provider it happens; empty is the
	// workspace's provider.
	Connection string
	// Session is the session that a step-up raises; empty where the attempt makes a
	// new one.
	Session string
	// Proven tells that the request that began the attempt proved the device key of
	// Session. An attempt that the release before began has no such mark.
	Proven bool
	// Prompt and LoginHint are what the provider was asked to ask, for an attempt that is
	// begun anew.
	Prompt, LoginHint string
	// Restarted tells that it was begun anew because the first callback came without the
	// browser's value that it was begun with. That happens once.
	Restarted bool
	// Confirms tells that the provider was told to ask who is there, and that a provider that
	// does not say when the person authenticated is taken at that. See Attempt.ConfirmedAt.
	Confirms bool

	// State is the parameter of that name (RFC 6749 section 4.1.1). Nonce (OpenID Connect
	// Core section 3.1.2.1) and Verifier (RFC 7636 section 4.1) follow from the browser
	// that the attempt is bound to, and are never sealed with it.
	State, Nonce, Verifier string

	browserMAC []byte // proves the browser, see Attempts.In
}

// NewAttempt begins a sign-in. Its state is its ID, and its secrets are random, until
// [Attempts.Bind] makes those of a browser.
func NewAttempt(app, returnTo string, now int64) Attempt {
	id := newAttemptID()
	return Attempt{
		ID: id, State: id, Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(),
		App: app, ReturnTo: returnTo, CreatedAt: now,
	}
}

// Restart returns the attempt begun a second time, in whichever browser its callback came
// from: of that nothing is known, so that nothing that the first browser proved goes along.
func (a Attempt) Restart() Attempt {
	a.ID, a.Restarted, a.Chosen, a.JKT = newAttemptID(), true, false, ""
	return a
}

const attemptIDBytes = 16

var attemptIDs = base32.StdEncoding.WithPadding(base32.NoPadding)

func newAttemptID() string {
	var id [attemptIDBytes]byte
	rand.Read(id[:]) // never fails
	return attemptIDs.EncodeToString(id[:])
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

// ConfirmedAt returns when the person came back from a provider that was told to ask them and
// does not say when it did, or 0. It is no time of an authentication: the provider may have
// remembered them.
func (a Attempt) ConfirmedAt(i Identity, now int64) int64 {
	if a.Confirms && i.AuthTime == 0 {
		return now
	}
	return 0
}

// AttemptLife is how long a sign-in may take, in seconds.
const AttemptLife = 10 * 60

// ErrAttempt refuses what is no attempt of this server. ErrAttemptTooOld comes with an
// attempt that is one, and took longer than AttemptLife.
var (
	ErrAttempt       = errors.New("login: no such sign-in attempt")
	ErrAttemptTooOld = errors.New("login: the sign-in attempt is too old")
)
