package tokentest_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/backend/token/tokentest"
)

func newIssuer(t *testing.T) (*tokentest.Issuer, *token.Verifier) {
	t.Helper()
	issuer := tokentest.NewIssuer()
	t.Cleanup(issuer.Close)
	issuer.Now = func() time.Time { return time.Unix(1_800_000_000, 0) }
	verifier, err := token.NewVerifier(issuer.Config())
	if err != nil {
		t.Fatal(err)
	}
	return issuer, verifier
}

func TestIssuer_TokensAreWhatTheirNamesSay(t *testing.T) {
	issuer, verifier := newIssuer(t)
	device := issuer.NewDevice()
	for name, c := range map[string]struct {
		raw  string
		want token.Reason
	}{
		"Token":             {issuer.Token("org_acme", "editor"), ""},
		"Expired":           {issuer.Expired("org_acme"), token.Expired},
		"Foreign":           {issuer.Foreign("org_acme"), token.BadSignature},
		"Bound":             {issuer.Bound(device, "org_acme"), token.ProofRequired},
		"of another issuer": {tokentestOther(t).Token("org_acme"), token.WrongIssuer},
	} {
		if _, err := verifier.Verify(t.Context(), c.raw); token.ReasonOf(err) != c.want || (err == nil) != (c.want == "") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	claims, err := verifier.VerifyFor(t.Context(), issuer.Token("org_acme", "editor"), "acme")
	if err != nil || len(claims.Roles) != 1 || claims.Roles[0] != "editor" {
		t.Errorf("%+v, %v", claims, err)
	}
}

func tokentestOther(t *testing.T) *tokentest.Issuer {
	issuer, _ := newIssuer(t)
	return issuer
}

func TestIssuer_DedicatedOrganizationIsItsOwn(t *testing.T) {
	issuer, verifier := newIssuer(t)
	before := issuer.Token("org_acme")
	issuer.Dedicate("org_acme")
	raw := issuer.Token("org_acme")
	claims, err := verifier.Verify(t.Context(), raw)
	if err != nil || claims.Issuer != issuer.URL+"/o/org_acme" {
		t.Errorf("%+v, %v", claims, err)
	}
	if _, err := verifier.Verify(t.Context(), issuer.Token("org_globex")); err != nil {
		t.Error(err)
	}
	config := issuer.Config()
	config.Dedicated = func(id string) bool { return id == "org_acme" }
	if verifier, err = token.NewVerifier(config); err != nil {
		t.Fatal(err)
	}
	if _, err := verifier.Verify(t.Context(), before); token.ReasonOf(err) != token.WrongIssuer {
		t.Errorf("the workspace's token: %v", err)
	}
}

func TestDevice_AuthorizesOneRequest(t *testing.T) {
	issuer, verifier := newIssuer(t)
	const base = "https://api.example.com"
	guard, err := resource.NewGuard(verifier, resource.Config{BaseURL: base})
	if err != nil {
		t.Fatal(err)
	}
	device := issuer.NewDevice()
	raw := issuer.Bound(device, "org_acme")
	r := httptest.NewRequest("POST", "/notes/%C3%A4?page=2", nil)
	device.Authorize(r, base, raw)
	if _, err := guard.VerifyRequest(r); err != nil {
		t.Error(err)
	}
	if _, err := guard.VerifyRequest(r); token.ReasonOf(err) != token.InvalidProof {
		t.Errorf("again: %v", err)
	}
	issuer.NewDevice().Authorize(r, base, raw)
	if _, err := guard.VerifyRequest(r); token.ReasonOf(err) != token.InvalidProof {
		t.Errorf("by another device: %v", err)
	}
}
