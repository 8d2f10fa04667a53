// Package dpop implements proof of possession (DPoP, RFC 9449): by the device key at
// the token endpoint, and by the key of a bound access token at a resource server.
package dpop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/tabard-auth/tabard/backend/jws"
	"github.com/tabard-auth/tabard/backend/strictjson"
)

// Proof is a DPoP proof with a valid signature (RFC 9449 section 4): its maker has the
// private key of JKT. It proves no more than that. The caller checks that it is for the
// request ([Proof.Covers]) and for the access token ([Proof.CoversToken]), that it is
// recent and carries the required nonce, that it was not used before ([Replays]), and
// that JKT is the expected key.
type Proof struct {
	JKT      string // the key's thumbprint (RFC 7638)
	ID       string // jti
	IssuedAt int64  // Unix seconds (iat)
	Nonce    string // may be empty

	method, address, tokenHash string // htm, htu, ath
}

// ErrProof is the error of an invalid proof. It says nothing about the session or the
// token of the request.
var ErrProof = errors.New("invalid DPoP proof")

const (
	proofType     = "dpop+jwt"
	maxProofBytes = 4 << 10
	maxProofID    = 128
	maxNumeric    = 1 << 53 // larger JSON numbers are not exact
)

// Parse reads the value of the DPoP header and checks its form and signature. Every
// error is ErrProof.
func Parse(raw string) (*Proof, error) {
	message, err := jws.Parse(raw, maxProofBytes)
	if err != nil {
		return nil, notProof("%v", err)
	}
	key, jkt, err := proofKey(message.Header)
	if err != nil {
		return nil, notProof("%v", err)
	}
	if err := message.Verify("ES256", key); err != nil { // a key in the proof does not fix the algorithm
		return nil, notProof("%v", err)
	}
	proof := &Proof{
		JKT: jkt, ID: message.Claims.Text("jti"), Nonce: message.Claims.Text("nonce"),
		method: message.Claims.Text("htm"), address: message.Claims.Text("htu"), tokenHash: message.Claims.Text("ath"),
	}
	at, err := strconv.ParseFloat(string(message.Claims.Value("iat")), 64)
	proof.IssuedAt = int64(at)
	switch {
	case proof.ID == "" || len(proof.ID) > maxProofID:
		return nil, notProof("jti must have 1 to %d bytes", maxProofID)
	case proof.method == "" || proof.address == "":
		return nil, notProof("htm or htu is missing")
	case err != nil || at < 1 || at > maxNumeric:
		return nil, notProof("iat is not in Unix seconds")
	}
	return proof, nil
}

func notProof(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrProof}, args...)...)
}

// privateMembers are the private members of a JWK (RFC 7518 section 6). A proof with
// one of them discloses its key and is refused.
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// proofKey returns the key in a proof's header and its thumbprint.
func proofKey(header strictjson.Object) (*ecdsa.PublicKey, string, error) {
	if header.Text("typ") != proofType {
		return nil, "", errors.New("typ is not " + proofType)
	}
	jwk := header.Object("jwk")
	if jwk.Text("kty") != "EC" || jwk.Text("crv") != "P-256" {
		return nil, "", errors.New("jwk is not a P-256 key")
	}
	for _, member := range privateMembers {
		if jwk.Value(member) != nil {
			return nil, "", errors.New("jwk has the private member " + member)
		}
	}
	x, y := jwk.Text("x"), jwk.Text("y")
	point := []byte{4} // uncompressed (SEC 1 section 2.3.3)
	for _, coordinate := range []string{x, y} {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(coordinate)
		if err != nil || len(raw) != 32 {
			return nil, "", errors.New("a coordinate of jwk is not the base64url of 32 bytes")
		}
		point = append(point, raw...)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, "", errors.New("jwk is not a point on P-256")
	}
	return key, digest(`{"crv":"P-256","kty":"EC","x":"` + x + `","y":"` + y + `"}`), nil
}

// digest returns the unpadded base64url of the SHA-256 of a text, the form of jkt and
// ath.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// IsThumbprint reports whether a text has the form of a key's thumbprint.
func IsThumbprint(text string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(raw) == sha256.Size && len(text) == base64.RawURLEncoding.EncodedLen(sha256.Size)
}

// Address returns the address that the proof is for (htu), as the client wrote it.
func (p *Proof) Address() string { return p.address }

// Covers checks that the proof is for a request: its method and its address as the
// client knows it. Query and fragment are ignored (RFC 9449 section 4.3).
func (p *Proof) Covers(method, address string) error {
	if p.method != method {
		return notProof("it is for another method")
	}
	if p.address == address {
		return nil
	}
	own, err := Normalized(address)
	if err != nil {
		return err
	}
	if theirs, err := Normalized(p.address); err != nil || theirs != own {
		return notProof("it is for another address")
	}
	return nil
}

// CoversToken checks that the proof is for an access token (ath).
func (p *Proof) CoversToken(raw string) error {
	if p.tokenHash != digest(raw) {
		return notProof("it is for another access token, or has no ath")
	}
	return nil
}

// Normalized returns an http address without query and fragment, in the form in which
// addresses are compared (RFC 3986 sections 6.2.2 and 6.2.3).
func Normalized(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || !plainHost(u.Host) || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
		return "", notProof("htu is not an http address")
	}
	u = (&url.URL{}).ResolveReference(u) // removes dot segments
	host := strings.ToLower(u.Host)
	if port := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]; u.Port() != "" {
		host = strings.TrimSuffix(host, port)
	}
	path := unescapeUnreserved(u.EscapedPath())
	if path == "" {
		path = "/"
	}
	return u.Scheme + "://" + strings.TrimSuffix(host, ":") + path, nil
}

// plainHost reports whether a host, with its port, is a name of unreserved characters or an
// IP address. RFC 3986 allows names sub-delimiters and escapes too, but no host of HTTP has
// one, and parsers of addresses differ about them.
func plainHost(host string) bool {
	name := host
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		name = host[:i] // url.Parse has found that digits follow, or nothing
	}
	if inner, v6 := strings.CutPrefix(name, "["); v6 { // url.Parse has found its end
		return len(inner) > 1 && strings.Trim(inner, "0123456789abcdefABCDEF:.") == "]"
	}
	for i := range len(name) {
		if !unreserved(name[i]) {
			return false
		}
	}
	return name != ""
}

// unescapeUnreserved decodes unreserved characters and writes all other
// percent-encodings in capitals.
func unescapeUnreserved(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] != '%' { // an escaped path has two digits after %
			b.WriteByte(path[i])
			continue
		}
		escaped := strings.ToUpper(path[i : i+3])
		if c, _ := url.PathUnescape(escaped); unreserved(c[0]) {
			escaped = c
		}
		b.WriteString(escaped)
		i += 2
	}
	return b.String()
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
