//go:build !js

package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/tabard-auth/tabard/backend/jws"
)

// parseKeySet reads the signature keys of a set. It ignores a key of an unknown type
// (RFC 7517 section 5), one without an id or an algorithm, one that does not fit its
// algorithm, and all members of a key that are not needed: one bad key costs that key. A set
// without usable keys is an error and replaces nothing. @tabard/server reads sets alike, by
// the table in js/server/vectors/keysets.json.
func parseKeySet(text []byte) (map[string]PublicKey, error) {
	var set publishedKey
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, err
	}
	var all []json.RawMessage
	if json.Unmarshal(set["keys"], &all) != nil || all == nil {
		all = []json.RawMessage{text} // a key alone
	}
	keys := map[string]PublicKey{}
	for _, each := range all {
		var published publishedKey
		if json.Unmarshal(each, &published) != nil {
			continue
		}
		kid, alg := published.text("kid"), published.text("alg")
		if _, has := published["use"]; kid == "" || !jws.Supported(alg) || has && published.text("use") != "sig" {
			continue
		}
		if key, err := published.publicKey(alg); err == nil {
			keys[kid] = PublicKey{Algorithm: alg, Key: key}
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("it has no signature key")
	}
	return keys, nil
}

// publishedKey is the members of a key.
type publishedKey map[string]json.RawMessage

// text returns a member, and "" if it is no text.
func (p publishedKey) text(name string) (text string) {
	if json.Unmarshal(p[name], &text) != nil {
		return ""
	}
	return text
}

var errUnfit = errors.New("the key does not fit its algorithm")

// rsaLeast is the least size of an RSA key in bytes, and rsaLongestExponent that of its
// exponent (RFC 7518 section 3.3; crypto/rsa takes no longer one).
const rsaLeast, rsaLongestExponent = 2048 / 8, 4

// publicKey returns the key for an algorithm (RFC 7518 sections 3 and 6, RFC 8037 section
// 3.1). Its numbers are written in one way: base64url without padding, of the curve's size or
// without zeros in front.
func (p publishedKey) publicKey(algorithm string) (crypto.PublicKey, error) {
	kind, curve := p.text("kty"), p.text("crv")
	needed := map[string]string{"kty": kind}
	copied := func(fits bool, names ...string) bool {
		for _, name := range names {
			needed[name] = p.text(name)
		}
		return fits
	}
	fits := false
	switch algorithm {
	case "ES256":
		fits = copied(kind == "EC" && curve == "P-256" && len(p.number("x")) == 32 && len(p.number("y")) == 32, "crv", "x", "y")
	case "EdDSA":
		fits = copied(kind == "OKP" && curve == "Ed25519" && len(p.number("x")) == ed25519.PublicKeySize, "crv", "x")
	case "RS256":
		n, e := p.number("n"), p.number("e")
		fits = copied(kind == "RSA" && odd(n) && odd(e) && len(n) >= rsaLeast && (len(n) > rsaLeast || n[0] >= 0x80) &&
			len(e) <= rsaLongestExponent && (len(e) < rsaLongestExponent || e[0] < 0x80) && (len(e) > 1 || e[0] > 1), "n", "e")
	}
	if !fits {
		return nil, errUnfit
	}
	text, err := json.Marshal(needed)
	if err != nil {
		return nil, err
	}
	parsed, err := jwk.ParseKey(text)
	if err != nil {
		return nil, err
	}
	return raw(parsed)
}

// raw returns a key as the standard library has it. A point that is not on the curve is none.
func raw(parsed jwk.Key) (crypto.PublicKey, error) {
	var key crypto.PublicKey
	if err := parsed.Raw(&key); err != nil {
		return nil, err
	}
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		_, err := key.ECDH()
		return key, err
	case *rsa.PublicKey, ed25519.PublicKey:
		return key, nil
	}
	return nil, errUnfit
}

// number returns the bytes of a member in strict base64url, and none if it is written
// otherwise.
func (p publishedKey) number(name string) []byte {
	text := p.text(name)
	bytes, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || base64.RawURLEncoding.EncodeToString(bytes) != text { // it skips line ends
		return nil
	}
	return bytes
}

// odd reports whether a number is odd and has no zeros in front.
func odd(number []byte) bool {
	return len(number) > 0 && number[0] != 0 && number[len(number)-1]%2 == 1
}
