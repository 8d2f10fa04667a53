package browserapi_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

func TestNonce_Required(t *testing.T) {
	w := newBackend(t, nil)
	b, _ := w.signedInOn("alice")
	if got := b.Post("/token", enterAcme); got.Header.Get(api.HeaderNonce) != "" {
		t.Error("a nonce is given although none is demanded")
	}
	demanding := desired()
	demanding.Workspace.ProofNonce = true
	w.Apply(demanding)

	w.wants(b.Post("/token", enterAcme), http.StatusBadRequest, api.UseDPoPNonce)
	for _, after := range []time.Duration{0, 5 * time.Minute, 15 * time.Minute} {
		w.Pass(after)
		if got := b.Post("/token", enterAcme); got.Status != http.StatusOK || got.Header.Get(api.HeaderNonce) == "" {
			t.Errorf("%v after the last answer: %d %s %v", after, got.Status, got.Body, got.Header)
		}
	}
	w.Pass(15*time.Minute + time.Second)
	w.wants(b.Post("/token", enterAcme), http.StatusBadRequest, api.UseDPoPNonce)
	w.mint(b, "acme")

	for path, got := range map[string]httpbrowser.Response{
		"/session": b.Get("/session"), "/logout": b.Post("/logout", `{"scope":"none"}`),
		"without a key": b.Copy().Post("/token", enterAcme), "without a cookie": w.browser().Post("/token", enterAcme),
	} {
		if got.Header.Get(api.HeaderNonce) == "" {
			t.Errorf("%s: no nonce with %d %s", path, got.Status, got.Body)
		}
	}
}

func TestNonce_ForgedRefused(t *testing.T) {
	w := newBackend(t, nil)
	b, device := w.signedInOn("alice")
	demanding := desired()
	demanding.Workspace.ProofNonce = true
	w.Apply(demanding)
	good := b.Post("/token", enterAcme).Header.Get(api.HeaderNonce)
	changed := func(i int) string {
		other := "A"
		if good[i] == 'A' {
			other = "B"
		}
		return good[:i] + other + good[i+1:]
	}
	for name, nonce := range map[string]string{
		"another": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "cut": good[:len(good)-1], "longer": good + "A",
		"changed": changed(0), "of another time": changed(8), "none": "not base64url!", "short": "AAAA",
	} {
		claims := map[string]any{"jti": name, "htm": "POST", "htu": publicURL + "/token", "iat": w.Now().Unix(), "nonce": nonce}
		w.wants(b.With("DPoP", device.Sign(t, nil, claims)).Post("/token", enterAcme), http.StatusBadRequest, api.UseDPoPNonce)
	}
	w.mint(b, "acme")
}

func TestToken_DPoPBound(t *testing.T) {
	w := newBackend(t, nil)
	bound := desired()
	bound.Workspace.Apps[0].DPoPBoundTokens = true
	w.Apply(bound)
	b, device := w.signedInOn("alice")
	minted := w.mint(b, "acme")
	if minted.TokenType != api.TokenTypeDPoP {
		t.Errorf("token_type %q", minted.TokenType)
	}
	verifier, err := token.NewVerifier(token.Config{
		Issuer: publicURL, Audience: origin + "/api", Now: w.Now,
		Keys: token.NewKeySet(publicURL+"/.well-known/jwks.json", &http.Client{Transport: w.Hosts}),
	})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := resource.NewGuard(verifier, resource.Config{BaseURL: origin})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/api/notes", nil)
	r.Header.Set("Authorization", "DPoP "+minted.AccessToken)
	r.Header.Set("DPoP", device.Proof(t, http.MethodGet, origin+"/api/notes", w.Now(), minted.AccessToken))
	if _, err := guard.VerifyRequest(r); err != nil {
		t.Error(err)
	}
	r.Header.Set("DPoP", httpbrowser.NewDevice(t).Proof(t, http.MethodGet, origin+"/api/notes", w.Now(), minted.AccessToken))
	if _, err := guard.VerifyRequest(r); token.ReasonOf(err) != token.InvalidProof {
		t.Errorf("another key's proof: %v", err)
	}

	plain := w.mint(w.signedIn("bob"), "acme") // this browser has no key
	if _, err := verifier.Verify(t.Context(), plain.AccessToken); err != nil || plain.TokenType != api.TokenTypeBearer {
		t.Errorf("a session without a key has a token of type %s: %v", plain.TokenType, err)
	}
}
