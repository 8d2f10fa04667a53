package login_test

import (
	"reflect"
	"testing"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

func sealer() signingkey.Sealer {
	secret, _ := signingkey.NewSecret()
	return secret.Sealer(signingkey.ForAttempts)
}

func TestAnAttemptComesBackAsItWasSealed(t *testing.T) {
	s, age := sealer(), int64(60)
	a := login.NewAttempt("web", "https://app.example/notes?a=1#b", now)
	a.MaxAge = &age
	sealed, err := a.Seal(s, "cookie")
	if err != nil {
		t.Fatal(err)
	}
	got, err := login.OpenAttempt(s, sealed, "cookie", now+login.AttemptLife)
	if err != nil || !reflect.DeepEqual(got, a) {
		t.Errorf("%+v, %v, want %+v", got, err, a)
	}
}

func TestEveryAttemptHasSecretsOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		a := login.NewAttempt("web", "", now)
		for _, secret := range []string{a.ID, a.Nonce, a.Verifier} {
			if seen[secret] || len(secret) < 26 {
				t.Fatalf("%q is not fresh, or too short", secret)
			}
			seen[secret] = true
		}
	}
}

func TestAnAttemptOpensOnlyInTimeUnderItsOwnNameAndUnaltered(t *testing.T) {
	s := sealer()
	sealed, err := login.NewAttempt("web", "", now).Seal(s, "cookie")
	if err != nil {
		t.Fatal(err)
	}
	foreign, _ := login.NewAttempt("web", "", now).Seal(sealer(), "cookie")
	for name, open := range map[string]func() error{
		"too late":       func() error { _, err := login.OpenAttempt(s, sealed, "cookie", now+login.AttemptLife+1); return err },
		"another name":   func() error { _, err := login.OpenAttempt(s, sealed, "cookie2", now); return err },
		"another server": func() error { _, err := login.OpenAttempt(s, foreign, "cookie", now); return err },
		"another seal": func() error {
			_, err := login.OpenAttempt(s, s.Seal([]byte("{}"), "cookie"), "cookie", now)
			return err
		},
		"not an attempt":    func() error { _, err := login.OpenAttempt(s, s.Seal([]byte("7"), "cookie"), "cookie", now); return err },
		"nothing":           func() error { _, err := login.OpenAttempt(s, "", "cookie", now); return err },
		"with a byte more":  func() error { _, err := login.OpenAttempt(s, sealed+"A", "cookie", now); return err },
		"with padding":      func() error { _, err := login.OpenAttempt(s, sealed+"=", "cookie", now); return err },
		"cut in the middle": func() error { _, err := login.OpenAttempt(s, sealed[:len(sealed)/2], "cookie", now); return err },
	} {
		if open() != login.ErrAttempt {
			t.Errorf("%s: it opens", name)
		}
	}
}

func TestEveryBitOfASealedAttemptCounts(t *testing.T) {
	s := sealer()
	sealed, err := login.NewAttempt("web", "https://app.example/", now).Seal(s, "cookie")
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		altered := []byte(sealed)
		if altered[i] ^= 1; altered[i] == sealed[i] {
			continue
		}
		if _, err := login.OpenAttempt(s, string(altered), "cookie", now); err == nil {
			t.Errorf("byte %d may be altered", i)
		}
	}
}
