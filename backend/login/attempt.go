package login

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// Attempt is one sign-in in progress. It is sealed in the state of the authorization
// request (see [Attempts]). The server stores nothing, and a browser needs one cookie
// for any number of attempts.
type Attempt struct {
	// ID is stored with the session that the attempt creates, so that the attempt
	// succeeds at most once.
	ID        string
	App       string
	ReturnTo  string
	CreatedAt int64
	// MaxAge is the requested maximum age of the authentication, in seconds, or nil.
	MaxAge *int64
	// JKT is the thumbprint of the device key that the request proved, or empty. The
	// new session is bound to it.
	JKT string
	// ACRValues are the requested authentication context classes in order of
	// preference, separated by spaces.
	ACRValues string
	// Organization is the id or slug of the organization to sign in to, or empty.
	Organization string
	// Chosen reports whether a person started the attempt, as far as the browser tells:
	// not by a foreign link, and not with prompt=none. Such an attempt accepts an
	// invitation.
	Chosen bool
	// Connection is the id of the organization's own connection. It is empty for the
	// workspace's provider.
	Connection string
	// Session is the id of the session to step up. It is empty if the attempt creates a
	// session.
	Session string
	// Account is api.AnotherAccount if the attempt adds a person to those of the browser, or
	// the id of the person who shall sign in again beside them. People are digests of those.
	Account string
	People  [][]byte
	// Proven reports whether the request proved the device key of Session, bound at its
	// sign-in. It is false for attempts of earlier releases.
	Proven bool
	// Prompt and LoginHint are the parameters for the provider. A restarted attempt
	// sends them again.
	Prompt, LoginHint string
	// SessionCookie is "true" if the session shall end with the browser, "false" if it
	// shall outlive it, and empty for what the workspace says.
	SessionCookie string
	// Restarts is how often the attempt was started again, because its callback came
	// with another browser value or without one.
	Restarts int
	// Renewed reports whether the attempt was started again, because the provider refused
	// its code. That happens once. It keeps its ID, but has secrets of its own.
	Renewed bool
	// Confirms reports whether the provider was asked to prompt the user, so that the
	// return counts as a confirmation if the provider sends no auth_time. See
	// Attempt.ConfirmedAt.
	Confirms bool

	// State is the state parameter (RFC 6749 section 4.1.1). Nonce (OpenID Connect Core
	// section 3.1.2.1) and Verifier (RFC 7636 section 4.1) are derived from the browser
	// value and are not part of the sealed state.
	State, Nonce, Verifier string

	browserMAC []byte // authenticates the browser, see Attempts.BoundTo
}

// NewAttempt returns an attempt with random secrets and its ID as state.
// [Attempts.Bind] replaces them with those of a browser.
func NewAttempt(app, returnTo string, now int64) Attempt {
	id := newAttemptID()
	return Attempt{
		ID: id, State: id, Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(),
		App: app, ReturnTo: returnTo, CreatedAt: now,
	}
}

// FromPage reports whether only the app's page can start the attempt: it raises a session,
// or is for an account.
func (a Attempt) FromPage() bool { return a.Session != "" || a.Account != "" }

// personDigest is the length of a digest of People, in bytes.
const personDigest = 8

// AddPerson adds a person who is signed in.
func (a *Attempt) AddPerson(userID string) {
	if !a.HasPerson(userID) {
		sum := sha256.Sum256([]byte(userID))
		a.People = append(a.People, sum[:personDigest])
	}
}

// HasPerson reports whether a person was signed in.
func (a Attempt) HasPerson(userID string) bool {
	sum := sha256.Sum256([]byte(userID))
	return slices.ContainsFunc(a.People, func(known []byte) bool { return bytes.Equal(known, sum[:personDigest]) })
}

// Restart returns the attempt for starting it again. Any browser may have brought its
// callback, so that it keeps nothing that the first browser proved.
func (a Attempt) Restart() Attempt {
	a.ID, a.Chosen, a.JKT = newAttemptID(), false, ""
	a.Restarts++
	if a.SessionCookie == "false" { // another browser's person may have chosen it
		a.SessionCookie = ""
	}
	return a
}

const attemptIDBytes = 16

var attemptIDs = base32.StdEncoding.WithPadding(base32.NoPadding)

func newAttemptID() string {
	var id [attemptIDBytes]byte
	rand.Read(id[:]) // never fails
	return attemptIDs.EncodeToString(id[:])
}

// Meets reports whether the identity token satisfies the requested acr_values. A
// provider may answer with a weaker class (OpenID Connect Core section 3.1.2.1). MaxAge
// is checked with the token.
func (a Attempt) Meets(i Identity) error {
	if a.ACRValues == "" || slices.Contains(strings.Fields(a.ACRValues), i.ACR) {
		return nil
	}
	return &Refused{
		Code: "unmet_authentication_requirements", Err: fmt.Errorf("the provider answered with acr %q, which was not requested", i.ACR),
	}
}

// Caused reports whether the person authenticated for this attempt and not before,
// according to the identity token. It allows for clock skew.
func (a Attempt) Caused(i Identity) bool {
	return i.AuthTime != 0 && i.AuthTime >= a.CreatedAt-maxSkew
}

// ConfirmedAt returns the time of the return from a provider that was asked to prompt
// the user and sends no auth_time, or 0. It is not the time of an authentication, since
// the provider may have remembered the user.
func (a Attempt) ConfirmedAt(i Identity, now int64) int64 {
	if a.Confirms && i.AuthTime == 0 {
		return now
	}
	return 0
}

// AttemptLife is the maximum duration of a sign-in, in seconds.
const AttemptLife = 10 * 60

// ErrAttempt is the error for an invalid attempt. ErrAttemptTooOld is returned together
// with a valid attempt that is older than AttemptLife.
var (
	ErrAttempt       = errors.New("login: no such sign-in attempt")
	ErrAttemptTooOld = errors.New("login: the sign-in attempt is too old")
)
