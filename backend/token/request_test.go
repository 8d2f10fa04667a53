package token_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/httpbrowser"
)

// resource is an API with its verifier, and a device that has a token bound to it.
type resource struct {
	*testing.T
	verifier     *token.Verifier
	device       *httpbrowser.Device
	bound, plain string
	now          time.Time
}

// oneKey is an issuer with one key.
type oneKey struct{ key *ecdsa.PublicKey }

func (k oneKey) PublicKey(context.Context, string) (token.PublicKey, error) {
	return token.PublicKey{Algorithm: "ES256", Key: k.key}, nil
}

const api = "https://api.example.com"

func newResource(t *testing.T, configure ...func(*token.Config)) *resource {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r := &resource{T: t, device: httpbrowser.NewDevice(t), now: time.Unix(now, 0)}
	config := token.Config{
		Issuer: "https://app.example.com/auth", Audience: "api", Keys: oneKey{&private.PublicKey},
		BaseURL: api, Now: func() time.Time { return r.now },
	}
	for _, f := range configure {
		f(&config)
	}
	if r.verifier, err = token.NewVerifier(config); err != nil {
		t.Fatal(err)
	}
	sign := func(confirmation *token.Confirmation) string {
		claims := token.Claims{
			Issuer: config.Issuer, Subject: "usr_a", Audience: []string{"api"}, Expires: now + 3600, IssuedAt: now,
			ID: "jti", OrganizationID: "org_a", Confirmation: confirmation,
		}
		signed, err := claims.Sign(token.SigningKey{ID: "k", Algorithm: "ES256", Private: private}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	r.plain, r.bound = sign(nil), sign(&token.Confirmation{JKT: r.device.Thumbprint()})
	return r
}

// proof is a good one for GET /notes and the bound token.
func (r *resource) proof() string {
	r.Helper()
	return r.device.Proof(r, "GET", api+"/notes", r.now, r.bound)
}

// get asks for /notes?a=1 with headers, given as name and value in turn; Host lies.
func (r *resource) get(header ...string) token.Reason {
	r.Helper()
	request := httptest.NewRequest(http.MethodGet, "https://evil.example/notes?a=1", nil)
	for i := 0; i < len(header); i += 2 {
		request.Header.Add(header[i], header[i+1])
	}
	claims, err := r.verifier.VerifyRequest(request)
	if (claims == nil) != (err != nil) || err != nil && token.ReasonOf(err) == "" {
		r.Fatalf("%+v, %v", claims, err)
	}
	return token.ReasonOf(err)
}

func (r *resource) wants(got, want token.Reason) {
	r.Helper()
	if got != want {
		r.Errorf("refused as %q, want %q", got, want)
	}
}

func TestABoundTokenIsGoodWithItsKeysProof(t *testing.T) {
	r := newResource(t)
	r.wants(r.get("Authorization", "DPoP "+r.bound, "DPoP", r.proof()), "")
	r.wants(r.get("Authorization", "dpop "+r.bound, "DPoP", r.proof()), "")
	r.wants(r.get("Authorization", "Bearer "+r.plain), "")
	r.wants(r.get("Authorization", "bearer "+r.plain, "DPoP", "ignored"), "")
}

func TestABoundTokenIsWorthlessWithoutItsKeysProof(t *testing.T) {
	r := newResource(t)
	other := httpbrowser.NewDevice(t)
	used := r.proof()
	r.wants(r.get("Authorization", "DPoP "+r.bound, "DPoP", used), "")
	for name, c := range map[string]struct {
		want    token.Reason
		headers []string
	}{
		"downgraded to Bearer":      {token.ProofRequired, []string{"Authorization", "Bearer " + r.bound}},
		"downgraded, with proof":    {token.ProofRequired, []string{"Authorization", "Bearer " + r.bound, "DPoP", r.proof()}},
		"no proof":                  {token.InvalidProof, []string{"Authorization", "DPoP " + r.bound}},
		"two proofs":                {token.InvalidProof, []string{"Authorization", "DPoP " + r.bound, "DPoP", r.proof(), "DPoP", r.proof()}},
		"no real proof":             {token.InvalidProof, []string{"Authorization", "DPoP " + r.bound, "DPoP", "a.b.c"}},
		"a proof used before":       {token.InvalidProof, []string{"Authorization", "DPoP " + r.bound, "DPoP", used}},
		"another key's proof":       {token.InvalidProof, []string{"Authorization", "DPoP " + r.bound, "DPoP", other.Proof(t, "GET", api+"/notes", r.now, r.bound)}},
		"a proof for no token":      {token.InvalidProof, []string{"Authorization", "DPoP " + r.bound, "DPoP", r.device.Proof(t, "GET", api+"/notes", r.now)}},
		"a proof for another token": {token.InvalidProof, []string{"Authorization", "DPoP " + r.bound, "DPoP", r.device.Proof(t, "GET", api+"/notes", r.now, r.plain)}},
		"another method's":          {token.InvalidProof, []string{"Authorization", "DPoP " + r.bound, "DPoP", r.device.Proof(t, "POST", api+"/notes", r.now, r.bound)}},
		"another path's":            {token.InvalidProof, []string{"Authorization", "DPoP " + r.bound, "DPoP", r.device.Proof(t, "GET", api+"/keys", r.now, r.bound)}},
		"the lying host's":          {token.InvalidProof, []string{"Authorization", "DPoP " + r.bound, "DPoP", r.device.Proof(t, "GET", "https://evil.example/notes", r.now, r.bound)}},
		"an old proof":              {token.InvalidProof, []string{"Authorization", "DPoP " + r.bound, "DPoP", r.device.Proof(t, "GET", api+"/notes", r.now.Add(-90*time.Second), r.bound)}},
		"a proof of the future":     {token.InvalidProof, []string{"Authorization", "DPoP " + r.bound, "DPoP", r.device.Proof(t, "GET", api+"/notes", r.now.Add(31*time.Second), r.bound)}},
		"an unbound token as DPoP":  {token.InvalidProof, []string{"Authorization", "DPoP " + r.plain, "DPoP", r.device.Proof(t, "GET", api+"/notes", r.now, r.plain)}},
		"no token":                  {token.NoToken, nil},
		"two tokens":                {token.NoToken, []string{"Authorization", "DPoP " + r.bound, "Authorization", "Bearer " + r.plain, "DPoP", r.proof()}},
		"another scheme":            {token.NoToken, []string{"Authorization", "Basic " + r.bound, "DPoP", r.proof()}},
		"a scheme alone":            {token.NoToken, []string{"Authorization", "DPoP ", "DPoP", r.proof()}},
		"a token alone":             {token.NoToken, []string{"Authorization", r.bound, "DPoP", r.proof()}},
		"a forged token":            {token.BadSignature, []string{"Authorization", "DPoP " + r.bound[:len(r.bound)-4] + "AAAA", "DPoP", r.proof()}},
	} {
		t.Run(name, func(t *testing.T) {
			on := *r
			on.T = t
			on.wants(on.get(c.headers...), c.want)
		})
	}
	r.wants(r.get("Authorization", "DPoP "+r.bound, "DPoP", r.proof()), "")
}

// A service that hands the token alone to Verify never takes one that was stolen
// without its key.
func TestABoundTokenDoesNotAuthoriseByItself(t *testing.T) {
	r := newResource(t)
	_, err := r.verifier.Verify(t.Context(), r.bound)
	r.wants(token.ReasonOf(err), token.ProofRequired)
	_, err = r.verifier.VerifyFor(t.Context(), r.bound, "org_a")
	r.wants(token.ReasonOf(err), token.ProofRequired)
	if claims, err := r.verifier.Inspect(t.Context(), r.bound); err != nil || claims.Confirmation.JKT != r.device.Thumbprint() {
		t.Errorf("%+v, %v", claims, err)
	}
}

func TestABoundTokenIsRefusedWhereItsProofCannotBeCompared(t *testing.T) {
	r := newResource(t, func(c *token.Config) { c.BaseURL = "" })
	r.wants(r.get("Authorization", "DPoP "+r.bound, "DPoP", r.proof()), token.InvalidProof)
	r.wants(r.get("Authorization", "Bearer "+r.plain), "")
}

func TestAnExpiredBoundTokenIsExpired(t *testing.T) {
	r := newResource(t)
	r.now = r.now.Add(2 * time.Hour)
	r.wants(r.get("Authorization", "DPoP "+r.bound, "DPoP", r.proof()), token.Expired)
}

func TestABaseURLIsAnAddress(t *testing.T) {
	for _, base := range []string{"api.example.com", "/api", "ftp://api.example.com", "https://u@api.example.com"} {
		if _, err := token.NewVerifier(token.Config{Issuer: "i", Audience: "a", Keys: oneKey{}, BaseURL: base}); err == nil {
			t.Errorf("%q is taken", base)
		}
	}
}
