package signingkey

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Secret is the workspace's secret, the only value outside the database. Everything
// that must be safe from an attacker with a copy of the database is derived from it:
// the MAC of refresh tokens, the seal of sign-in attempts, the encryption of signing
// keys, the hashes in the logs.
//
// It holds several values during a replacement: the first is used to make values, all
// of them are accepted.
type Secret struct {
	values [][]byte
	epoch  string
}

// Purpose separates the keys derived from one secret.
type Purpose string

// The purposes.
const (
	ForRefreshTokens    Purpose = "refresh token"
	ForAttempts         Purpose = "sign-in attempt"
	ForBrowsers         Purpose = "browser of a sign-in"
	ForSigningKeys      Purpose = "signing key"
	ForUpstream         Purpose = "upstream identity token"
	ForProviderTokens   Purpose = "provider's refresh token" // sealed for its connection and issuer
	ForLogs             Purpose = "log hash"
	ForNonces           Purpose = "DPoP nonce"
	ForAPIKeys          Purpose = "API key"
	ForHandovers        Purpose = "hand-over"
	ForHandoverBrowsers Purpose = "browser of a hand-over"
	ForProbes           Purpose = "probe of a deployment"
	ForCSRF             Purpose = "CSRF token"
	ForConnections      Purpose = "connection's client secret" // sealed for its id
)

const secretBytes = 32

// ParseSecret reads a secret: one value a line, each the unpadded or padded base64
// (standard or URL alphabet) of at least 32 bytes. Empty lines and lines beginning with
// # are ignored, except the one that names the epoch.
func ParseSecret(text string) (Secret, error) {
	var s Secret
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if epoch, is := EpochOf(line); is {
			if s.epoch != "" && s.epoch != epoch {
				return Secret{}, errEpochs
			}
			s.epoch = epoch
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		line = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(line, "="))
		value, err := base64.RawURLEncoding.DecodeString(line)
		if err != nil || len(value) < secretBytes {
			return Secret{}, fmt.Errorf("line %d is not the base64 of at least %d bytes; `openssl rand -base64 %d` creates one", n, secretBytes, secretBytes)
		}
		s.values = append(s.values, value)
	}
	if len(s.values) == 0 {
		return Secret{}, fmt.Errorf("it contains no secret; `openssl rand -base64 %d` creates one", secretBytes)
	}
	return s, nil
}

// NewSecret makes a secret and returns it with its text, which ParseSecret reads.
func NewSecret() (Secret, string) {
	value := make([]byte, secretBytes)
	rand.Read(value)
	return Secret{values: [][]byte{value}}, base64.RawURLEncoding.EncodeToString(value)
}

// Derive returns the keys of a purpose (HKDF-SHA-256, RFC 5869), 32 bytes each, the key
// in use first.
func (s Secret) Derive(p Purpose) [][]byte {
	keys := make([][]byte, len(s.values))
	for i, value := range s.values {
		key, err := hkdf.Key(sha256.New, value, nil, "tabard "+string(p), sha256.Size)
		if err != nil { // only for more than 255 hashes
			panic(err)
		}
		keys[i] = key
	}
	return keys
}

// Sealer encrypts small values (AES-256-GCM). Reading or altering them takes the
// secret.
type Sealer struct {
	aeads []cipher.AEAD
}

// Sealer returns the sealer of a purpose.
func (s Secret) Sealer(p Purpose) Sealer {
	var sealer Sealer
	for _, key := range s.Derive(p) {
		block, err := aes.NewCipher(key)
		if err != nil { // only for a key of another length
			panic(err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			panic(err)
		}
		sealer.aeads = append(sealer.aeads, aead)
	}
	return sealer
}

// ErrSealed is the error for a value that was not sealed under the secret, or for
// another context.
var ErrSealed = errors.New("keys: not sealed under this secret")

// Seal encrypts plain, bound to context: it only opens with the same context. The
// result is base64url text.
func (s Sealer) Seal(plain []byte, context string) string {
	aead := s.aeads[0]
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	if _, err := io.ReadFull(rand.Reader, nonce); err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, []byte(context)))
}

// SealOver is Seal in place of a sealed value, or "": that stays if its content is the same,
// since a newly sealed one would count as a change.
func (s Sealer) SealOver(stored string, plain []byte, context string) string {
	if had, err := s.Open(stored, context); err == nil && string(had) == string(plain) {
		return stored
	}
	return s.Seal(plain, context)
}

// Open is the reverse of Seal.
func (s Sealer) Open(sealed, context string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return nil, ErrSealed
	}
	for _, aead := range s.aeads {
		if len(raw) < aead.NonceSize() {
			return nil, ErrSealed
		}
		nonce, box := raw[:aead.NonceSize()], raw[aead.NonceSize():]
		if plain, err := aead.Open(nil, nonce, box, []byte(context)); err == nil {
			return plain, nil
		}
	}
	return nil, ErrSealed
}

// Reseal returns a sealed value, resealed under the secret's first value, and whether
// it was under another before. A value that cannot be opened is returned unchanged.
func (s Sealer) Reseal(sealed, context string) (string, bool) {
	if _, err := (Sealer{s.aeads[:1]}).Open(sealed, context); err == nil {
		return sealed, false
	}
	plain, err := s.Open(sealed, context)
	if err != nil {
		return sealed, false
	}
	return s.Seal(plain, context), true
}

// Newest returns the secret with its first value only.
func (s Secret) Newest() Secret { return Secret{s.values[:1], s.epoch} }
