package resource_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

const (
	api = "https://api.example.com"
	// noToken stands for resource.ErrNoToken, which has no reason.
	noToken token.Reason = "no token"
)

// guarded is an API with its guard and issuer, and a device with a token bound to it.
type guarded struct {
	*testing.T
	private      *ecdsa.PrivateKey
	verifier     *token.Verifier
	guard        *resource.Guard
	device       *httpbrowser.Device
	bound, plain string
	now          time.Time
	away         error // error of the key source
	records      []resource.Record
}

func newGuarded(t *testing.T, configure ...func(*resource.Config)) *guarded {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := &guarded{T: t, private: private, device: httpbrowser.NewDevice(t), now: time.Unix(1_800_000_000, 0)}
	w.verifier, err = token.NewVerifier(token.Config{
		Issuer: "https://app.example.com/auth", Audience: api, Keys: w, Now: func() time.Time { return w.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	config := resource.Config{
		BaseURL: api,
		Record:  func(_ context.Context, r resource.Record) { w.records = append(w.records, r) },
	}
	for _, f := range configure {
		f(&config)
	}
	if w.guard, err = resource.NewGuard(w.verifier, config); err != nil {
		t.Fatal(err)
	}
	w.plain = w.token()
	w.bound = w.token(func(c *token.Claims) { c.Confirmation = &token.Confirmation{JKT: w.device.Thumbprint()} })
	return w
}

// PublicKey makes the guarded its issuer's key source.
func (w *guarded) PublicKey(_ context.Context, kid string) (token.PublicKey, error) {
	if w.away != nil {
		return token.PublicKey{}, w.away
	}
	if kid != "k1" {
		return token.PublicKey{}, token.ErrUnknownKey
	}
	return token.PublicKey{Algorithm: "ES256", Key: &w.private.PublicKey}, nil
}

// token signs Acme's token, changed.
func (w *guarded) token(change ...func(*token.Claims)) string {
	w.Helper()
	c := &token.Claims{
		Issuer: "https://app.example.com/auth", Subject: "usr_1", Audience: []string{api},
		IssuedAt: w.now.Unix(), Expires: w.now.Unix() + 300, ID: "jti", ClientID: "app", SessionID: "ses_1",
		OrganizationID: "org_acme", OrganizationSlug: "acme", Permissions: []string{"notes:read"},
		AuthTime: w.now.Unix() - 60, ACR: "urn:pwd",
	}
	for _, f := range change {
		f(c)
	}
	raw, err := c.Sign(token.SigningKey{ID: "k1", Algorithm: "ES256", Private: w.private}, nil)
	if err != nil {
		w.Fatal(err)
	}
	return raw
}

// proof returns a valid one for GET /notes and the bound token.
func (w *guarded) proof() string {
	w.Helper()
	return w.device.Proof(w, "GET", api+"/notes", w.now, w.bound)
}

// get requests /notes?a=1 with headers, given as names and values in turn. Its Host is
// false.
func (w *guarded) get(header ...string) token.Reason {
	w.Helper()
	claims, err := w.guard.VerifyRequest(request("https://evil.example/notes?a=1", header...))
	if (claims == nil) != (err != nil) || err != nil && token.ReasonOf(err) == "" && !errors.Is(err, resource.ErrNoToken) {
		w.Fatalf("%+v, %v", claims, err)
	}
	if errors.Is(err, resource.ErrNoToken) {
		return noToken
	}
	return token.ReasonOf(err)
}

func request(address string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, address, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func (w *guarded) wants(got, want token.Reason) {
	w.Helper()
	if got != want {
		w.Errorf("refused as %q, want %q", got, want)
	}
}
