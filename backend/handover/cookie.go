package handover

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// Beginning is the content of the cookie of a browser that began at a replica of the
// previous release, or that a replica of that release must know. It is set while an
// upgrade may go on, and read for one release.
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

// Seal returns the cookie's value. context is the cookie's name.
func (b Beginning) Seal(s Sealer, context string) string { return seal(s, b, context) }

// Began reports whether a cookie's value is the beginning that the code was made for.
func (c Code) Began(s Sealer, value, context string, now int64) bool {
	var b Beginning
	return open(s, value, context, &b) && b.Expires >= now &&
		subtle.ConstantTimeCompare([]byte(b.Challenge()), []byte(c.Challenge)) == 1
}
