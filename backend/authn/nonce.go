package authn

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/tabard-auth/tabard/backend/api"
)

// nonces are the keys of nonces for device proofs (RFC 9449 section 8). The first key
// issues nonces, all keys verify them. A nonce is a time and its MAC. Every replica can
// verify it, and nothing is stored.
type nonces [][]byte

// nonceLife is the lifetime of a nonce in seconds. It exceeds the interval between two
// requests of an active tab, so that a mint takes one request.
const nonceLife = 15 * 60

func (n nonces) issue(now int64) string { return makeNonce(n[0], now) }

// valid reports whether a replica issued the nonce at most nonceLife ago. The replica's
// clock may be slightly ahead.
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

// sendNonce sends the nonce for the client's next proof, if the workspace requires one.
func sendNonce(c *Request) {
	if c.Workspace.ProofNonce {
		c.W.Header().Set(api.HeaderNonce, c.nonces.issue(c.Now))
	}
}
