package secevent_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/token/secevent"
)

const issuer = "https://app.example.com/auth"

type world struct {
	*testing.T
	key *ecdsa.PrivateKey
}

func newWorld(t *testing.T) *world {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, key}
}

func (w *world) find(kid string) (string, crypto.PublicKey, error) {
	if kid != "k1" {
		return "", nil, errors.New("unknown")
	}
	return "ES256", &w.key.PublicKey, nil
}

func (w *world) signer() secevent.Signer {
	return secevent.Signer{Issuer: issuer, KeyID: "k1", Alg: "ES256", Private: w.key}
}

func TestEvent_IsReadAsItWasSigned(t *testing.T) {
	w := newWorld(t)
	for _, e := range []secevent.Event{
		{Reason: "signed_out", Subject: secevent.Subject{Session: "ses_1", User: "usr_1"}},
		{Reason: "signed_out", Subject: secevent.Subject{Session: "ses_1", User: "usr_1", Organization: "org_1"}},
		{Reason: "roles_changed", Subject: secevent.Subject{User: "usr_1", Organization: "org_1"}},
		{Reason: "person_disabled", Subject: secevent.Subject{User: "usr_1"}},
		{Reason: "organization_disabled", Subject: secevent.Subject{Organization: "org_1"}},
		{Reason: "app_changed", Subject: secevent.Subject{App: "app"}},
		{Reason: "restored"},
		{Reason: "key_withdrawn", Key: "k0"},
	} {
		e.Number, e.At = 1<<50, 1_800_000_000
		raw, err := e.Sign(w.signer(), "key_1")
		if err != nil {
			t.Fatal(err)
		}
		got, audience, err := secevent.Parse(raw, issuer, w.find)
		if err != nil || got != e || audience != "key_1" {
			t.Errorf("%+v of %q: %v, want %+v", got, audience, err, e)
		}
	}
}

// sign signs claims as a token of a type.
func (w *world) sign(typ string, claims jwt.MapClaims) string {
	w.Helper()
	unsigned := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	unsigned.Header["typ"], unsigned.Header["kid"] = typ, "k1"
	raw, err := unsigned.SignedString(w.key)
	if err != nil {
		w.Fatal(err)
	}
	return raw
}

func claims(change func(jwt.MapClaims)) jwt.MapClaims {
	c := jwt.MapClaims{
		"iss": issuer, "jti": "end_7", "iat": 1_800_000_000, "aud": "key_1", "evt": 7,
		"sub_id": map[string]any{"format": "complex", "session": map[string]any{"format": "opaque", "id": "ses_1"}},
		"events": map[string]any{secevent.SessionRevoked: map[string]any{}},
	}
	change(c)
	return c
}

func TestParse_Refuses(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	same := func(jwt.MapClaims) {}
	if _, _, err := secevent.Parse(w.sign(secevent.Type, claims(same)), issuer, w.find); err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string]string{
		"an access token":   w.sign("at+jwt", claims(same)),
		"another's key":     other.sign(secevent.Type, claims(same)),
		"another issuer":    w.sign(secevent.Type, claims(func(c jwt.MapClaims) { c["iss"] = "https://evil.example" })),
		"without a number":  w.sign(secevent.Type, claims(func(c jwt.MapClaims) { delete(c, "evt") })),
		"without aud":       w.sign(secevent.Type, claims(func(c jwt.MapClaims) { delete(c, "aud") })),
		"without events":    w.sign(secevent.Type, claims(func(c jwt.MapClaims) { delete(c, "events") })),
		"without signature": strings.Join(strings.Split(w.sign(secevent.Type, claims(same)), ".")[:2], ".") + ".",
	} {
		if e, _, err := secevent.Parse(raw, issuer, w.find); err == nil {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// TestParse_WhatIsNotUnderstood concerns the whole workspace.
func TestParse_WhatIsNotUnderstood(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(jwt.MapClaims){
		"another type": func(c jwt.MapClaims) { c["events"] = map[string]any{"https://example.com/new": map[string]any{}} },
		"two types": func(c jwt.MapClaims) {
			c["events"] = map[string]any{secevent.SessionRevoked: map[string]any{}, "https://example.com/new": map[string]any{}}
		},
		"another format":       func(c jwt.MapClaims) { c["sub_id"] = map[string]any{"format": "email", "email": "ada@example.com"} },
		"a key without its id": func(c jwt.MapClaims) { c["events"] = map[string]any{secevent.KeyWithdrawn: map[string]any{}} },
	} {
		e, _, err := secevent.Parse(w.sign(secevent.Type, claims(change)), issuer, w.find)
		if err != nil || e.Subject != (secevent.Subject{}) || e.Key != "" || e.Number != 7 {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}
