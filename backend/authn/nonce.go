package authn

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/tabard-auth/tabard/backend/api"
)

// nonces are the keys of the server's nonces for proofs (RFC 9449 section 8), the
// one that makes first. A nonce is a time and its MAC: every replica knows the
// others', and nothing is kept.
type nonces [][]byte

// nonceLife is how long a nonce is good, in seconds: longer than between two
// requests of a steady tab, so that a mint stays one request.
const nonceLife = 15 * 60

func (n nonces) issue(now int64) string { return makeNonce(n[0], now) }

// valid tells whether a nonce was made at most nonceLife ago; by a replica's clock,
// which may be a little ahead.
func (n nonces) valid(nonce string, now int64) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(raw) < 8 {
		return false
	}
	made := int64(binary.BigEndian.Uint64(raw))
	if made > now+requestLimits.Slack || now-made > nonceLife {
		return false
	}
	for _, key := range n {
		if hmac.Equal([]byte(nonce), []byte(makeNonce(key, made))) {
			return true
		}
	}
	return false
}

func makeNonce(key []byte, made int64) string {
	raw := binary.BigEndian.AppendUint64(nil, uint64(made))
	mac := hmac.New(sha256.New, key)
	mac.Write(raw)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(raw))
}

// sendNonce gives the client the nonce for its next proof, where the workspace
// demands one.
func sendNonce(c *Request) {
	if c.Workspace.ProofNonce {
		c.W.Header().Set(api.HeaderNonce, c.nonces.issue(c.Now))
	}
}
