package server

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/backendtest"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/validator"
)

const day = 24 * 60 * 60

// rotating is two replicas over one store, with a clock that the test advances, and two
// validators that know only their public addresses.
type rotating struct {
	*testing.T
	*backendtest.Database
	replicas [2]*backendtest.Backend
	browsers [2]*httpbrowser.Browser // one of each replica
	cached   map[string]*httptest.Server
	jose     *validator.Validator
	goOIDC   map[string]*oidc.IDTokenVerifier // by issuer
}

func newRotating(t *testing.T) *rotating {
	r := &rotating{T: t, cached: map[string]*httptest.Server{}, jose: validator.New(t, "keys.mjs"), goOIDC: map[string]*oidc.IDTokenVerifier{}}
	r.Database = backendtest.NewDatabase(t, backendtest.NewClock(time.Unix(1_800_000_000, 0)), rotatingDirectory())
	r.replicas[0] = backendtest.New(t, r.Database, nil)
	r.replicas[1] = r.replicas[0].Replica()
	for i, replica := range r.replicas {
		r.browsers[i] = replica.Browser(backendtest.Origin)
		r.browsers[i].SignIn("alice")
	}
	for _, organization := range []string{"acme", "globex"} {
		issuer := r.issuerOf(organization)
		remote := oidc.NewRemoteKeySet(context.WithoutCancel(t.Context()), r.keysOf(issuer, "go-oidc"))
		r.goOIDC[issuer] = oidc.NewVerifier(issuer, remote, &oidc.Config{ClientID: "api", Now: r.Now, SupportedSigningAlgs: []string{"ES256", "EdDSA"}})
	}
	return r
}

func rotatingDirectory() directory.Desired {
	member := []directory.Member{{User: directory.User{Issuer: backendtest.Issuer, Subject: "alice"}}}
	return directory.Desired{
		Workspace: directory.Workspace{
			Apps:   []directory.App{{ID: "web", Name: "Web", Origins: []string{backendtest.Origin}, Audience: "api"}},
			Policy: policy.Rules{SessionAge: policy.MaxSessionAge, AccessTTL: policy.MaxAccessTTL},
		},
		Organizations: []directory.DesiredOrganization{
			{Organization: directory.Organization{ID: "org_acme", Slug: "acme", Name: "Acme"}, Members: member},
			{Organization: directory.Organization{ID: "org_globex", Slug: "globex", Name: "Globex", Rules: policy.Rules{DedicatedKey: true}}, Members: member},
		},
	}
}

func (r *rotating) pass(seconds int64) { r.Pass(time.Duration(seconds) * time.Second) }

// issuerOf returns the issuer of an organization's tokens: globex has a key of its own.
func (r *rotating) issuerOf(organization string) string {
	if organization == "globex" {
		return backendtest.PublicURL + "/o/org_globex"
	}
	return backendtest.PublicURL
}

// keysOf returns the address of an issuer's key set for one validator: behind a cache
// that keeps answers as long as they allow, and that asks either replica.
func (r *rotating) keysOf(issuer, validator string) string {
	name := issuer + " " + validator
	if r.cached[name] == nil {
		var mu sync.Mutex
		var kept *http.Response
		var body []byte
		var until int64
		r.cached[name] = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if now := r.Now().Unix(); now >= until {
				answer := httptest.NewRecorder()
				path := strings.TrimPrefix(issuer, backendtest.Origin) + api.PathKeySet
				r.replicas[rand.IntN(2)].Hosts["localhost:8080"].ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
				kept, body = answer.Result(), answer.Body.Bytes()
				var age int64
				fmt.Sscanf(kept.Header.Get("Cache-Control"), "public, max-age=%d", &age)
				until = now + age
			}
			w.Header().Set("Content-Type", kept.Header.Get("Content-Type"))
			w.WriteHeader(kept.StatusCode)
			w.Write(body)
		}))
		r.Cleanup(r.cached[name].Close)
	}
	return r.cached[name].URL
}

