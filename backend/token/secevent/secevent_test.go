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

// eventKey signs events, and finds its public half for those who verify them.
type eventKey struct {
	*testing.T
	private *ecdsa.PrivateKey
}

func newEventKey(t *testing.T) *eventKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &eventKey{t, key}
}

func (key *eventKey) find(kid string) (string, crypto.PublicKey, error) {
	if kid != "k1" {
		return "", nil, errors.New("unknown")
	}
	return "ES256", &key.private.PublicKey, nil
}

func (key *eventKey) signer() secevent.Signer {
	return secevent.Signer{Issuer: issuer, KeyID: "k1", Alg: "ES256", Private: key.private}
}

func TestEvent_IsReadAsItWasSigned(t *testing.T) {
	key := newEventKey(t)
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
		raw, err := e.Sign(key.signer(), "key_1")
		if err != nil {
			t.Fatal(err)
		}
		got, audience, err := secevent.Parse(raw, issuer, key.find)
		if err != nil || got != e || audience != "key_1" {
			t.Errorf("%+v of %q: %v, want %+v", got, audience, err, e)
		}
	}
}

// sign signs claims as a token of a type.
func (key *eventKey) sign(typ string, claims jwt.MapClaims) string {
	key.Helper()
	unsigned := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	unsigned.Header["typ"], unsigned.Header["kid"] = typ, "k1"
	raw, err := unsigned.SignedString(key.private)
	if err != nil {
		key.Fatal(err)
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
	key, other := newEventKey(t), newEventKey(t)
	same := func(jwt.MapClaims) {}
	if _, _, err := secevent.Parse(key.sign(secevent.Type, claims(same)), issuer, key.find); err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string]string{
		"an access token":   key.sign("at+jwt", claims(same)),
		"another's key":     other.sign(secevent.Type, claims(same)),
		"another issuer":    key.sign(secevent.Type, claims(func(c jwt.MapClaims) { c["iss"] = "https://evil.example" })),
		"without a number":  key.sign(secevent.Type, claims(func(c jwt.MapClaims) { delete(c, "evt") })),
		"without aud":       key.sign(secevent.Type, claims(func(c jwt.MapClaims) { delete(c, "aud") })),
		"without events":    key.sign(secevent.Type, claims(func(c jwt.MapClaims) { delete(c, "events") })),
		"without signature": strings.Join(strings.Split(key.sign(secevent.Type, claims(same)), ".")[:2], ".") + ".",
	} {
		if e, _, err := secevent.Parse(raw, issuer, key.find); err == nil {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// TestParse_WhatIsNotUnderstood concerns the whole workspace.
func TestParse_WhatIsNotUnderstood(t *testing.T) {
	key := newEventKey(t)
	for name, change := range map[string]func(jwt.MapClaims){
		"another type": func(c jwt.MapClaims) { c["events"] = map[string]any{"https://example.com/new": map[string]any{}} },
		"two types": func(c jwt.MapClaims) {
			c["events"] = map[string]any{secevent.SessionRevoked: map[string]any{}, "https://example.com/new": map[string]any{}}
		},
		"another format": func(c jwt.MapClaims) { c["sub_id"] = map[string]any{"format": "email", "email": "ada@example.com"} },
		"a session that is a number": func(c jwt.MapClaims) {
			c["sub_id"] = map[string]any{"format": "complex", "session": map[string]any{"format": "opaque", "id": 7}}
		},
		"a session that is a text": func(c jwt.MapClaims) { c["sub_id"] = map[string]any{"format": "complex", "session": "ses"} },
		"a time that is a text":    func(c jwt.MapClaims) { c["iat"] = "now" },
		"details that are a list":  func(c jwt.MapClaims) { c["events"] = map[string]any{secevent.SessionRevoked: []string{}} },
		"a key without its id":     func(c jwt.MapClaims) { c["events"] = map[string]any{secevent.KeyWithdrawn: map[string]any{}} },
	} {
		e, _, err := secevent.Parse(key.sign(secevent.Type, claims(change)), issuer, key.find)
		if err != nil || e.Subject != (secevent.Subject{}) || e.Key != "" || e.Number != 7 {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}
