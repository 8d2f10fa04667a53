package signingkey_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/signingkey"
)

func secretOf(t *testing.T, text string) signingkey.Secret {
	t.Helper()
	s, err := signingkey.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestASecretIsReadInEveryFormOfBase64(t *testing.T) {
	value := bytes.Repeat([]byte{0xfb, 0xef, 0xff, 0x01}, 8)
	want := secretOf(t, base64.StdEncoding.EncodeToString(value)).Derive(signingkey.ForLogs)[0]
	for _, text := range []string{
		base64.RawStdEncoding.EncodeToString(value),
		base64.URLEncoding.EncodeToString(value),
		base64.RawURLEncoding.EncodeToString(value),
		"# made in May\r\n\r\n  " + base64.StdEncoding.EncodeToString(value) + "\r\n",
	} {
		if got := secretOf(t, text).Derive(signingkey.ForLogs); len(got) != 1 || !bytes.Equal(got[0], want) {
			t.Errorf("%q is another secret", text)
		}
	}
}

func TestAWrongSecretNamesItsLineAndNotItsText(t *testing.T) {
	good := strings.Repeat("A", 43)
	for _, wrong := range []struct{ text, told string }{
		{"", "it contains no secret"},
		{"# only a comment\n", "it contains no secret"},
		{"hunter2", "line 1 is not the base64 of at least 32 bytes"},
		{strings.Repeat("A", 42), "line 1 is not the base64"},
		{good + "\n" + strings.Repeat("!", 44), "line 2 is not the base64"},
	} {
		_, err := signingkey.ParseSecret(wrong.text)
		if err == nil || !strings.Contains(err.Error(), wrong.told) {
			t.Errorf("%q: %v, not %q", wrong.text, err, wrong.told)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
}

func TestEveryPurposeHasAKeyOfItsOwn(t *testing.T) {
	s, text := signingkey.NewSecret()
	seen := map[string]signingkey.Purpose{}
	for _, p := range []signingkey.Purpose{signingkey.ForRefreshTokens, signingkey.ForAttempts, signingkey.ForSigningKeys, signingkey.ForUpstream, signingkey.ForLogs} {
		key := s.Derive(p)[0]
		if other, taken := seen[string(key)]; taken || len(key) != 32 {
			t.Errorf("%s has the key of %s, or one of %d bytes", p, other, len(key))
		}
		seen[string(key)] = p
		if again := secretOf(t, text).Derive(p)[0]; !bytes.Equal(again, key) {
			t.Errorf("%s: the secret's text makes another key", p)
		}
	}
}

func TestASealOpensOnlyUnderItsSecretPurposeAndContext(t *testing.T) {
	s, _ := signingkey.NewSecret()
	other, _ := signingkey.NewSecret()
	sealed := s.Sealer(signingkey.ForAttempts).Seal([]byte("plain"), "here")
	if plain, err := s.Sealer(signingkey.ForAttempts).Open(sealed, "here"); err != nil || string(plain) != "plain" {
		t.Fatalf("%q, %v", plain, err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another secret":  func() ([]byte, error) { return other.Sealer(signingkey.ForAttempts).Open(sealed, "here") },
		"another purpose": func() ([]byte, error) { return s.Sealer(signingkey.ForUpstream).Open(sealed, "here") },
		"another context": func() ([]byte, error) { return s.Sealer(signingkey.ForAttempts).Open(sealed, "there") },
		"nothing":         func() ([]byte, error) { return s.Sealer(signingkey.ForAttempts).Open("", "here") },
	} {
		if plain, err := open(); !errors.Is(err, signingkey.ErrSealed) {
			t.Errorf("%s: %q, %v", name, plain, err)
		}
	}
}

func TestNoAlteredOrCutSealOpens(t *testing.T) {
	s, _ := signingkey.NewSecret()
	sealer := s.Sealer(signingkey.ForAttempts)
	raw, err := base64.RawURLEncoding.DecodeString(sealer.Seal([]byte("plain"), ""))
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		flipped := bytes.Clone(raw)
		flipped[i] ^= 1
		for _, bad := range [][]byte{flipped, raw[:i]} {
			if plain, err := sealer.Open(base64.RawURLEncoding.EncodeToString(bad), ""); !errors.Is(err, signingkey.ErrSealed) {
				t.Fatalf("byte %d: %q, %v", i, plain, err)
			}
		}
	}
}

func TestAReplacedSecretStillOpensWhatItSealed(t *testing.T) {
	_, old := signingkey.NewSecret()
	_, fresh := signingkey.NewSecret()
	sealed := secretOf(t, old).Sealer(signingkey.ForUpstream).Seal([]byte("plain"), "")
	both := secretOf(t, fresh+"\n"+old).Sealer(signingkey.ForUpstream)
	if plain, err := both.Open(sealed, ""); err != nil || string(plain) != "plain" {
		t.Fatalf("%q, %v", plain, err)
	}
	again := both.Seal([]byte("plain"), "")
	if _, err := secretOf(t, fresh).Sealer(signingkey.ForUpstream).Open(again, ""); err != nil {
		t.Error("the first line does not make the seals")
	}
}
