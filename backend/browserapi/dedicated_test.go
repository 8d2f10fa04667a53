package browserapi_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// The issuers of acme and globex if they have their own keys.
const (
	acmeIssuer   = publicURL + "/o/org_acme"
	globexIssuer = publicURL + "/o/org_globex"
)

var requiresOwnKey = policy.Rules{DedicatedKey: true}

// oidcVerifier returns a validator without knowledge of organizations: go-oidc with an
// issuer and an audience.
func (w *backend) oidcVerifier(issuer string) func(raw string) error {
	w.Helper()
	ctx := oidc.ClientContext(w.Context(), &http.Client{Transport: w.Hosts})
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		w.Fatal(err)
	}
	verifier := provider.Verifier(&oidc.Config{ClientID: origin + "/api", Now: w.Now})
	return func(raw string) error {
		_, err := verifier.Verify(ctx, raw)
		return err
	}
}

// TestDedicatedKey_TokenForOwnIssuerOnly verifies valid and forged tokens of three
// issuers with validators of each.
func TestDedicatedKey_TokenForOwnIssuerOnly(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": requiresOwnKey, "globex": requiresOwnKey})
	b := w.signedIn("alice")
	tokens := map[string]string{ // by description; the value is the only issuer that accepts it
		w.mint(b, "initech").AccessToken: publicURL, w.mint(b, "acme").AccessToken: acmeIssuer, w.mint(b, "globex").AccessToken: globexIssuer,
	}
	forger := signingkey.NewKeyRing(w.Store, w.Secret, signingkey.ES256)
	for _, f := range []struct{ signedBy, named, claimed string }{
		{"org_globex", "org_globex", acmeIssuer}, {"org_globex", "org_acme", acmeIssuer},
		{"", "", acmeIssuer}, {"", "org_acme", acmeIssuer}, {"org_acme", "org_acme", publicURL}, {"org_acme", "", publicURL},
	} {
		tokens[w.forged(forger, f.signedBy, f.named, f.claimed)] = ""
	}
	for _, issuer := range []string{publicURL, acmeIssuer, globexIssuer} {
		accepts := w.oidcVerifier(issuer)
		for raw, good := range tokens {
			if err := accepts(raw); (err == nil) != (good == issuer) {
				t.Errorf("a validator of %s, a token good for %q: %v", issuer, good, err)
			}
		}
	}
}

// TestDedicatedKey_VerifierOfManyOrganizations verifies the same tokens with package
// token.
func TestDedicatedKey_VerifierOfManyOrganizations(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": requiresOwnKey, "globex": requiresOwnKey})
	b := w.signedIn("alice")
	client := &http.Client{Transport: w.Hosts}
	config := token.Config{
		Issuer: publicURL, Audience: origin + "/api", Now: w.Now,
		Keys: token.NewKeySet(publicURL+api.PathKeySet, client), Organizations: token.NewKeySets(publicURL, client),
	}
	verify := func(raw string) token.Reason {
		verifier, err := token.NewVerifier(config)
		if err != nil {
			t.Fatal(err)
		}
		claims, err := verifier.Verify(t.Context(), raw)
		if err == nil && claims.OrganizationID == "" {
			t.Error("it tells no organization")
		}
		return token.ReasonOf(err)
	}
	for _, organization := range []string{"acme", "globex", "initech"} {
		if reason := verify(w.mint(b, organization).AccessToken); reason != "" {
			t.Errorf("%s: %s", organization, reason)
		}
	}
	forger := signingkey.NewKeyRing(w.Store, w.Secret, signingkey.ES256)
	for _, f := range []struct {
		signedBy, named, claimed string
		want                     token.Reason
	}{
		{"org_globex", "org_globex", acmeIssuer, token.UnknownKey}, {"org_globex", "org_acme", acmeIssuer, token.BadSignature},
		{"", "", acmeIssuer, token.UnknownKey}, {"", "org_acme", acmeIssuer, token.BadSignature},
		{"org_acme", "org_acme", publicURL, token.UnknownKey}, {"org_acme", "", publicURL, token.BadSignature},
		{"org_globex", "org_globex", globexIssuer, token.WrongIssuer}, // for acme
		{"", "", publicURL, ""},
	} {
		if reason := verify(w.forged(forger, f.signedBy, f.named, f.claimed)); reason != f.want {
			t.Errorf("%+v: %q", f, reason)
		}
	}
	workspaces := w.forged(forger, "", "", publicURL)
	config.Dedicated = func(id string) bool { return id == "org_acme" }
	if reason := verify(workspaces); reason != token.WrongIssuer {
		t.Errorf("a token by the workspace's key for a dedicated organization: %q", reason)
	}
	if reason := verify(w.mint(b, "initech").AccessToken); reason != "" {
		t.Errorf("another's: %q", reason)
	}
	config.Dedicated, config.Organizations = nil, nil
	if reason := verify(w.mint(b, "acme").AccessToken); reason != token.WrongIssuer {
		t.Errorf("a verifier of the workspace alone: %q", reason)
	}
}

