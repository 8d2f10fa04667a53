// Package handover brings a person's browser from one app of the workspace into another
// without a sign-in. It uses a code that is valid once, for a minute, in one browser.
//
//  1. A page of a registered app asks the backend to begin (POST /handover): the
//     browser gets a secret in a cookie that no script reads, the page its hash.
//  2. The page gives the hash to its own server, which requests the session with its
//     workspace API key and the person's access token, and gets a code for that hash.
//  3. The page sends the browser to the backend with the code in a form (POST
//     /handover/code). The backend makes the session, sets its cookie, and redirects
//     to a page of the other app.
//
// Threat model. An attacker that obtains a code for their own session would like a
// victim to redeem it and to work in the attacker's session (login CSRF, RFC 9700
// section 4.7). A code is therefore only valid in the browser that began (as PKCE binds
// a code to its requester, RFC 7636). Only a page of the workspace can make a browser
// begin: the request needs a registered Origin and a header that no form sends. The
// hash is for the app's own page and server only: with a victim's hash, an attacker
// could bind a code to the victim's browser. An attacker that reads a code lacks the
// cookie. A code is sealed, so that it cannot be forged or altered. It counts once,
// because the session keeps the code's id, which is unique. It is valid for one app,
// one organization and one address, and is not accepted as a session, attempt or token.
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

// Lifetimes, in seconds: of a code, and of the secret of a browser that began.
const (
	CodeLife  = 60
	BeginLife = 5 * 60
)

// Code is the content of a code.
type Code struct {
	// ID becomes the Attempt of the session that the code makes.
	ID string `json:"id"`
	// App is the app that it opens. ReturnTo is the address there.
	App      string `json:"app"`
	ReturnTo string `json:"return_to"`
	// Parent is the session of the app that the person comes from. Organization is the
	// id of the organization that it acts for.
	Parent       string `json:"parent"`
	Organization string `json:"organization"`
	// Challenge is the hash of the browser's secret ([Beginning.Challenge]).
	Challenge string `json:"challenge"`
	// KeyID is the workspace API key that requested it.
	KeyID   string `json:"key_id"`
	Expires int64  `json:"expires"` // Unix seconds
}

// Sealer encrypts and opens, bound to a context.
type Sealer interface {
	Seal(plain []byte, context string) string
	Open(sealed, context string) ([]byte, error)
}

// ErrCode refuses a text that is not a code of this server, or is too old.
var ErrCode = errors.New("handover: no such code")

const codeContext = "code"

// NewCode returns a code for a browser that began.
func NewCode(parent session.ID, organization, app, returnTo, challenge, keyID string, now int64) Code {
	return Code{
		ID: "handover_" + rand.Text(), App: app, ReturnTo: returnTo, Parent: parent.String(), Organization: organization,
		Challenge: challenge, KeyID: keyID, Expires: now + CodeLife,
	}
}

// Seal returns the code's text.
func (c Code) Seal(s Sealer) string { return seal(s, c, codeContext) }

// OpenCode reads a code's text. It does not check whether it was used before.
func OpenCode(s Sealer, text string, now int64) (Code, error) {
	var c Code
	if !open(s, text, codeContext, &c) || c.Expires < now {
		return Code{}, ErrCode
	}
	return c, nil
}

// Beginning is the content of the cookie of a browser that began.
type Beginning struct {
	Secret  string `json:"secret"`
	Expires int64  `json:"expires"` // Unix seconds
}

// Begin draws a browser's secret.
func Begin(now int64) Beginning { return Beginning{rand.Text(), now + BeginLife} }

// Challenge returns the hash of the secret (S256 of RFC 7636 section 4.2).
func (b Beginning) Challenge() string {
	sum := sha256.Sum256([]byte(b.Secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// ValidChallenge reports whether a text has the form of a challenge.
func ValidChallenge(text string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(raw) == sha256.Size && len(text) == base64.RawURLEncoding.EncodedLen(sha256.Size)
}

// Seal returns the cookie's value. context is the cookie's name.
func (b Beginning) Seal(s Sealer, context string) string { return seal(s, b, context) }

// Began reports whether a cookie's value is the beginning that the code was made for.
func (c Code) Began(s Sealer, value, context string, now int64) bool {
	var b Beginning
	return open(s, value, context, &b) && b.Expires >= now &&
		subtle.ConstantTimeCompare([]byte(b.Challenge()), []byte(c.Challenge)) == 1
}

func seal(s Sealer, value any, context string) string {
	plain, err := json.Marshal(value)
	if err != nil { // strings and numbers can always be encoded
		panic(err)
	}
	return s.Seal(plain, context)
}

func open(s Sealer, text, context string, into any) bool {
	plain, err := s.Open(text, context)
	return err == nil && json.Unmarshal(plain, into) == nil
}