// refused returns the validators that refuse a token, and why.
func (r *rotating) refused(issuer, raw string) (by []string) {
	r.Helper()
	if _, err := r.goOIDC[issuer].Verify(r.Context(), raw); err != nil {
		by = append(by, "go-oidc: "+err.Error())
	}
	var verdict struct{ Refused string }
	r.jose.Ask("validate", map[string]any{
		"now": r.Now().Unix(), "issuer": issuer, "keys": r.keysOf(issuer, "jose"), "audience": "api", "token": raw,
	}, &verdict)
	if verdict.Refused != "" {
		by = append(by, "jose: "+verdict.Refused)
	}
	return by
}

// mintedToken is a token of one of the two issuers.
type mintedToken struct {
	issuer, raw string
	expires     int64
}

// load has both replicas mint for both organizations and clean up, all at once.
func (r *rotating) load() (all []mintedToken) {
	r.Helper()
	now := r.Now()
	var group sync.WaitGroup
	var mu sync.Mutex
	for _, b := range r.browsers {
		group.Go(func() {
			for _, organization := range []string{"acme", "globex"} {
				var answer api.TokenResponse
				got := b.Post("/token", `{"organization":"`+organization+`","enter":true}`)
				if got.Status != http.StatusOK {
					r.Errorf("%s: %d %s", organization, got.Status, got.Body)
					return
				}
				got.JSON(r, &answer)
				mu.Lock()
				all = append(all, mintedToken{r.issuerOf(organization), answer.AccessToken, now.Unix() + answer.ExpiresIn})
				mu.Unlock()
			}
		})
		group.Go(func() {
			rotation := host.Rotation{Ring: signingkey.NewKeyRing(r.Store, r.Secret, signingkey.ES256), Life: day / 2 * time.Second}
			if _, err := host.CleanUp(r.Context(), r.Store, rotation, now); err != nil {
				r.Error(err)
			}
		})
	}
	group.Wait()
	return all
}

// TestSigningKeys_RotateUnderLoad has two replicas mint for weeks while keys rotate by
// schedule and by command. Two independent validators, each behind a cache, accept
// every token until it expires, and none of a deleted key.
func TestSigningKeys_RotateUnderLoad(t *testing.T) {
	r := newRotating(t)
	var live []mintedToken
	var old []signingkey.Key // every key that has signed
	judged := 0
	for until := r.Now().Unix() + 4*day; r.Now().Unix() < until; r.pass(rand.Int64N([]int64{40, 2000}[rand.IntN(2)])) {
		r.replicas[rand.IntN(2)].Restart()
		live = append(live, r.load()...)
		if rand.IntN(60) == 0 {
			r.rotateNow([]string{"", "org_globex"}[rand.IntN(2)])
		}
		good := live[:0]
		for _, m := range live {
			if m.expires <= r.Now().Unix() {
				continue
			}
			if by := r.refused(m.issuer, m.raw); by != nil {
				t.Fatalf("a good token of %s is refused %s before its end by %v", m.issuer, time.Duration(m.expires-r.Now().Unix())*time.Second, by)
			}
			judged++
			good = append(good, m)
		}
		live = good
		old = r.signed(old)
	}
	t.Logf("%d tokens accepted, of %d keys", judged, len(old))
	if len(old) < 12 {
		t.Errorf("only %d keys have signed: the keys did not rotate", len(old))
	}
	r.checkRefusedEverywhere(old)
}

// rotateNow does the same as `tabard signing-keys rotate --now`.
func (r *rotating) rotateNow(organization string) {
	r.Helper()
	now := r.Now().Unix()
	chain := r.chain(organization)
	if _, prepared := chain.Next(now); !prepared {
		if _, err := signingkey.NewKeyRing(r.Store, r.Secret, signingkey.ES256).Make(r.Context(), organization, chain, signingkey.Lead, now, audit.CommandLine); err != nil {
			r.Fatal(err)
		}
		chain = r.chain(organization)
	}
	next, _ := chain.Next(now)
	if err := r.Store.AdvanceSigningKey(r.Context(), next.ID, max(now, next.CreatedAt+signingkey.Soonest)); err != nil {
		r.Fatal(err)
	}
}

func (r *rotating) chain(organization string) signingkey.Chain {
	r.Helper()
	chain, err := r.Store.SigningKeys(r.Context(), organization)
	if err != nil {
		r.Fatal(err)
	}
	return chain
}

