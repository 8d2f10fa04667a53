package isolationtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

type forgery struct{ name, token string }

// badTokens are no token, an expired one, and tokens that the organization's issuer did
// not sign. For a token that is not a JWT the only forgery is a truncated one.
func badTokens(by, of Tenant) []forgery {
	all := []forgery{{"no token", ""}, {"a truncated token", of.Token[:len(of.Token)-len(of.Token)/4]}}
	if of.Expired != "" {
		all = append(all, forgery{"an expired token", of.Expired})
	}
	if of.OtherAudience != "" {
		all = append(all, forgery{"a token of another audience", of.OtherAudience})
	}
	parts := strings.Split(of.Token, ".")
	if len(parts) != 3 {
		return all
	}
	payload := parts[1]
	own := strings.Split(by.Token, ".")
	all = append(all,
		forgery{"a token without a signature", parts[0] + "." + payload + "."},
		forgery{"a token of alg none", encode(`{"alg":"none","typ":"at+jwt"}`) + "." + payload + "."},
		forgery{"a token signed by a foreign key", signed(parts[0], payload)},
		forgery{"a token signed by a key that it names", signed(encode(`{"alg":"ES256","typ":"at+jwt","jku":"https://evil.example/jwks.json"}`), payload)})
	if len(own) == 3 {
		all = append(all, forgery{"its claims under its own token's signature", own[0] + "." + payload + "." + own[2]})
		if claims := renamed(own[1], by, of); claims != own[1] { // else it is the token itself
			all = append(all, forgery{"its own token, changed to name the organization", own[0] + "." + claims + "." + own[2]})
		}
	}
	return all
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// renamed returns claims that name the other organization.
func renamed(payload string, by, of Tenant) string {
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return payload
	}
	return encode(strings.ReplaceAll(string(text), by.Organization, of.Organization))
}

// signed signs by ES256, with an unpublished key.
func signed(header, payload string) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil { // the source of randomness never fails
		panic(err)
	}
	sum := sha256.Sum256([]byte(header + "." + payload))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		panic(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return header + "." + payload + "." + base64.RawURLEncoding.EncodeToString(signature)
}
