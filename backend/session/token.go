package session

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
)

// Token is what a refresh token says. It is self-contained: nothing is stored
// when one is issued. A Token in hand is authentic, for it comes either from
// this server ([First], [Successor]) or out of [Ring.Authenticate]; what a
// request carries is [Unverified] until then.
//
// Threat model. The text is a bearer secret: whoever reads it out of the cookie
// jar, off the wire or out of a log can present it, unless the session has a
// device key. Making one takes two secrets, kept apart: the [Ring]'s key, which
// is in no database, and the session's [Secret], which is in no configuration.
// A stolen database, backup or replica makes no token, nor does the key alone;
// both together make any. A replaced Secret ends every token of its session; a
// key dropped from the Ring ends every token that it made. Id and issue time
// are not secret, the MAC is. Theft of a genuine token is not this type's to
// find: that is [Judge]'s.
type Token struct {
	Session ID
	// Gen counts the session's rotations.
	Gen int64
	ID  TokenID
	// Parent is the token that was presented for this one; zero in the first
	// generation.
	Parent TokenID
	// IssuedAt is in Unix seconds.
	IssuedAt int64
}

// The encoding, in order, in unpadded base64url; integers are big-endian:
//
//	version(1) key(3) session(16) gen(4) id(16) parent(16) issued at(8) MAC(32)
const (
	version    = 1
	bodySize   = 1 + keyIDSize + 16 + 4 + 16 + 16 + 8
	tokenSize  = bodySize + macSize
	tokenChars = tokenSize / 3 * 4
)

// ErrMalformedToken refuses a text that is not the one encoding of a token.
var ErrMalformedToken = errors.New("session: malformed refresh token")

// Unverified is a token as a request carries it, before its MAC is checked.
// All that may be done with it is to look up the row of its session.
type Unverified struct {
	raw [tokenSize]byte
}

// ParseToken reads the text form, and no other spelling of it. It checks no
// MAC, for the session's Secret is in the row: read the row of
// [Unverified.Session], then [Ring.Authenticate].
func ParseToken(text string) (Unverified, error) {
	var u Unverified
	if len(text) != tokenChars {
		return Unverified{}, ErrMalformedToken
	}
	n, err := base64.RawURLEncoding.Decode(u.raw[:], []byte(text))
	if err != nil || n != tokenSize || u.raw[0] != version {
		return Unverified{}, ErrMalformedToken
	}
	return u, nil
}

// Session is the session that the token claims.
func (u Unverified) Session() ID { return u.token().Session }

// Newer reports whether the token claims to be of a later generation than another of its
// session, or of the same one and issued later.
func (u Unverified) Newer(other Unverified) bool {
	a, b := u.token(), other.token()
	return cmp.Or(cmp.Compare(a.Gen, b.Gen), cmp.Compare(a.IssuedAt, b.IssuedAt), bytes.Compare(a.ID[:], b.ID[:])) > 0
}

// KeyID is the id of the key that the token claims, as [Ring.IDs] has it.
func (u Unverified) KeyID() string { return hex.EncodeToString(u.raw[1 : 1+keyIDSize]) }

func (u Unverified) token() Token {
	rest := u.raw[1+keyIDSize:]
	return Token{
		Session:  ID(rest[0:16]),
		Gen:      int64(binary.BigEndian.Uint32(rest[16:20])),
		ID:       TokenID(rest[20:36]),
		Parent:   TokenID(rest[36:52]),
		IssuedAt: int64(binary.BigEndian.Uint64(rest[52:60])),
	}
}

// body is the encoding without the MAC.
func (t Token) body(key keyID) []byte {
	b := make([]byte, 0, tokenSize)
	b = append(b, version)
	b = append(b, key[:]...)
	b = append(b, t.Session[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(t.Gen))
	b = append(b, t.ID[:]...)
	b = append(b, t.Parent[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(t.IssuedAt))
}

// First makes a session's first token and the row that goes with it. The id is
// a fresh [NewTokenID].
func First(session ID, id TokenID, now int64) (Token, Row) {
	return Token{Session: session, Gen: 1, ID: id, IssuedAt: now},
		Row{Gen: 1, Cur: id, CurAt: now, CurLast: now}
}

// Successor makes the token that follows the row's current one. Every call
// needs an id of its own, a fresh [NewTokenID]: a successor that could be had
// twice would let a thief walk in step with the victim.
func Successor(session ID, row Row, id TokenID, now int64) Token {
	return Token{Session: session, Gen: row.Gen + 1, ID: id, Parent: row.Cur, IssuedAt: now}
}
