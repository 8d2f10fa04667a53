package resource_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
)

// A route names its organization in the path. Only a token of that organization passes.
func ExampleGuard_Protect() {
	signing, verifier := exampleIssuer()
	guard, err := resource.NewGuard(verifier, resource.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	api := http.NewServeMux()
	notes := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "notes of ", resource.OrganizationFrom(r.Context()))
	})
	api.Handle("GET /organizations/{organization}/notes", guard.Protect(resource.Rule{
		Organization: "organization",
		Demand:       token.Demand{Permissions: []string{"notes:read"}},
	}, notes))

	acme := signing("org_acme")
	for _, organization := range []string{"org_acme", "org_globex"} {
		request := httptest.NewRequest("GET", "/organizations/"+organization+"/notes", nil)
		request.Header.Set("Authorization", "Bearer "+acme)
		answer := httptest.NewRecorder()
		api.ServeHTTP(answer, request)
		fmt.Println(answer.Code, answer.Body)
	}
	// Output:
	// 200 notes of org_acme
	// 403 {"error":"organization_mismatch","error_description":"wrong_organization"}
}

// exampleKeys is the key set of an issuer with one key.
type exampleKeys token.PublicKey

func (k exampleKeys) PublicKey(context.Context, string) (token.PublicKey, error) {
	return token.PublicKey(k), nil
}

// exampleIssuer stands for the backend: a function that mints, and a verifier of its
// tokens.
func exampleIssuer() (mint func(organization string) string, verifier *token.Verifier) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	verifier, err = token.NewVerifier(token.Config{
		Issuer: "https://app.example.com/auth", Audience: "https://app.example.com/api",
		Keys: exampleKeys{Algorithm: "ES256", Key: &key.PublicKey},
	})
	if err != nil {
		panic(err)
	}
	return func(organization string) string {
		now := time.Now().Unix()
		c := token.Claims{
			Issuer: "https://app.example.com/auth", Audience: []string{"https://app.example.com/api"}, Subject: "usr_ada",
			ClientID: "web", SessionID: "ses_1", ID: rand.Text(), OrganizationID: organization, OrganizationSlug: "acme",
			Permissions: []string{"notes:read"}, IssuedAt: now, Expires: now + 300,
		}
		raw, err := c.Sign(token.SigningKey{ID: "k1", Algorithm: "ES256", Private: key}, nil)
		if err != nil {
			panic(err)
		}
		return raw
	}, verifier
}
