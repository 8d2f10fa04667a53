// Package handover brings a person's browser from one app of the workspace into
// another without a sign-in, by a code that is good once, for a minute, in one browser.
//
//  1. A page of a registered app asks the backend to begin (POST /handover): the
//     browser gets a secret in a cookie that no script reads, the page its hash.
//  2. The page gives the hash to its own server, which asks for the session by its
//     workspace API key and the person's access token, and gets a code for that hash.
//  3. The page sends the browser to the backend with the code in a form (POST
//     /handover/code): there the session is made, its cookie set, and the person lands
//     on a page of the other app.
//
// Threat model. Whoever may have a code made for themselves would like to have it
// redeemed by somebody else, who would then work in the attacker's session (login
// CSRF, RFC 9700 section 4.7): so a code is worth nothing but in the browser that began
// (as PKCE binds a code to who asked, RFC 7636), and only a page of the workspace can
// make a browser begin: the request has to carry a registered Origin and a header that
// no form sends. The hash is for the app's own page and server alone: who knew a
// victim's could bind a code of their own to the victim's browser. Whoever reads a code
// lacks the cookie. A code is sealed, so that nobody makes or alters one, and counts
// once because the session that comes of it keeps its id, which is unique. It opens
// one app, one organization and one address, and is nothing where sessions, attempts
// or tokens are expected.
package handover

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/tabard-auth/tabard/backend/session"
)

// Lives, in seconds: of a code, and of a browser's beginning.
const (
	CodeLife  = 60
	BeginLife = 5 * 60
)

// Code is what a code says.
type Code struct {
	// ID is what the session that comes of it keeps as its attempt.
	ID string `json:"id"`
	// App is the app that it opens, and ReturnTo the address there.
	App      string `json:"app"`
	ReturnTo string `json:"return_to"`
	// Parent is the session of the app that the person comes from, and Organization the
	// id of what it acts for.
	Parent       string `json:"parent"`
	Organization string `json:"organization"`
	// Challenge is the hash of the browser's secret ([Beginning.Challenge]).
	Challenge string `json:"challenge"`
	// KeyID is the workspace API key that it was made by.
	KeyID   string `json:"key_id"`
	Expires int64  `json:"expires"` // Unix seconds
}

// Sealer encrypts and opens, bound to a context.
type Sealer interface {
	Seal(plain []byte, context string) string
	Open(sealed, context string) ([]byte, error)
}

// ErrCode refuses what is no code of this server, or one that is too old.
var ErrCode = errors.New("handover: no such code")

const codeContext = "code"

// NewCode makes the code of a session for a browser that began.
func NewCode(parent session.ID, organization, app, returnTo, challenge, keyID string, now int64) Code {
	return Code{
		ID: "handover_" + rand.Text(), App: app, ReturnTo: returnTo, Parent: parent.String(), Organization: organization,
		Challenge: challenge, KeyID: keyID, Expires: now + CodeLife,
	}
}

// Seal returns the code's text.
func (c Code) Seal(s Sealer) string { return seal(s, c, codeContext) }

// OpenCode reads a code's text. It does not tell whether it was used before.
func OpenCode(s Sealer, text string, now int64) (Code, error) {
	var c Code
	if !open(s, text, codeContext, &c) || c.Expires < now {
		return Code{}, ErrCode
	}
	return c, nil
}

// Beginning is what a browser that began keeps.
type Beginning struct {
	Secret  string `json:"secret"`
	Expires int64  `json:"expires"` // Unix seconds
}

// Begin draws a browser's secret.
func Begin(now int64) Beginning { return Beginning{rand.Text(), now + BeginLife} }

// Challenge is the hash of the secret (S256 of RFC 7636 section 4.2).
func (b Beginning) Challenge() string {
	sum := sha256.Sum256([]byte(b.Secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// ValidChallenge tells a text of the form of a challenge.
func ValidChallenge(text string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(raw) == sha256.Size && len(text) == base64.RawURLEncoding.EncodedLen(sha256.Size)
}

// Seal returns what the cookie keeps; context is the cookie's name.
func (b Beginning) Seal(s Sealer, context string) string { return seal(s, b, context) }

// Began tells whether the value of a cookie is the beginning that a code was made for.
func (c Code) Began(s Sealer, value, context string, now int64) bool {
	var b Beginning
	return open(s, value, context, &b) && b.Expires >= now &&
		subtle.ConstantTimeCompare([]byte(b.Challenge()), []byte(c.Challenge)) == 1
}

func seal(s Sealer, value any, context string) string {
	plain, err := json.Marshal(value)
	if err != nil { // strings and numbers always encode
		panic(err)
	}
	return s.Seal(plain, context)
}

func open(s Sealer, text, context string, into any) bool {
	plain, err := s.Open(text, context)
	return err == nil && json.Unmarshal(plain, into) == nil
}
