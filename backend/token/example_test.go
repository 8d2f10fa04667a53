package token_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/tabard-auth/tabard/backend/token"
)

// backend signs tokens as the backend does, for the examples. Services use
// [token.NewKeySet] with the backend's address as their source of keys.
type backend struct{ key *ecdsa.PrivateKey }

func (b backend) PublicKey(_ context.Context, kid string) (token.PublicKey, error) {
	if kid != "k1" {
		return token.PublicKey{}, token.ErrUnknownKey
	}
	return token.PublicKey{Algorithm: "ES256", Key: &b.key.PublicKey}, nil
}

func (b backend) mint(organization string, expires time.Time) string {
	c := token.Claims{
		Issuer: "https://app.example.com/auth", Audience: []string{"https://app.example.com/api"}, Subject: "usr_ada",
		ClientID: "web", SessionID: "ses_1", ID: rand.Text(), OrganizationID: organization, OrganizationSlug: "acme",
		Permissions: []string{"notes:read"}, IssuedAt: expires.Unix() - 300, Expires: expires.Unix(),
	}
	raw, err := c.Sign(token.SigningKey{ID: "k1", Algorithm: "ES256", Private: b.key}, nil)
	if err != nil {
		panic(err)
	}
	return raw
}

func newBackend() backend {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return backend{key}
}

func ExampleVerifier_Verify() {
	b := newBackend()
	verifier, err := token.NewVerifier(token.Config{
		Issuer:   "https://app.example.com/auth",
		Audience: "https://app.example.com/api",
		Keys:     b, // token.NewKeySet("https://app.example.com/auth/.well-known/jwks.json", nil)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	claims, err := verifier.Verify(context.Background(), b.mint("org_acme", time.Now().Add(time.Minute)))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(claims.Subject, "reads notes:", claims.Allows("notes:read"))
	fmt.Println("Acme:", claims.Serves("org_acme"))
	fmt.Println("Globex:", claims.Serves("org_globex"))
	// Output:
	// usr_ada reads notes: true
	// Acme: true
	// Globex: false
}

// An expired token authorizes nothing, but it still names the organization to renew it
// for.
func ExampleVerifier_Inspect() {
	b := newBackend()
	verifier, err := token.NewVerifier(token.Config{
		Issuer: "https://app.example.com/auth", Audience: "https://app.example.com/api", Keys: b,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	was, err := verifier.Inspect(context.Background(), b.mint("org_acme", time.Now().Add(-time.Hour)))
	fmt.Println(token.ReasonOf(err))
	fmt.Println(was.Subject, was.OrganizationID)
	// Output:
	// expired
	// usr_ada org_acme
}
