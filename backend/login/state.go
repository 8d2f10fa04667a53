package login

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
)

// Browser is a value that identifies a browser: 32 secret bytes and the time of their
// creation. It is stored in a cookie and serves all attempts of the browser.
type Browser [browserBytes]byte

const (
	browserSecret = 32
	browserBytes  = browserSecret + 4
)

// NewBrowser returns a new value. now is in Unix seconds.
func NewBrowser(now int64) (b Browser) {
	rand.Read(b[:browserSecret]) // never fails
	binary.BigEndian.PutUint32(b[browserSecret:], uint32(now))
	return b
}

// ParseBrowser parses a cookie's value. It accepts only the canonical encoding.
func ParseBrowser(text string) (b Browser, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != browserBytes {
		return b, false
	}
	return Browser(raw), true
}

// browserNoise is how many of the random bytes a value keeps that names a connection.
const browserNoise = 24

// NewBrowserAt returns a new value, which also authenticates the connection at whose
// provider the browser begins its first sign-in. See BeganAt.
func (s Attempts) NewBrowserAt(connection string, now int64) Browser {
	b := NewBrowser(now)
	copy(b[browserNoise:browserSecret], s.browserAt(0, connection, b))
	return b
}

// BeganAt reports whether a value was made for a sign-in at the connection's provider.
func (s Attempts) BeganAt(b Browser, connection string) bool {
	for i := range s.Keys {
		if hmac.Equal(b[browserNoise:browserSecret], s.browserAt(i, connection, b)) {
			return true
		}
	}
	return false
}

// browserAt returns the MAC of a connection and a value, without the bytes that the MAC
// takes.
func (s Attempts) browserAt(key int, connection string, b Browser) []byte {
	clear(b[browserNoise:browserSecret])
	return s.derive(key, "browser at", connection, b)[:browserSecret-browserNoise]
}

// String returns the cookie's value.
func (b Browser) String() string { return base64.RawURLEncoding.EncodeToString(b[:]) }

// MadeAt returns the time of creation, in Unix seconds.
func (b Browser) MadeAt() int64 { return int64(binary.BigEndian.Uint32(b[browserSecret:])) }

// Fingerprint returns a hash to store with sessions. It does not reveal the value.
func (b Browser) Fingerprint() string {
	sum := sha256.Sum256(append([]byte("tabard browser\x00"), b[:]...))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// Together returns bytes for the id of a session that sign-ins of a browser share. what
// says what they have in common. Nobody else can compute them.
func (s Attempts) Together(b Browser, what string) []byte { return s.derive(0, "together", what, b) }

// Sealer encrypts and decrypts a text, bound to a context.
type Sealer interface {
	Seal(plain []byte, context string) string
	Open(sealed, context string) ([]byte, error)
}

// Attempts seals attempts into the state parameter and binds each to a browser.
//
// Threat model. The state is part of URLs: the provider and its logs see it, and users
// may share it. An attacker can start an attempt and bring its callback to another
// user's browser (RFC 9700 section 4.7). The state is therefore encrypted, and useless
// without the browser value, which is in a cookie that scripts cannot read. The nonce
// and the PKCE verifier derive from both, and the code is not redeemed in another
// browser. An attempt succeeds once: see Attempt.ID.
type Attempts struct {
	Sealer Sealer
	// Keys are the MAC keys for browsers. The first one creates, all of them verify.
	Keys [][]byte
}

// MaxState is the maximum length of a state. Providers and proxies limit the length of
// URLs.
const MaxState = 700

// ErrStateTooLong is the error for an attempt whose state would exceed MaxState.
var ErrStateTooLong = errors.New("login: the sign-in attempt is too large for a state parameter")

const stateContext = "state"

// Bind binds an attempt to a browser and seals its state. It omits the login hint if
// the state would be too long with it.
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

// Open opens a state. An attempt older than AttemptLife is returned with
// ErrAttemptTooOld.
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

// BoundTo reports whether an attempt is bound to a browser. If so, it sets the
// attempt's secrets.
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
	nonce, verifier := "nonce", "verifier"
	if a.Renewed { // for another code
		nonce, verifier = "nonce again", "verifier again"
	}
	a.Nonce = base64.RawURLEncoding.EncodeToString(s.derive(key, nonce, a.ID, b))
	a.Verifier = base64.RawURLEncoding.EncodeToString(s.derive(key, verifier, a.ID, b))
}

