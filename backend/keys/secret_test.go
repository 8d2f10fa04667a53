package keys_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/keys"
)

func secretOf(t *testing.T, text string) keys.Secret {
	t.Helper()
	s, err := keys.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestASecretIsReadInEveryFormOfBase64(t *testing.T) {
	value := bytes.Repeat([]byte{0xfb, 0xef, 0xff, 0x01}, 8)
	want := secretOf(t, base64.StdEncoding.EncodeToString(value)).Derive(keys.ForLogs)[0]
	for _, text := range []string{
		base64.RawStdEncoding.EncodeToString(value),
		base64.URLEncoding.EncodeToString(value),
		base64.RawURLEncoding.EncodeToString(value),
		"# made in May\r\n\r\n  " + base64.StdEncoding.EncodeToString(value) + "\r\n",
	} {
		if got := secretOf(t, text).Derive(keys.ForLogs); len(got) != 1 || !bytes.Equal(got[0], want) {
			t.Errorf("%q is another secret", text)
		}
	}
}

func TestAWrongSecretNamesItsLineAndNotItsText(t *testing.T) {
	good := strings.Repeat("A", 43)
	for _, wrong := range []struct{ text, told string }{
		{"", "it holds no secret"},
		{"# only a comment\n", "it holds no secret"},
		{"hunter2", "line 1 is not the base64 of at least 32 bytes"},
		{strings.Repeat("A", 42), "line 1 is not the base64"},
		{good + "\n" + strings.Repeat("!", 44), "line 2 is not the base64"},
	} {
		_, err := keys.ParseSecret(wrong.text)
		if err == nil || !strings.Contains(err.Error(), wrong.told) {
			t.Errorf("%q: %v, not %q", wrong.text, err, wrong.told)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
}

func TestEveryPurposeHasAKeyOfItsOwn(t *testing.T) {
	s, text := keys.NewSecret()
	seen := map[string]keys.Purpose{}
	for _, p := range []keys.Purpose{keys.ForRefreshTokens, keys.ForAttempts, keys.ForSigningKeys, keys.ForUpstream, keys.ForLogs} {
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
	s, _ := keys.NewSecret()
	other, _ := keys.NewSecret()
	sealed := s.Sealer(keys.ForAttempts).Seal([]byte("plain"), "here")
	if plain, err := s.Sealer(keys.ForAttempts).Open(sealed, "here"); err != nil || string(plain) != "plain" {
		t.Fatalf("%q, %v", plain, err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another secret":  func() ([]byte, error) { return other.Sealer(keys.ForAttempts).Open(sealed, "here") },
		"another purpose": func() ([]byte, error) { return s.Sealer(keys.ForUpstream).Open(sealed, "here") },
		"another context": func() ([]byte, error) { return s.Sealer(keys.ForAttempts).Open(sealed, "there") },
		"nothing":         func() ([]byte, error) { return s.Sealer(keys.ForAttempts).Open("", "here") },
	} {
		if plain, err := open(); !errors.Is(err, keys.ErrSealed) {
			t.Errorf("%s: %q, %v", name, plain, err)
		}
	}
}

func TestNoAlteredOrCutSealOpens(t *testing.T) {
	s, _ := keys.NewSecret()
	sealer := s.Sealer(keys.ForAttempts)
	raw, err := base64.RawURLEncoding.DecodeString(sealer.Seal([]byte("plain"), ""))
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		flipped := bytes.Clone(raw)
		flipped[i] ^= 1
		for _, bad := range [][]byte{flipped, raw[:i]} {
			if plain, err := sealer.Open(base64.RawURLEncoding.EncodeToString(bad), ""); !errors.Is(err, keys.ErrSealed) {
				t.Fatalf("byte %d: %q, %v", i, plain, err)
			}
		}
	}
}

func TestAReplacedSecretStillOpensWhatItSealed(t *testing.T) {
	_, old := keys.NewSecret()
	_, fresh := keys.NewSecret()
	sealed := secretOf(t, old).Sealer(keys.ForUpstream).Seal([]byte("plain"), "")
	both := secretOf(t, fresh+"\n"+old).Sealer(keys.ForUpstream)
	if plain, err := both.Open(sealed, ""); err != nil || string(plain) != "plain" {
		t.Fatalf("%q, %v", plain, err)
	}
	again := both.Seal([]byte("plain"), "")
	if _, err := secretOf(t, fresh).Sealer(keys.ForUpstream).Open(again, ""); err != nil {
		t.Error("the first line does not make the seals")
	}
}
