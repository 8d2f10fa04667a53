package token_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/jws"
	"github.com/tabard-auth/tabard/backend/token"
)

// TestATokenWithoutAuthTimeMeetsNoDemandForAnAge: if the time of authentication is
// unknown, the token has no auth_time.
func TestATokenWithoutAuthTimeMeetsNoDemandForAnAge(t *testing.T) {
	key, public := newKey(t)
	c := claims()
	c.AuthTime = 0
	raw := sign(t, c, key)
	message, err := jws.Parse(raw, 8<<10)
	if err != nil || message.Claims.Value("auth_time") != nil {
		t.Fatalf("auth_time is %s, %v", message.Claims.Value("auth_time"), err)
	}
	v := newVerifier(t, keyRing{"k1": public}, now)
	got, err := v.Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, age := range []time.Duration{time.Second, time.Hour, 100 * 365 * 24 * time.Hour} {
		refusedFor(t, v.Meets(got, token.Demand{MaxAge: age}), token.InsufficientAuthentication)
	}
	if err := v.Meets(got, token.Demand{ACR: []string{"urn:x"}}); err != nil {
		t.Error(err)
	}
}

// TestClaimsGoByTheirExactNamesInsideOthersToo: in cnf and act as well.
func TestClaimsGoByTheirExactNamesInsideOthersToo(t *testing.T) {
	key, public := newKey(t)
	all := jwt.MapClaims{}
	maps.Copy(all, jwt.MapClaims{
		"iss": issuer, "aud": audience, "sub": "usr_1", "org_id": "org_acme", "iat": now.Unix(), "exp": now.Unix() + 300,
		"SUB": "usr_2", "ORG_ID": "org_evil", "Permissions": []string{"admin"}, "ACR": "urn:x", "AUTH_TIME": now.Unix(), "Cnf": nil,
		"cnf": map[string]string{"JKT": "evil"}, "act": map[string]any{"SUB": "usr_1", "sub": "reports"},
	})
	unsigned := jwt.NewWithClaims(jwt.SigningMethodES256, all)
	unsigned.Header["kid"], unsigned.Header["typ"] = "k1", token.Type
	raw, err := unsigned.SignedString(key.Private)
	if err != nil {
		t.Fatal(err)
	}
	v := newVerifier(t, keyRing{"k1": public}, now)
	_, err = v.Verify(t.Context(), raw)
	refusedFor(t, err, token.ProofRequired)
	got, err := v.Inspect(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if got.Subject != "usr_1" || got.OrganizationID != "org_acme" || len(got.Permissions) != 0 || got.ACR != "" || got.AuthTime != 0 ||
		got.Confirmation.JKT != "" || got.ByStaff() || !strings.HasPrefix(got.Actor.Subject, "reports") {
		t.Errorf("%+v, cnf %+v, act %+v", got, got.Confirmation, got.Actor)
	}
}

// TestATokenThatAVerifierWouldRefuseIsNotSigned: the limit is exact to the byte, and a
// token of the maximum size is signed.
func TestATokenThatAVerifierWouldRefuseIsNotSigned(t *testing.T) {
	key, public := newKey(t)
	v := newVerifier(t, keyRing{"k1": public}, now)
	c := claims()
	room := token.MaxBytes - len(sign(t, c, key))
	c.Permissions[0] += strings.Repeat("x", room/4*3-4)
	for range 12 {
		raw, err := c.Sign(key, nil)
		if fits := err == nil; fits != (len(raw) > 0) || !fits && !errors.Is(err, token.ErrTooLarge) {
			t.Fatalf("%d bytes, %v", len(raw), err)
		}
		if err == nil {
			if _, err := v.Verify(t.Context(), raw); err != nil {
				t.Errorf("of %d bytes: %v", len(raw), err)
			}
			room = token.MaxBytes - len(raw)
		}
		c.Permissions[0] += "x"
	}
	if room > 2 {
		t.Errorf("tokens with %d bytes less than a verifier takes are refused", room)
	}
	aliases := map[string]string{}
	for i := range 64 {
		c := claims()
		raw, err := c.Sign(key, aliases)
		if err == nil {
			_, err = v.Verify(t.Context(), raw)
		}
		if err != nil && !errors.Is(err, token.ErrTooLarge) {
			t.Fatalf("with %d aliases: %v", i, err)
		}
		aliases[fmt.Sprintf("alias%d", i)] = "org_id"
	}
}
