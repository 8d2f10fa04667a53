package session_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/session"
)

var (
	oldKey = bytes.Repeat([]byte{1}, session.MinMACKey)
	newKey = bytes.Repeat([]byte{2}, session.MinMACKey)
	secret = session.Secret{3}
)

func ring(t testing.TB, keys ...[]byte) *session.MACKeys {
	t.Helper()
	ring, err := session.NewMACKeys(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// open parses and authenticates the text of a request's cookie.
func open(ring *session.MACKeys, secret session.Secret, text string) (session.Token, error) {
	unverified, err := session.ParseToken(text)
	if err != nil {
		return session.Token{}, err
	}
	return ring.Authenticate(unverified, secret)
}

func anyToken() session.Token {
	first, row := session.First(session.NewID(), session.NewTokenID(), 1_800_000_000)
	return session.Successor(first.Session, row, session.NewTokenID(), 1_800_000_240)
}

func TestTokenSurvivesItsTextForm(t *testing.T) {
	ring, token := ring(t, newKey), anyToken()
	text := ring.Sign(token, secret)
	if len(text) != 128 {
		t.Errorf("text has %d characters, want 128", len(text))
	}
	unverified, err := session.ParseToken(text)
	if err != nil || unverified.Session() != token.Session {
		t.Fatalf("ParseToken: session %v, %v", unverified.Session(), err)
	}
	if got, err := ring.Authenticate(unverified, secret); err != nil || got != token {
		t.Errorf("Authenticate = %+v, %v; want %+v", got, err, token)
	}
}

func TestSuccessorFollowsTheCurrentToken(t *testing.T) {
	first, row := session.First(session.NewID(), session.NewTokenID(), 100)
	id := session.NewTokenID()
	want := session.Token{Session: first.Session, Gen: 2, ID: id, Parent: first.ID, IssuedAt: 340}
	if got := session.Successor(first.Session, row, id, 340); got != want {
		t.Errorf("Successor = %+v, want %+v", got, want)
	}
	if first.Parent != (session.TokenID{}) || row.Prev != first.Parent {
		t.Error("the first generation has a parent")
	}
}

func TestTokenIsWorthNothingWithoutBothSecrets(t *testing.T) {
	token := anyToken()
	text := ring(t, newKey).Sign(token, secret)
	if _, err := open(ring(t, oldKey), secret, text); !errors.Is(err, session.ErrNotAuthentic) {
		t.Errorf("under another key: %v", err)
	}
	if _, err := open(ring(t, newKey), session.Secret{4}, text); !errors.Is(err, session.ErrNotAuthentic) {
		t.Errorf("under another session's secret: %v", err)
	}
}

func TestRingSignsWithTheNewestKeyAndReadsTheOlder(t *testing.T) {
	token := anyToken()
	before, during, after := ring(t, oldKey), ring(t, newKey, oldKey), ring(t, newKey)
	if got, err := open(during, secret, before.Sign(token, secret)); err != nil || got != token {
		t.Errorf("old token under the new ring: %v", err)
	}
	if got, err := open(after, secret, during.Sign(token, secret)); err != nil || got != token {
		t.Errorf("the ring did not sign with its newest key: %v", err)
	}
	if _, err := open(after, secret, before.Sign(token, secret)); !errors.Is(err, session.ErrNotAuthentic) {
		t.Errorf("a dropped key still counts: %v", err)
	}
}

func TestRingRefusesWeakKeys(t *testing.T) {
	for name, keys := range map[string][][]byte{
		"none": nil, "short": {newKey[1:]}, "twice the same": {newKey, newKey},
	} {
		if _, err := session.NewMACKeys(keys...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestEveryPrefixAndExtensionIsRefused(t *testing.T) {
	ring := ring(t, newKey)
	text := ring.Sign(anyToken(), secret)
	for n := range len(text) {
		refused(t, ring, text[:n])
		refused(t, ring, text[n+1:])
		refused(t, ring, text[:n]+text[n+1:])
	}
	for _, more := range []string{"=", "A", "AAAA", "\n", " ", "\x00", text} {
		refused(t, ring, text+more)
		refused(t, ring, more+text)
	}
}

func TestEveryBitFlipIsRefused(t *testing.T) {
	ring := ring(t, newKey)
	raw, err := base64.RawURLEncoding.DecodeString(ring.Sign(anyToken(), secret))
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(raw) * 8 {
		flipped := bytes.Clone(raw)
		flipped[bit/8] ^= 1 << (bit % 8)
		refused(t, ring, base64.RawURLEncoding.EncodeToString(flipped))
	}
}

func TestEveryOtherSpellingIsRefused(t *testing.T) {
	ring := ring(t, newKey)
	text := ring.Sign(anyToken(), secret)
	for i := range text {
		for c := range 256 {
			if byte(c) != text[i] {
				refused(t, ring, text[:i]+string([]byte{byte(c)})+text[i+1:])
			}
		}
	}
	for i := range len(text) - 4 {
		refused(t, ring, text[:i]+"\r\n\r\n"+text[i+4:])
		refused(t, ring, text[:i]+"\n"+text[i:])
	}
	if standard := strings.NewReplacer("-", "+", "_", "/").Replace(text); standard != text {
		refused(t, ring, standard)
	}
}

func TestAnotherVersionIsMalformed(t *testing.T) {
	text := ring(t, newKey).Sign(anyToken(), secret)
	for _, first := range []string{"AA", "Ag", "_w"} {
		if _, err := session.ParseToken(first + text[2:]); !errors.Is(err, session.ErrMalformedToken) {
			t.Errorf("beginning with %q: %v", first, err)
		}
	}
}

func refused(t *testing.T, ring *session.MACKeys, text string) {
	t.Helper()
	_, err := open(ring, secret, text)
	if !errors.Is(err, session.ErrMalformedToken) && !errors.Is(err, session.ErrNotAuthentic) {
		t.Fatalf("accepted %q: %v", text, err)
	}
}

func FuzzToken(f *testing.F) {
	ring := ring(f, newKey)
	token := session.Token{Session: session.ID{1}, Gen: 2, ID: session.TokenID{3}, Parent: session.TokenID{4}, IssuedAt: 5}
	text := ring.Sign(token, secret)
	f.Add(text)
	f.Add(text[:127] + "=")
	f.Add(text[:60] + "\r\n\r\n" + text[64:])
	f.Add(strings.Repeat("A", 128))
	f.Fuzz(func(t *testing.T, other string) {
		got, err := open(ring, secret, other)
		if err == nil && (other != text || got != token) {
			t.Errorf("accepted %q", other)
		}
		if _, err := session.ParseToken(other); err == nil {
			raw, _ := base64.RawURLEncoding.DecodeString(other)
			if base64.RawURLEncoding.EncodeToString(raw) != other {
				t.Errorf("%q is a second spelling", other)
			}
		}
	})
}

func TestIDsHaveOneTextForm(t *testing.T) {
	id := session.NewID()
	text := id.String()
	if len(text) != 30 || !strings.HasPrefix(text, "ses_") || text != strings.ToLower(text) {
		t.Errorf("id reads %q", text)
	}
	if got, err := session.ParseID(text); err != nil || got != id {
		t.Errorf("ParseID(%q) = %v, %v", text, got, err)
	}
	zero := session.ID{}.String()
	for _, bad := range []string{"", text[4:], text[:29], text + "a", strings.ToUpper(text), "org_" + text[4:],
		zero[:29] + "b", text[:10] + "\n" + text[10:], text[:10] + "\n" + text[11:], text + "="} {
		if _, err := session.ParseID(bad); !errors.Is(err, session.ErrMalformedID) {
			t.Errorf("ParseID(%q): %v", bad, err)
		}
	}
}

func TestTokenIDsHaveOneTextForm(t *testing.T) {
	id := session.NewTokenID()
	text := id.String()
	if got, err := session.ParseTokenID(text); err != nil || got != id || len(text) != 22 {
		t.Errorf("ParseTokenID(%q) = %v, %v", text, got, err)
	}
	zero := session.TokenID{}.String()
	for _, bad := range []string{"", text[:21], text + "A", zero[:21] + "B", text[:10] + "\n" + text[11:], text + "=="} {
		if _, err := session.ParseTokenID(bad); !errors.Is(err, session.ErrMalformedID) {
			t.Errorf("ParseTokenID(%q): %v", bad, err)
		}
	}
}