// forged signs acme's claims for an issuer with one key under the id of another.
func (w *backend) forged(ring *signingkey.KeyRing, signedBy, named, issuer string) string {
	w.Helper()
	by, err := ring.Signing(w.Context(), signedBy, 0, w.Now().Unix())
	if err != nil {
		w.Fatal(err)
	}
	name, err := ring.Signing(w.Context(), named, 0, w.Now().Unix())
	if err != nil {
		w.Fatal(err)
	}
	now := w.Now().Unix()
	claims := token.Claims{Issuer: issuer, Subject: "usr_a", Audience: []string{origin + "/api"}, IssuedAt: now, Expires: now + 300, OrganizationID: "org_acme"}
	raw, err := claims.Sign(token.SigningKey{ID: name.ID, Algorithm: string(by.Algorithm), Private: by.Private}, nil)
	if err != nil {
		w.Fatal(err)
	}
	return raw
}

// kids returns the ids of an issuer's published keys.
func (w *backend) kids(issuer string) []string {
	w.Helper()
	got := w.browser().Get(strings.TrimPrefix(issuer, publicURL) + api.PathKeySet)
	if got.Status != http.StatusOK {
		w.Fatalf("%s publishes nothing: %d %s", issuer, got.Status, got.Body)
	}
	var set signingkey.Set
	got.JSON(w, &set)
	var all []string
	for _, k := range set.Keys {
		all = append(all, k.ID)
	}
	return all
}

func TestDedicatedKey_PublishedByOwnIssuer(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": requiresOwnKey, "globex": requiresOwnKey})
	seen := map[string]string{}
	for _, issuer := range []string{publicURL, acmeIssuer, globexIssuer} {
		ids := w.kids(issuer)
		if len(ids) != 1 || seen[ids[0]] != "" {
			t.Errorf("%s publishes %v, others %v", issuer, ids, seen)
		}
		seen[ids[0]] = issuer
	}
}

func TestMetadata_IssuerPath(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"": requiresOwnKey}) // the workspace's rule applies to all
	for issuer, places := range map[string][]string{
		publicURL:  {"/auth/.well-known/openid-configuration", "/auth/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/auth"},
		acmeIssuer: {"/auth/o/org_acme/.well-known/openid-configuration", "/auth/o/org_acme/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/auth/o/org_acme"},
	} {
		for _, place := range places {
			var m struct {
				Issuer  string `json:"issuer"`
				JWKSURI string `json:"jwks_uri"`
			}
			got := w.browser().Step(origin + place)
			got.JSON(t, &m)
			if m.Issuer != issuer || m.JWKSURI != issuer+"/.well-known/jwks.json" {
				t.Errorf("%s: %d %s", place, got.Status, got.Body)
			}
		}
	}
}

func TestMetadata_BackendAtRoot(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": requiresOwnKey})
	w.Hosts["app.example"] = w.Handler("https://app.example", w.Store)
	b := httpbrowser.New(t, "https://app.example", "https://app.example")
	b.Transport = w.Hosts
	for _, place := range []string{"/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/o/org_acme", "/o/org_acme/.well-known/openid-configuration"} {
		if got := b.Get(place); got.Status != http.StatusOK {
			t.Errorf("%s: %d", place, got.Status)
		}
	}
}

