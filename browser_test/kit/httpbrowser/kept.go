package httpbrowser

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"net/http"
	"testing"
	"time"
)

// Kept is the state of a browser profile for one host, which a test writes to a file
// and another test reads.
type Kept struct {
	Cookies []KeptCookie `json:"cookies"`
	// Device is the private key as a JWK (RFC 7517), nil without a device key.
	Device map[string]string `json:"device,omitempty"`
}

// KeptCookie is one cookie of the jar.
type KeptCookie struct {
	Name     string `json:"name"`
	Value    string `json:"value"`
	SameSite string `json:"same_site"`
	Ends     int64  `json:"ends,omitempty"` // Unix seconds; 0: with the browser
}

var sameSites = map[http.SameSite]string{http.SameSiteStrictMode: "Strict", http.SameSiteLaxMode: "Lax", http.SameSiteNoneMode: "None"}

// Keep returns the browser's state for the backend's host.
func (b *Browser) Keep() Kept {
	b.t.Helper()
	kept := Kept{Cookies: []KeptCookie{}}
	for _, c := range b.jar.cookies {
		if c.host != b.parse(b.backend).Hostname() {
			continue
		}
		one := KeptCookie{Name: c.Name, Value: c.Value, SameSite: sameSites[c.SameSite]}
		if !c.ends.IsZero() {
			one.Ends = c.ends.Unix()
		}
		kept.Cookies = append(kept.Cookies, one)
	}
	if b.device != nil {
		kept.Device = b.device.privateJWK(b.t)
	}
	return kept
}

// Restore puts kept cookies into the browser's jar and returns the tab, which proves
// the device key if one was kept.
func (b *Browser) Restore(kept Kept) *Browser {
	b.t.Helper()
	for _, k := range kept.Cookies {
		c := &http.Cookie{Name: k.Name, Value: k.Value, Path: "/", Secure: true, HttpOnly: true}
		for mode, name := range sameSites {
			if name == k.SameSite {
				c.SameSite = mode
			}
		}
		if k.Ends != 0 {
			c.Expires = time.Unix(k.Ends, 0)
		}
		b.jar.keep(b.parse(b.backend), c, b.Now())
	}
	if kept.Device == nil {
		return b
	}
	return b.On(deviceOf(b.t, kept.Device["d"]))
}

// Receive stores the cookies of an answer to a copy of the browser, as if it arrived now.
func (b *Browser) Receive(r Response) {
	for _, c := range r.Cookies() {
		b.jar.keep(r.URL, c, b.Now())
	}
}

// deviceOf returns the device with the private key d.
func deviceOf(t testing.TB, d string) *Device {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(d)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return &Device{key: key}
}

func (d *Device) privateJWK(t testing.TB) map[string]string {
	t.Helper()
	raw, err := d.key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	jwk := map[string]string{"d": encode(raw)}
	for _, member := range []string{"kty", "crv", "x", "y"} {
		jwk[member] = d.JWK()[member].(string)
	}
	return jwk
}
