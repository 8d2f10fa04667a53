package tab

import (
	"strconv"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// device is the browser's key as the tab uses it.
type device struct {
	browser Device
	keys    map[string]Key // by name, as far as they were read
	nonce   string         // for the next proof, from the backend
}

// canRetry reports whether a request whose proof was refused is worth one retry with a
// new proof. A key that the backend does not know is read again, because another tab
// may have replaced it.
func (d *device) canRetry(err *Error) bool {
	if d.browser == nil {
		return false
	}
	switch err.Code {
	case api.DeviceKeyRequired, api.DeviceKeyMismatch:
		if err.Action != api.SignIn {
			return false
		}
		d.keys = map[string]Key{}
		return true
	}
	return err.wantsProof()
}

// wantsProof reports whether a request may be good with a new proof.
func (e *Error) wantsProof() bool {
	return e.Code == api.RequestTooOld || e.Code == api.UseDPoPNonce || e.Code == api.InvalidDPoPProof
}

// classifyKeyError decides what a missing device key means. If the request proved a
// key, or the session has none, the session itself is fine: the organization demands a
// session with a key, which a step-up brings, and no other organization is affected.
func classifyKeyError(err *Error, proven bool, s *State) *Error {
	unbound := s.User.ID != "" && !s.DeviceBound
	if err.Code == api.DeviceKeyRequired && (proven || unbound) {
		err.Action = api.StepUp
	}
	return err
}

// deviceKey returns the browser's key of a name for the backend; nil if there is none. A
// failure is retried at the next call.
func (t *Tab) deviceKey(name string) Key {
	t.mu.Lock()
	key := t.device.keys[name]
	t.mu.Unlock()
	if key != nil || t.env.Device == nil {
		return key
	}
	key, err := t.env.Device.Key(name)
	if err != nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.device.keys[name] = key
	return key
}

// thumbprint returns the thumbprint of a key (RFC 7638); empty without a key.
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

// proof returns a proof by the device key of a name for a request, and for the access token
// that it carries, if any (RFC 9449 section 4.2). It is empty without a key.
func (t *Tab) proof(name, method, url, token string) string {
	key := t.deviceKey(name)
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

// proofClaims returns the claims of a new proof, in the server's time if it is known.
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

// Proof returns a proof by the device key for a request to an API with an access token.
// The URL has no query and no fragment.
func (t *Tab) Proof(token, method, url string) (string, *Error) {
	t.mu.Lock()
	name := t.keyNames(&call{})[0]
	t.mu.Unlock()
	proof := t.proof(name, method, url, token)
	if proof == "" {
		return "", unavailable("the device key cannot be read")
	}
	return proof, nil
}
