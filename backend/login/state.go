package login

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
)

// Browser is what a browser's cookie says of it: 32 random bytes, and when they were
// drawn. One value serves all attempts of a browser, whatever it has under way.
type Browser [browserBytes]byte

const (
	browserSecret = 32
	browserBytes  = browserSecret + 4
)

// NewBrowser draws a browser's value. Now is in Unix seconds.
func NewBrowser(now int64) (b Browser) {
	rand.Read(b[:browserSecret]) // never fails
	binary.BigEndian.PutUint32(b[browserSecret:], uint32(now))
	return b
}

// ParseBrowser reads a cookie's value, and no other spelling of it.
func ParseBrowser(text string) (b Browser, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != browserBytes {
		return b, false
	}
	return Browser(raw), true
}

// String returns the cookie's value.
func (b Browser) String() string { return base64.RawURLEncoding.EncodeToString(b[:]) }

// MadeAt is when the value was drawn, in Unix seconds.
func (b Browser) MadeAt() int64 { return int64(binary.BigEndian.Uint32(b[browserSecret:])) }

// Fingerprint is what a session may keep of the browser: it leads to no value.
func (b Browser) Fingerprint() string {
	sum := sha256.Sum256(append([]byte("tabard browser\x00"), b[:]...))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// Sealer encrypts and opens a text, bound to a context.
type Sealer interface {
	Seal(plain []byte, context string) string
	Open(sealed, context string) ([]byte, error)
}

// Attempts seals attempts into the state parameter, and binds each to a browser.
//
// Threat model. The state stands in addresses: the provider, its logs and whoever the
// person shows an address to may read it, and anybody may begin an attempt of their own
// and bring its callback to somebody else's browser (RFC 9700 section 4.7). So it is
// sealed, and worth nothing without the browser's value, which is in a cookie that no
// script reads: the nonce and the PKCE verifier are made of both, and a code is not
// redeemed where the value does not fit. Nothing in it counts twice: see Attempt.ID.
type Attempts struct {
	Sealer Sealer
	// Keys are the server's for browsers: the first makes, all verify.
	Keys [][]byte
}

// MaxState is the longest state, in characters: providers and proxies bound addresses.
const MaxState = 700

// ErrStateTooLong refuses an attempt whose state would be longer than MaxState.
var ErrStateTooLong = errors.New("login: the sign-in attempt is too large for a state parameter")

const stateContext = "state"

// Bind binds an attempt to a browser and seals its state. What only makes the way more
// comfortable is left out where it would not fit.
func (s Attempts) Bind(a *Attempt, b Browser) error {
	a.browserMAC = s.derive(0, "browser", a.ID, b)[:16]
	s.secrets(a, 0, b)
	if s.seal(a); len(a.State) > MaxState {
		a.LoginHint = ""
		s.seal(a)
	}
	if len(a.State) > MaxState {
		return ErrStateTooLong
	}
	return nil
}

func (s Attempts) seal(a *Attempt) { a.State = s.Sealer.Seal(a.encode(), stateContext) }

// Open reads a state. An attempt older than AttemptLife comes with ErrAttemptTooOld.
func (s Attempts) Open(state string, now int64) (Attempt, error) {
	plain, err := s.Sealer.Open(state, stateContext)
	if err != nil {
		return Attempt{}, ErrAttempt
	}
	a, err := decodeAttempt(plain)
	if err != nil {
		return Attempt{}, ErrAttempt
	}
	if a.State = state; now-a.CreatedAt > AttemptLife {
		return a, ErrAttemptTooOld
	}
	return a, nil
}

// BoundTo reports whether a browser is the one that an attempt is bound to, and then gives the
// attempt its secrets.
func (s Attempts) BoundTo(a *Attempt, b Browser) bool {
	for i := range s.Keys {
		if hmac.Equal(a.browserMAC, s.derive(i, "browser", a.ID, b)[:16]) {
			s.secrets(a, i, b)
			return true
		}
	}
	return false
}

func (s Attempts) secrets(a *Attempt, key int, b Browser) {
	a.Nonce = base64.RawURLEncoding.EncodeToString(s.derive(key, "nonce", a.ID, b))
	a.Verifier = base64.RawURLEncoding.EncodeToString(s.derive(key, "verifier", a.ID, b))
}

// derive is HMAC-SHA-256 over a purpose, an attempt and a browser.
func (s Attempts) derive(key int, purpose, id string, b Browser) []byte {
	h := hmac.New(sha256.New, s.Keys[key])
	h.Write([]byte(purpose + "\x00" + id + "\x00"))
	h.Write(b[:])
	return h.Sum(nil)
}

// sealedAttempt is an attempt as it is encoded: DER, which costs two bytes a field.
type sealedAttempt struct {
	ID, BrowserMAC, JKT          []byte
	CreatedAt, MaxAge            int64 // MaxAge is -1 for none
	Flags                        int
	App, ReturnTo, Organization  string `asn1:"utf8"`
	Connection, Session          string `asn1:"utf8"`
	ACRValues, Prompt, LoginHint string `asn1:"utf8"`
}

const (
	flagChosen = 1 << iota
	flagProven
	flagRestarted
	flagConfirms
)

func (a *Attempt) encode() []byte {
	id, _ := attemptIDs.DecodeString(a.ID) // made by newAttemptID
	jkt, _ := base64.RawURLEncoding.DecodeString(a.JKT)
	sealed := sealedAttempt{
		ID: id, BrowserMAC: a.browserMAC, JKT: jkt, CreatedAt: a.CreatedAt, MaxAge: -1,
		App: a.App, ReturnTo: a.ReturnTo, Organization: a.Organization, Connection: a.Connection, Session: a.Session,
		ACRValues: valid(a.ACRValues), Prompt: valid(a.Prompt), LoginHint: valid(a.LoginHint),
	}
	if a.MaxAge != nil {
		sealed.MaxAge = *a.MaxAge
	}
	for flag, set := range map[int]bool{flagChosen: a.Chosen, flagProven: a.Proven, flagRestarted: a.Restarted, flagConfirms: a.Confirms} {
		if set {
			sealed.Flags |= flag
		}
	}
	plain, err := asn1.Marshal(sealed)
	if err != nil { // only for text that is no UTF-8
		panic(err)
	}
	return plain
}

// valid makes UTF-8 of what a request's parameter says.
func valid(parameter string) string { return strings.ToValidUTF8(parameter, "?") }

func decodeAttempt(plain []byte) (Attempt, error) {
	var sealed sealedAttempt
	if rest, err := asn1.Unmarshal(plain, &sealed); err != nil || len(rest) > 0 {
		return Attempt{}, ErrAttempt
	}
	a := Attempt{
		ID: attemptIDs.EncodeToString(sealed.ID), JKT: base64.RawURLEncoding.EncodeToString(sealed.JKT), CreatedAt: sealed.CreatedAt,
		App: sealed.App, ReturnTo: sealed.ReturnTo, Organization: sealed.Organization, Connection: sealed.Connection,
		Session: sealed.Session, ACRValues: sealed.ACRValues, Prompt: sealed.Prompt, LoginHint: sealed.LoginHint,
		Chosen: sealed.Flags&flagChosen != 0, Proven: sealed.Flags&flagProven != 0, Restarted: sealed.Flags&flagRestarted != 0, Confirms: sealed.Flags&flagConfirms != 0,
		browserMAC: sealed.BrowserMAC,
	}
	if sealed.MaxAge >= 0 {
		a.MaxAge = &sealed.MaxAge
	}
	return a, nil
}
