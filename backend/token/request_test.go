package token_test

import (
	"errors"
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

const (
	api = "https://api.example.com"
	// noToken stands for token.ErrNoToken, which has no reason.
	noToken token.Reason = "no token"
)

func newResource(t *testing.T, configure ...func(*token.Config)) *resource {
	t.Helper()
	private, public := newKey(t)
	r := &resource{T: t, device: httpbrowser.NewDevice(t), now: now}
	config := token.Config{
		Issuer: issuer, Audience: audience, Keys: keyRing{"k1": public},
		BaseURL: api, Now: func() time.Time { return r.now },
	}
	for _, f := range configure {
		f(&config)
	}
	var err error
	if r.verifier, err = token.NewVerifier(config); err != nil {
		t.Fatal(err)
	}
	c := claims()
	r.plain = sign(t, c, private)
	c.Confirmation = &token.Confirmation{JKT: r.device.Thumbprint()}
	r.bound = sign(t, c, private)
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
	if (claims == nil) != (err != nil) || err != nil && token.ReasonOf(err) == "" && !errors.Is(err, token.ErrNoToken) {
		r.Fatalf("%+v, %v", claims, err)
	}
	if errors.Is(err, token.ErrNoToken) {
		return noToken
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
		"no token":                  {noToken, nil},
		"two tokens":                {noToken, []string{"Authorization", "DPoP " + r.bound, "Authorization", "Bearer " + r.plain, "DPoP", r.proof()}},
		"another scheme":            {noToken, []string{"Authorization", "Basic " + r.bound, "DPoP", r.proof()}},
		"a scheme alone":            {noToken, []string{"Authorization", "DPoP ", "DPoP", r.proof()}},
		"a token alone":             {noToken, []string{"Authorization", r.bound, "DPoP", r.proof()}},
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
	_, err = r.verifier.VerifyFor(t.Context(), r.bound, "org_acme")
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
		if _, err := token.NewVerifier(token.Config{Issuer: "i", Audience: "a", Keys: keyRing{}, BaseURL: base}); err == nil {
			t.Errorf("%q is taken", base)
		}
	}
}

func TestARefusedProofIsToldInItsScheme(t *testing.T) {
	for reason, want := range map[token.Reason]string{
		token.InvalidProof:  `DPoP error="invalid_dpop_proof", algs="ES256"`,
		token.ProofRequired: `DPoP error="invalid_token", error_description="proof_required", algs="ES256"`,
	} {
		answer := httptest.NewRecorder()
		token.Refuse(answer, &token.Error{Reason: reason})
		if got := answer.Header().Get("WWW-Authenticate"); got != want || answer.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", reason, answer.Code, got)
		}
	}
}
