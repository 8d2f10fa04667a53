package tab

import (
	"slices"
	"strconv"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// deviceKey returns the browser's key for the backend, nil where it has none. What
// failed is tried again the next time.
func (t *Tab) deviceKey() Key {
	t.mu.Lock()
	key := t.key
	t.mu.Unlock()
	if key != nil || t.world.Device == nil {
		return key
	}
	key, err := t.world.Device.Key()
	if err != nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.key = key
	return key
}

// thumbprint is that of the device key (RFC 7638), empty without one.
func (t *Tab) thumbprint() string {
	key := t.deviceKey()
	if key == nil {
		return ""
	}
	digest, err := t.world.Device.Digest(key.JWK())
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
	claims := t.claims(method, url)
	if token != "" {
		digest, err := t.world.Device.Digest(token)
		if err != nil {
			return ""
		}
		claims.text("ath", base64url(digest))
	} else if nonce := t.nonceNow(); nonce != "" {
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
func (t *Tab) claims(method, url string) *object {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock.serverTime()
	if now == 0 {
		now = int64(t.clock.Wall() / time.Second)
	}
	o := newObject()
	o.text("jti", strconv.FormatUint(t.world.Random(), 36)+strconv.FormatUint(t.world.Random(), 36))
	o.text("htm", method)
	o.text("htu", url)
	o.number("iat", now)
	return o
}

func (t *Tab) nonceNow() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.nonce
}

// mends tells whether a request that was refused for its proof is worth sending
// again, with a fresh one. A key that the backend does not know is looked up again:
// another tab may have had to make a new one.
func (t *Tab) mends(err *Error) bool {
	if t.world.Device == nil {
		return false
	}
	switch err.Code {
	case api.DeviceKeyRequired, api.DeviceKeyMismatch:
		if err.Action != api.SignIn {
			return false
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.key = nil
		return true
	case api.RequestTooOld, api.UseDPoPNonce, api.InvalidDPoPProof:
		return true
	}
	return false
}

// understood tells whom a missing device key is about. The session's own key is not
// missing from a request that proves a key, nor to a session that has none: then it
// is the organisation that asks for a session with one, which a sign-in there
// brings. It ends nothing elsewhere.
func (t *Tab) understood(err *Error, request Request) *Error {
	proven := slices.ContainsFunc(request.Headers, func(h [2]string) bool { return h[0] == api.HeaderProof })
	unbound := t.state.User.ID != "" && !t.state.DeviceBound
	if err.Code == api.DeviceKeyRequired && (proven || unbound) {
		err.Action = api.StepUp
	}
	return err
}

// Credential returns a living access token of an organisation, by id or slug, for a
// request to an API; empty is the one that the tab wears. rejected is a token that an
// API has refused, or empty: that one is not handed out again. A token that is bound to
// the device key comes after "DPoP " (RFC 9449 section 7.1): the request then carries
// [Tab.Proof] too. Only [Tab.Switch] enters an organisation that the person left.
func (t *Tab) Credential(organization, rejected string) (string, *Error) {
	h, err := t.token(organization, rejected)
	switch {
	case err != nil:
		return "", err
	case h.answer.TokenType == api.TokenTypeDPoP:
		return "DPoP " + h.answer.AccessToken, nil
	}
	return h.answer.AccessToken, nil
}

// Proof proves the device key for a request to an API with an access token. The URL
// has no query and no fragment.
func (t *Tab) Proof(token, method, url string) (string, *Error) {
	proof := t.proof(method, url, token)
	if proof == "" {
		return "", unreachable("the device key cannot be had")
	}
	return proof, nil
}

// base64url is the unpadded encoding of RFC 4648 section 5.
func base64url(raw []byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	b := make([]byte, 0, (len(raw)*4+2)/3)
	bits, n := uint(0), 0
	for _, c := range raw {
		bits, n = bits<<8|uint(c), n+8
		for ; n >= 6; n -= 6 {
			b = append(b, alphabet[bits>>(n-6)&63])
		}
	}
	if n > 0 {
		b = append(b, alphabet[bits<<(6-n)&63])
	}
	return string(b)
}
