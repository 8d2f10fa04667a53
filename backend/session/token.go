package session

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
)

// Token is the content of a refresh token. It is self-contained: issuing one stores
// nothing. A Token is authentic, since it comes either from this server ([First],
// [Successor]) or from [Ring.Authenticate]. The value in a request is [Unverified]
// until then.
//
// Threat model. The text is a bearer secret: an attacker that reads it from the cookie
// jar, the wire or a log can present it, unless the session has a device key. Making a
// token takes two secrets that are kept apart: the [Ring]'s key, which is in no
// database, and the session's [Secret], which is in no configuration. Neither a stolen
// database, backup or replica nor the key alone is enough; both together are. Replacing
// a Secret invalidates every token of its session. Dropping a key from the Ring
// invalidates every token that it made. Id and issue time are not secret; the MAC is.
// The theft of a genuine token is detected by [Judge], not here.
type Token struct {
	Session ID
	// Gen counts the session's rotations.
	Gen int64
	ID  TokenID
	// Parent is the token that was presented for this one. It is zero in the first
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

// ErrMalformedToken refuses a text that is not the exact encoding of a token.
var ErrMalformedToken = errors.New("session: malformed refresh token")

// Unverified is a token in a request, before its MAC is checked. It may only be used to
// look up the row of its session.
type Unverified struct {
	raw [tokenSize]byte
}

// ParseToken reads the text form and accepts no other spelling of it. It does not check
// the MAC, since the session's Secret is in the row: read the row of
// [Unverified.Session], then call [Ring.Authenticate].
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

// Session returns the session that the token claims.
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

// body returns the encoding without the MAC.
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

// First returns a session's first token and the matching row. The id is a fresh
// [NewTokenID].
func First(session ID, id TokenID, now int64) (Token, Row) {
	return Token{Session: session, Gen: 1, ID: id, IssuedAt: now},
		Row{Gen: 1, Cur: id, CurAt: now, CurLast: now}
}

// FirstToken returns the token that First made, if no other one has become current.
func (s *Session) FirstToken() (Token, bool) {
	return Token{Session: s.ID, Gen: 1, ID: s.Cur, IssuedAt: s.CreatedAt}, s.Gen == 1
}

// Successor returns the token that follows the row's current one. Every call needs a
// fresh [NewTokenID]: if a successor could be obtained twice, a thief could stay in
// step with the victim.
func Successor(session ID, row Row, id TokenID, now int64) Token {
	return Token{Session: session, Gen: row.Gen + 1, ID: id, Parent: row.Cur, IssuedAt: now}
}
