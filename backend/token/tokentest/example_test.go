package tokentest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/backend/token/tokentest"
)

// newAPI returns an API as its main does, with the verifier of its configuration.
func newAPI(config token.Config) http.Handler {
	verifier, err := token.NewVerifier(config)
	if err != nil {
		panic(err)
	}
	guard, err := resource.NewGuard(verifier, resource.Config{BaseURL: "https://api.example.com"})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /organizations/{organization}/notes", guard.Protect(resource.Rule{Organization: "organization"},
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			claims := resource.ClaimsFrom(r.Context())
			fmt.Fprint(w, "notes of ", claims.OrganizationID, " for ", claims.Roles)
		})))
	return mux
}

// The tests of an API need no backend: an issuer of their own takes its place.
func Example() {
	issuer := tokentest.NewIssuer()
	defer issuer.Close()
	api := newAPI(issuer.Config())

	get := func(raw, path string) {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Authorization", "Bearer "+raw)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code == http.StatusOK {
			fmt.Println(w.Code, w.Body)
		} else {
			fmt.Print(w.Code, " ", w.Body)
		}
	}
	get(issuer.Token("org_acme", "editor"), "/organizations/org_acme/notes")
	get(issuer.Token("org_acme"), "/organizations/org_globex/notes")
	get(issuer.Expired("org_acme"), "/organizations/org_acme/notes")
	get(issuer.Foreign("org_acme"), "/organizations/org_acme/notes")
	// Output:
	// 200 notes of org_acme for [editor]
	// 403 {"error":"organization_mismatch","error_description":"wrong_organization"}
	// 401 {"error":"invalid_token","error_description":"expired"}
	// 401 {"error":"invalid_token","error_description":"bad_signature"}
}

// A token that is bound to a device's key goes with a proof for each request.
func ExampleIssuer_Bound() {
	issuer := tokentest.NewIssuer()
	defer issuer.Close()
	api := newAPI(issuer.Config())

	device := issuer.NewDevice()
	raw := issuer.Bound(device, "org_acme", "editor")
	r := httptest.NewRequest(http.MethodGet, "/organizations/org_acme/notes?page=2", nil)
	device.Authorize(r, "https://api.example.com", raw)
	for range 2 { // the second is a replay
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// 200
	// 401
}

// Claims are changed before they are signed.
func ExampleIssuer_Sign() {
	issuer := tokentest.NewIssuer()
	defer issuer.Close()
	verifier, err := token.NewVerifier(issuer.Config())
	if err != nil {
		panic(err)
	}
	claims := issuer.Claims("org_acme")
	claims.Permissions = []string{"notes:read"}
	got, err := verifier.Verify(context.Background(), issuer.Sign(claims))
	fmt.Println(got.Permissions, err)

	claims.Audience = []string{"https://other.example.com"}
	_, err = verifier.Verify(context.Background(), issuer.Sign(claims))
	fmt.Println(err)
	// Output:
	// [notes:read] <nil>
	// token: wrong_audience
}
