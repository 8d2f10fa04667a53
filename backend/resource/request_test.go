package resource_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

func TestABoundTokenIsGoodWithItsKeysProof(t *testing.T) {
	w := newGuarded(t)
	w.wants(w.get("Authorization", "DPoP "+w.bound, "DPoP", w.proof()), "")
	w.wants(w.get("Authorization", "dpop "+w.bound, "DPoP", w.proof()), "")
	w.wants(w.get("Authorization", "Bearer "+w.plain), "")
	w.wants(w.get("Authorization", "bearer "+w.plain, "DPoP", "ignored"), "")
}

func TestABoundTokenIsWorthlessWithoutItsKeysProof(t *testing.T) {
	w := newGuarded(t)
	other := httpbrowser.NewDevice(t)
	used := w.proof()
	w.wants(w.get("Authorization", "DPoP "+w.bound, "DPoP", used), "")
	for name, c := range map[string]struct {
		want    token.Reason
		headers []string
	}{
		"downgraded to Bearer":      {token.ProofRequired, []string{"Authorization", "Bearer " + w.bound}},
		"downgraded, with proof":    {token.ProofRequired, []string{"Authorization", "Bearer " + w.bound, "DPoP", w.proof()}},
		"no proof":                  {token.InvalidProof, []string{"Authorization", "DPoP " + w.bound}},
		"two proofs":                {token.InvalidProof, []string{"Authorization", "DPoP " + w.bound, "DPoP", w.proof(), "DPoP", w.proof()}},
		"no real proof":             {token.InvalidProof, []string{"Authorization", "DPoP " + w.bound, "DPoP", "a.b.c"}},
		"a proof used before":       {token.InvalidProof, []string{"Authorization", "DPoP " + w.bound, "DPoP", used}},
		"another key's proof":       {token.InvalidProof, []string{"Authorization", "DPoP " + w.bound, "DPoP", other.Proof(t, "GET", api+"/notes", w.now, w.bound)}},
		"a proof for no token":      {token.InvalidProof, []string{"Authorization", "DPoP " + w.bound, "DPoP", w.device.Proof(t, "GET", api+"/notes", w.now)}},
		"a proof for another token": {token.InvalidProof, []string{"Authorization", "DPoP " + w.bound, "DPoP", w.device.Proof(t, "GET", api+"/notes", w.now, w.plain)}},
		"another method's":          {token.InvalidProof, []string{"Authorization", "DPoP " + w.bound, "DPoP", w.device.Proof(t, "POST", api+"/notes", w.now, w.bound)}},
		"another path's":            {token.InvalidProof, []string{"Authorization", "DPoP " + w.bound, "DPoP", w.device.Proof(t, "GET", api+"/keys", w.now, w.bound)}},
		"the lying host's":          {token.InvalidProof, []string{"Authorization", "DPoP " + w.bound, "DPoP", w.device.Proof(t, "GET", "https://evil.example/notes", w.now, w.bound)}},
		"an old proof":              {token.InvalidProof, []string{"Authorization", "DPoP " + w.bound, "DPoP", w.device.Proof(t, "GET", api+"/notes", w.now.Add(-90*time.Second), w.bound)}},
		"a proof of the future":     {token.InvalidProof, []string{"Authorization", "DPoP " + w.bound, "DPoP", w.device.Proof(t, "GET", api+"/notes", w.now.Add(31*time.Second), w.bound)}},
		"an unbound token as DPoP":  {token.InvalidProof, []string{"Authorization", "DPoP " + w.plain, "DPoP", w.device.Proof(t, "GET", api+"/notes", w.now, w.plain)}},
		"no token":                  {noToken, nil},
		"two tokens":                {noToken, []string{"Authorization", "DPoP " + w.bound, "Authorization", "Bearer " + w.plain, "DPoP", w.proof()}},
		"another scheme":            {noToken, []string{"Authorization", "Basic " + w.bound, "DPoP", w.proof()}},
		"a scheme alone":            {noToken, []string{"Authorization", "DPoP ", "DPoP", w.proof()}},
		"a token alone":             {noToken, []string{"Authorization", w.bound, "DPoP", w.proof()}},
		"a forged token":            {token.BadSignature, []string{"Authorization", "DPoP " + w.bound[:len(w.bound)-4] + "AAAA", "DPoP", w.proof()}},
	} {
		t.Run(name, func(t *testing.T) {
			on := *w
			on.T = t
			on.wants(on.get(c.headers...), c.want)
		})
	}
	w.wants(w.get("Authorization", "DPoP "+w.bound, "DPoP", w.proof()), "")
}