func TestMetadata_HidesOrganizations(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"globex": requiresOwnKey, "hooli": requiresOwnKey})
	nothing := w.browser().Get("/nothing").Body
	for _, organization := range []string{"org_acme", "org_hooli", "org_nothing", "globex", "%00", "org_" + strings.Repeat("a", 100), "org_%C3%A4", "org_globex%2F.."} {
		for _, path := range []string{api.PathKeySet, api.PathOpenIDConfiguration, api.PathAuthorizationServer} {
			got := w.browser().Get("/o/" + organization + path)
			w.wants(got, http.StatusNotFound, api.NotFound)
			if got.Body != nothing || got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s answers %s %v", organization, got.Body, got.Header)
			}
		}
	}
	if chain, err := w.Store.SigningKeys(t.Context(), "org_hooli"); err != nil || len(chain) != 0 {
		t.Errorf("a disabled organization got %v, %v", chain, err)
	}
}

// cleanUp runs the server's hourly clean-up.
func (w *stored) cleanUp() {
	w.Helper()
	rotation := host.Rotation{Ring: signingkey.NewKeyRing(w.Store, w.Secret, signingkey.ES256), Life: signingkey.DefaultLife}
	if _, err := host.CleanUp(context.WithoutCancel(w.Context()), w.Store, rotation, w.Now()); err != nil {
		w.Fatal(err)
	}
}

func TestDedicatedKey_RuleRemoved(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": requiresOwnKey})
	b := w.signedIn("alice")
	before := w.mint(b, "acme").AccessToken
	id := w.kids(acmeIssuer)[0]
	w.rule(nil)
	if err := w.oidcVerifier(publicURL)(w.mint(b, "acme").AccessToken); err != nil {
		t.Errorf("without the rule: %v", err)
	}
	for range 2 {
		if err := w.oidcVerifier(acmeIssuer)(before); err != nil {
			t.Fatalf("a token from before: %v", err)
		}
		w.cleanUp()
	}
	w.Pass((signingkey.Keep - 1) * time.Second)
	if got := w.kids(acmeIssuer); !slices.Equal(got, []string{id}) {
		t.Errorf("it publishes %v, not %s", got, id)
	}
	w.Pass(time.Second)
	w.wants(w.browser().Get("/o/org_acme"+api.PathKeySet), http.StatusNotFound, api.NotFound)
	w.Pass(25 * time.Hour)
	w.cleanUp()
	if chain, err := w.Store.SigningKeys(t.Context(), "org_acme"); err != nil || len(chain) != 0 {
		t.Errorf("the store keeps %v, %v", chain, err)
	}
}

func TestDedicatedKey_ReusedKeyKept(t *testing.T) {
	for name, use := range map[string]func(*backend, *httpbrowser.Browser){
		"by a token":    func(w *backend, b *httpbrowser.Browser) { w.mint(b, "acme") },
		"by its set":    func(w *backend, _ *httpbrowser.Browser) { w.kids(acmeIssuer) },
		"by a clean-up": func(w *backend, _ *httpbrowser.Browser) { w.cleanUp() },
	} {
		w := newBackend(t, nil)
		w.rule(map[string]policy.Rules{"acme": requiresOwnKey})
		b := w.signedIn("alice")
		before := w.kids(acmeIssuer)
		w.rule(nil)
		w.cleanUp()
		w.rule(map[string]policy.Rules{"acme": requiresOwnKey})
		w.Pass(2 * time.Minute)
		use(w, b)
		w.Pass(2 * signingkey.Keep * time.Second)
		if after := w.kids(acmeIssuer); !slices.Equal(after, before) {
			t.Errorf("%s: %v became %v", name, before, after)
		}
	}
}

func TestDedicatedKey_SteadyMintIsOneRead(t *testing.T) {
	w := newBackend(t, nil)
	faulty := w.Failing()
	w.rule(map[string]policy.Rules{"acme": requiresOwnKey})
	b := w.signedIn("alice")
	w.mint(b, "acme")
	faulty.Fail(0, false)
	w.mint(b, "acme")
	if calls := faulty.Calls(); !slices.Equal(calls, []string{"Subject"}) {
		t.Errorf("it took %v", calls)
	}
}
