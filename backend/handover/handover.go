// Package handover brings a person's browser from one app of the workspace into another
// without a sign-in. It uses a code that is valid once, for a minute, in one browser.
//
//  1. A page of a registered app asks the backend to begin (POST /handover): it gets a
//     challenge, the MAC of the value that identifies the browser in a cookie that no
//     script reads. Sign-ins use the same value, so that a hand-over adds no cookie.
//  2. The page gives the challenge to its own server, which requests the session with its
//     workspace API key and the person's access token, and gets a code for it.
//  3. The page sends the browser to the backend with the code in a form (POST
//     /handover/code). The backend makes the session, sets its cookie, and redirects
//     to a page of the other app.
//
// Threat model. An attacker that obtains a code for their own session would like a
// victim to redeem it and to work in the attacker's session (login CSRF, RFC 9700
// section 4.7). A code is therefore only valid in the browser that began (as PKCE binds
// a code to its requester, RFC 7636). Only a page of the workspace can make a browser
// begin: the request needs a registered Origin and a header that no form sends. The
// challenge is for the app's own page and server only: with a victim's, an attacker
// could bind a code to the victim's browser. An attacker that reads a code lacks the
// cookie. A code is sealed, so that it cannot be forged or altered. It counts once,
// because the session keeps the code's id, which is unique. It is valid for one app,
// one organization and one address, and is not accepted as a session, attempt or token.
package handover

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"

	"github.com/tabard-auth/tabard/backend/session"
)

// Lifetimes, in seconds: of a code, and of a challenge.
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
	// Challenge names the browser that began ([Browsers.Begin]).
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

// Browsers are the MAC keys of challenges. The first one creates, all of them verify.
type Browsers [][]byte

// Begin returns a challenge for the browser with a value: the time, and a MAC of both.
func (k Browsers) Begin(browser []byte, now int64) string {
	at := binary.BigEndian.AppendUint32(nil, uint32(now))
	return base64.RawURLEncoding.EncodeToString(challenge(k[0], at, browser))
}

// Began reports whether a code was made for the browser with a value, which began no
// longer ago than BeginLife.
func (k Browsers) Began(c Code, browser []byte, now int64) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(c.Challenge)
	if err != nil || len(raw) != sha256.Size {
		return false
	}
	at := raw[:timeBytes]
	good := false
	for _, key := range k {
		good = hmac.Equal(raw, challenge(key, at, browser)) || good
	}
	return good && int64(binary.BigEndian.Uint32(at))+BeginLife >= now
}

const timeBytes = 4

func challenge(key, at, browser []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(at)
	h.Write(browser)
	return append(slices.Clone(at), h.Sum(nil)[:sha256.Size-timeBytes]...)
}

// ValidChallenge reports whether a text has the form of a challenge.
func ValidChallenge(text string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(raw) == sha256.Size && len(text) == base64.RawURLEncoding.EncodedLen(sha256.Size)
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