// signed adds the keys that sign now to a thief's collection.
func (r *rotating) signed(before []signingkey.Key) []signingkey.Key {
	r.Helper()
	for _, organization := range []string{"", "org_globex"} {
		k, err := signingkey.NewKeyRing(r.Store, r.Secret, signingkey.ES256).Signing(r.Context(), organization, 0, r.Now().Unix())
		if err != nil {
			r.Fatal(err)
		}
		known := false
		for _, other := range before {
			known = known || other.ID == k.ID
		}
		if !known {
			before = append(before, k)
		}
	}
	return before
}

// checkRefusedEverywhere checks that every otherwise valid token of a deleted key is
// refused.
func (r *rotating) checkRefusedEverywhere(all []signingkey.Key) {
	r.Helper()
	gone := 0
	for _, k := range all {
		if r.published(k, r.Now().Unix()-signingkey.SetAge-600) { // a cache or jose may still have it
			continue
		}
		gone++
		if issuer, raw := r.forge(k); len(r.refused(issuer, raw)) != 2 {
			r.Errorf("a token by the key %s, which is gone, is refused by %v only", k.ID, r.refused(issuer, raw))
		}
	}
	if gone == 0 {
		r.Error("no key is gone")
	}
}

// published reports whether a key that signed was published at a time.
func (r *rotating) published(k signingkey.Key, at int64) bool {
	r.Helper()
	chain := r.chain(k.Organization)
	for i := range chain {
		if chain[i].ID == k.ID {
			return chain.Stage(i, at) != signingkey.Gone
		}
	}
	return false // deleted
}

// forge returns a fresh token signed by a key, also by a retired one.
func (r *rotating) forge(k signingkey.Key) (issuer, raw string) {
	r.Helper()
	issuer, organization := backendtest.PublicURL, "org_acme"
	if k.Organization != "" {
		issuer, organization = backendtest.PublicURL+api.PathIssuers+k.Organization, k.Organization
	}
	now := r.Now().Unix()
	claims := token.Claims{Issuer: issuer, Subject: "usr_a", Audience: []string{"api"}, IssuedAt: now, Expires: now + 300, OrganizationID: organization}
	raw, err := claims.Sign(token.SigningKey{ID: k.ID, Algorithm: string(k.Algorithm), Private: k.Private}, nil)
	if err != nil {
		r.Fatal(err)
	}
	return issuer, raw
}

// TestSigningKeys_RetiredKeyIsRefused retires the signing keys at once.
func TestSigningKeys_RetiredKeyIsRefused(t *testing.T) {
	r := newRotating(t)
	r.load()
	stolen := r.signed(nil)
	for _, k := range stolen {
		if issuer, raw := r.forge(k); r.refused(issuer, raw) != nil {
			t.Fatalf("before: %v", r.refused(issuer, raw))
		}
	}
	r.pass(100)
	for _, k := range stolen {
		if retired, err := r.Store.RetireSigningKey(t.Context(), k.ID, audit.CommandLine, r.Now().Unix()); err != nil || !retired {
			t.Fatal(retired, err)
		}
	}
	for _, m := range r.load() { // each new token has another key
		for _, k := range stolen {
			if kid := header(t, m.raw); kid == k.ID {
				t.Errorf("a token is signed with the retired key %s", kid)
			}
		}
	}
	r.pass(60 + signingkey.SetAge + 600) // replicas, the cache, jose's own
	for _, m := range r.load() {
		if by := r.refused(m.issuer, m.raw); by != nil {
			t.Errorf("a new token is refused: %v", by)
		}
	}
	for _, k := range stolen {
		if issuer, raw := r.forge(k); len(r.refused(issuer, raw)) != 2 {
			t.Errorf("a token by the retired key %s is taken", k.ID)
		}
	}
}

// header returns the key id in a token's header.
func header(t *testing.T, raw string) string {
	t.Helper()
	parsed, _, err := jwt.NewParser().ParseUnverified(raw, jwt.MapClaims{})
	if err != nil {
		t.Fatal(err)
	}
	kid, _ := parsed.Header["kid"].(string)
	return kid
}
