package browserapi_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
)

// inspectedClaims returns the claims that a server-side app reads from an expired token.
func inspectedClaims(w *backend, raw string) *token.Claims {
	w.Helper()
	verifier, err := token.NewVerifier(token.Config{
		Issuer: publicURL, Audience: origin + "/api", Now: w.Now,
		Keys: token.NewKeySet(publicURL+"/.well-known/jwks.json", &http.Client{Transport: w.Hosts}),
	})
	if err != nil {
		w.Fatal(err)
	}
	was, err := verifier.Inspect(w.Context(), raw)
	if token.ReasonOf(err) != token.Expired || was == nil {
		w.Fatalf("%+v, %v", was, err)
	}
	return was
}

// TestP8ARenewalLandsInTheOrganizationThatExpired checks that a staff member returns to
// the customer's organization and not to their own.
func TestP8ARenewalLandsInTheOrganizationThatExpired(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	w.mint(b, "initech") // her own organization
	left := w.mint(b, "globex").AccessToken
	w.Pass(31 * 24 * time.Hour)

	was := inspectedClaims(w, left)
	landed := b.Choose(b.Follow(resource.RenewalURL(was, "/org_globex/notes?page=2")), "alice")
	if got := landed.URL.String(); got != origin+"/org_globex/notes?page=2" {
		t.Errorf("landed on %s", got)
	}
	answer := b.Post("/token", `{"organization":"`+was.OrganizationID+`","user":"`+was.Subject+`","enter":true}`)
	var minted api.TokenResponse
	if answer.JSON(t, &minted); answer.Status != http.StatusOK || w.claims(minted).OrganizationID != "org_globex" {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
}

// TestRenewal_ExpiredTokenGivesNoAccess checks that an expired token only suggests the
// organization.
func TestRenewal_ExpiredTokenGivesNoAccess(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("bob")
	left := w.mint(b, "acme").AccessToken
	w.remove("bob")
	w.Pass(31 * 24 * time.Hour)
	was := inspectedClaims(w, left)
	b.Choose(b.Follow(resource.RenewalURL(was, "/org_acme/notes")), "bob")
	w.wants(b.Post("/token", enters), http.StatusForbidden, api.OrganizationAccessDenied)
}

// TestRenewal_OrganizationsOwnIssuer checks that the renewal happens at the backend,
// since an organization's own issuer has no sign-in.
func TestRenewal_OrganizationsOwnIssuer(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": requiresOwnKey})
	b := w.signedIn("alice")
	was := w.claims(w.mint(b, "acme"))
	if was.Issuer != acmeIssuer {
		t.Fatalf("the issuer is %s", was.Issuer)
	}
	landed := b.Choose(b.Follow(resource.RenewalURL(was, "/org_acme/notes")), "alice")
	if got := landed.URL.String(); got != origin+"/org_acme/notes" {
		t.Errorf("landed on %s", got)
	}
}

func TestRenewal_AppAndUserOfToken(t *testing.T) {
	w := newBackend(t, nil)
	was := w.claims(w.mint(w.signedIn("alice"), "acme"))
	address, err := url.Parse(resource.RenewalURL(was, "/a?b=c&d"))
	if err != nil {
		t.Fatal(err)
	}
	if got := address.Scheme + "://" + address.Host + address.Path; got != publicURL+"/login" {
		t.Errorf("it is at %s", got)
	}
	for name, want := range map[string]string{
		"app": "web", "organization": "org_acme", "user": was.Subject, "return_to": "/a?b=c&d",
	} {
		if got := address.Query().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	told := w.signedIn("bob").Follow(resource.RenewalURL(was, "/")).URL.Query().Get(api.ParamError)
	if told != string(api.IdentityChanged) {
		t.Errorf("another person is told %q", told)
	}
}