// derive returns the HMAC-SHA-256 of a purpose, an attempt and a browser.
func (s Attempts) derive(key int, purpose, id string, b Browser) []byte {
	h := hmac.New(sha256.New, s.Keys[key])
	h.Write([]byte(purpose + "\x00" + id + "\x00"))
	h.Write(b[:])
	return h.Sum(nil)
}

// sealedAttempt is the encoding of an attempt. DER adds two bytes for each field.
type sealedAttempt struct {
	ID, BrowserMAC, JKT          []byte
	CreatedAt, MaxAge            int64 // MaxAge is -1 if absent
	Flags                        int
	App, ReturnTo, Organization  string `asn1:"utf8"`
	Connection, Session          string `asn1:"utf8"`
	ACRValues, Prompt, LoginHint string `asn1:"utf8"`
	// The release before ignores what follows.
	Account string `asn1:"utf8,optional"`
	People  []byte `asn1:"optional"`
}

const (
	flagChosen = 1 << iota
	flagProven
	flagRestarted
	flagConfirms
	flagSessionCookie
	flagStay
	flagRenewed

	// restartsShift is where Flags counts restarts after the first one, which is
	// flagRestarted: the release before this one had no others.
	restartsShift = 16
)

func (a *Attempt) encode() []byte {
	id, _ := attemptIDs.DecodeString(a.ID) // from newAttemptID
	jkt, _ := base64.RawURLEncoding.DecodeString(a.JKT)
	sealed := sealedAttempt{
		ID: id, BrowserMAC: a.browserMAC, JKT: jkt, CreatedAt: a.CreatedAt, MaxAge: -1,
		App: a.App, ReturnTo: a.ReturnTo, Organization: a.Organization, Connection: a.Connection, Session: a.Session,
		ACRValues: valid(a.ACRValues), Prompt: valid(a.Prompt), LoginHint: valid(a.LoginHint),
		Account: a.Account,
	}
	if len(a.People) > 0 {
		sealed.People = bytes.Join(a.People, nil)
	}
	if a.MaxAge != nil {
		sealed.MaxAge = *a.MaxAge
	}
	for flag, set := range map[int]bool{flagChosen: a.Chosen, flagProven: a.Proven, flagRestarted: a.Restarts > 0, flagConfirms: a.Confirms,
		flagSessionCookie: a.SessionCookie == "true", flagStay: a.SessionCookie == "false", flagRenewed: a.Renewed} {
		if set {
			sealed.Flags |= flag
		}
	}
	sealed.Flags |= max(0, a.Restarts-1) << restartsShift
	plain, err := asn1.Marshal(sealed)
	if err != nil { // only for invalid UTF-8
		panic(err)
	}
	return plain
}

// valid replaces invalid UTF-8 in a parameter.
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
		Chosen: sealed.Flags&flagChosen != 0, Proven: sealed.Flags&flagProven != 0, Confirms: sealed.Flags&flagConfirms != 0,
		Renewed: sealed.Flags&flagRenewed != 0, browserMAC: sealed.BrowserMAC, Account: sealed.Account,
		People: slices.Collect(slices.Chunk(sealed.People, personDigest)),
	}
	if sealed.Flags&flagRestarted != 0 {
		a.Restarts = 1 + sealed.Flags>>restartsShift
	}
	switch {
	case sealed.Flags&flagSessionCookie != 0:
		a.SessionCookie = "true"
	case sealed.Flags&flagStay != 0:
		a.SessionCookie = "false"
	}
	if sealed.MaxAge >= 0 {
		a.MaxAge = &sealed.MaxAge
	}
	return a, nil
}
