// Package jws holds what access tokens and DPoP proofs have in common as signed
// texts: the compact serialisation of a JWS (RFC 7515 section 7.1), read so that no
// two parsers could understand it differently.
package jws

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

// WellFormed refuses what is not three parts of up to most bytes together, and a
// header or payload that is not strict base64url or has a member named twice:
// parsers disagree about which one counts (RFC 8259 section 4).
func WellFormed(raw string, most int) error {
	if len(raw) > most || strings.Count(raw, ".") != 2 {
		return fmt.Errorf("it is not a JWS of up to %d bytes", most)
	}
	parts := strings.Split(raw, ".")
	for _, part := range parts[:2] {
		text, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil {
			return err
		}
		if name, twice := repeated(text); twice {
			return fmt.Errorf("member %s stands twice", name)
		}
	}
	return nil
}

// repeated returns the name, as it is written, of a member that an object of a JSON
// text has twice, at whatever depth. Of what is no JSON it may say anything.
func repeated(text []byte) (name string, twice bool) {
	objects := []map[string]bool{{}} // those that are open, the innermost last
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{':
			objects = append(objects, map[string]bool{})
		case '}':
			objects = objects[:max(len(objects)-1, 1)]
		case '"':
			start := i
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if rest := bytes.TrimLeft(text[min(i+1, len(text)):], " \t\r\n"); len(rest) == 0 || rest[0] != ':' {
				continue // a value
			}
			name, seen := unquote(text[start:i+1]), objects[len(objects)-1]
			if seen[name] {
				return name, true
			}
			seen[name] = true
		}
	}
	return "", false
}

// unquote returns what a JSON string stands for: a name may be spelt in several ways.
func unquote(text []byte) string {
	if bytes.IndexByte(text, '\\') < 0 && utf8.Valid(text) {
		return string(text[1 : len(text)-1])
	}
	var name string
	json.Unmarshal(text, &name) // what is no string fails with the rest of its text
	return name
}

// Unvalidated makes claims that embed it jwt.Claims which the library only decodes:
// whoever asks for them checks each, in one place and by one clock.
type Unvalidated struct{}

func (Unvalidated) GetExpirationTime() (*jwt.NumericDate, error) { return nil, nil }
func (Unvalidated) GetIssuedAt() (*jwt.NumericDate, error)       { return nil, nil }
func (Unvalidated) GetNotBefore() (*jwt.NumericDate, error)      { return nil, nil }
func (Unvalidated) GetIssuer() (string, error)                   { return "", nil }
func (Unvalidated) GetSubject() (string, error)                  { return "", nil }
func (Unvalidated) GetAudience() (jwt.ClaimStrings, error)       { return nil, nil }
