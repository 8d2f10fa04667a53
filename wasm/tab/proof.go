package tab

import (
	"strconv"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// device is what the tab has of this browser's key, if that has any.
type device struct {
	browser Device
	key     Key    // once it was had
	nonce   string // for the next proof, as the backend gave it
}

// mends tells whether a request that was refused for its proof is worth sending
// again, with a fresh one. A key that the backend does not know is looked up again:
// another tab may have had to make a new one.
func (d *device) canRetry(err *Error) bool {
	if d.browser == nil {
		return false
	}
	switch err.Code {
	case api.DeviceKeyRequired, api.DeviceKeyMismatch:
		if err.Action != api.SignIn {
			return false
		}
		d.key = nil
		return true
	case api.RequestTooOld, api.UseDPoPNonce, api.InvalidDPoPProof:
		return true
	}
	return false
}

// understood tells whom a missing device key is about. The session's own key is not
// missing from a request that proved a key, nor to a session that has none: then it
// is the organization that asks for a session with one, which a sign-in there
// brings. It ends nothing elsewhere.
func classifyKeyError(err *Error, proven bool, s *State) *Error {
	unbound := s.User.ID != "" && !s.DeviceBound
	if err.Code == api.DeviceKeyRequired && (proven || unbound) {
		err.Action = api.StepUp
	}
	return err
}

// deviceKey returns the browser's key for the backend, nil where it has none. What
// failed is tried again the next time.
func (t *Tab) deviceKey() Key {
	t.mu.Lock()
	key := t.device.key
	t.mu.Unlock()
	if key != nil || t.env.Device == nil {
		return key
	}
	key, err := t.env.Device.Key()
	if err != nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.device.key = key
	return key
}

// thumbprint is that of a key (RFC 7638), empty without one.
func thumbprint(d Device, key Key) string {
	if key == nil {
		return ""
	}
	digest, err := d.Digest(key.JWK())
	if err != nil {
		return ""
	}
	return base64url(digest)
}

// proof proves the device key for a request, and for the access token that goes
// along with it, if one does (RFC 9449 section 4.2). It is empty without a key.
func (t *Tab) proof(method, url, token string) string {
	key := t.deviceKey()
	if key == nil {
		return ""
	}
	t.mu.Lock()
	claims := t.clock.proofClaims(method, url, t.env.Random)
	nonce := t.device.nonce
	t.mu.Unlock()
	if token != "" {
		digest, err := t.env.Device.Digest(token)
		if err != nil {
			return ""
		}
		claims.text("ath", base64url(digest))
	} else if nonce != "" {
		claims.text("nonce", nonce)
	}
	text := base64url([]byte(`{"typ":"dpop+jwt","alg":"ES256","jwk":`+key.JWK()+`}`)) + "." + base64url([]byte(claims.end()))
	signature, err := key.Sign(text)
	if err != nil {
		return ""
	}
	return text + "." + base64url(signature)
}

// claims are those of a proof made now: in the server's time, where that is known.
func (c *clock) proofClaims(method, url string, random func() uint64) *object {
	now := c.serverTime()
	if now == 0 {
		now = int64(c.Wall() / time.Second)
	}
	o := newObject()
	o.text("jti", strconv.FormatUint(random(), 36)+strconv.FormatUint(random(), 36))
	o.text("htm", method)
	o.text("htu", url)
	o.number("iat", now)
	return o
}

// Proof proves the device key for a request to an API with an access token. The URL
// has no query and no fragment.
func (t *Tab) Proof(token, method, url string) (string, *Error) {
	proof := t.proof(method, url, token)
	if proof == "" {
		return "", unavailable("the device key cannot be had")
	}
	return proof, nil
}