// A service that passes the token alone to Verify never accepts one that was stolen
// without its key.
func TestABoundTokenDoesNotAuthorizeByItself(t *testing.T) {
	w := newGuarded(t)
	_, err := w.verifier.Verify(t.Context(), w.bound)
	w.wants(token.ReasonOf(err), token.ProofRequired)
	_, err = w.verifier.VerifyFor(t.Context(), w.bound, "org_acme")
	w.wants(token.ReasonOf(err), token.ProofRequired)
	if claims, err := w.verifier.Inspect(t.Context(), w.bound); err != nil || claims.Confirmation.JKT != w.device.Thumbprint() {
		t.Errorf("%+v, %v", claims, err)
	}
}

func TestABoundTokenIsRefusedWhereItsProofCannotBeCompared(t *testing.T) {
	w := newGuarded(t, func(c *resource.Config) { c.BaseURL = "" })
	w.wants(w.get("Authorization", "DPoP "+w.bound, "DPoP", w.proof()), token.InvalidProof)
	w.wants(w.get("Authorization", "Bearer "+w.plain), "")
}

func TestAnExpiredBoundTokenIsExpired(t *testing.T) {
	w := newGuarded(t)
	w.now = w.now.Add(2 * time.Hour)
	w.wants(w.get("Authorization", "DPoP "+w.bound, "DPoP", w.proof()), token.Expired)
}

func TestABaseURLIsAnAddress(t *testing.T) {
	for _, base := range []string{"api.example.com", "/api", "ftp://api.example.com", "https://u@api.example.com"} {
		if _, err := resource.NewGuard(newGuarded(t).verifier, resource.Config{BaseURL: base}); err == nil {
			t.Errorf("%q is taken", base)
		}
	}
}

func TestARefusedProofIsToldInItsScheme(t *testing.T) {
	for reason, want := range map[token.Reason]string{
		token.InvalidProof:               `DPoP error="invalid_dpop_proof", algs="ES256"`,
		token.ProofRequired:              `DPoP error="invalid_token", error_description="proof_required", algs="ES256"`,
		token.Expired:                    `DPoP error="invalid_token", error_description="expired"`,
		token.InsufficientAuthentication: `DPoP error="insufficient_user_authentication", max_age="5"`,
	} {
		answer := httptest.NewRecorder()
		resource.Refuse(answer, &token.Error{Reason: reason, Bound: true, Demand: token.Demand{MaxAge: 5 * time.Second}})
		if got := answer.Header().Get("WWW-Authenticate"); got != want || answer.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", reason, answer.Code, got)
		}
	}
}

// TestProtect_ConnectWithEmptySegment: net/http cleans no path of a CONNECT, and panics when
// it is asked for a wildcard.
func TestProtect_ConnectWithEmptySegment(t *testing.T) {
	w := newGuarded(t)
	for credential, want := range map[string]int{"": http.StatusUnauthorized, "Bearer " + w.plain: http.StatusForbidden} {
		r := request("/organizations//notes")
		r.Method = http.MethodConnect
		if credential != "" {
			r.Header.Set("Authorization", credential)
		}
		if got := answer(w.mux(token.Demand{}), r); got.Code != want {
			t.Errorf("with %q: %d %s", credential, got.Code, got.Body)
		}
	}
}
