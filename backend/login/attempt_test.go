package login_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

func attempts() login.Attempts {
	secret, _ := signingkey.NewSecret()
	return attemptsOf(secret)
}

func attemptsOf(secret signingkey.Secret) login.Attempts {
	return login.Attempts{Sealer: secret.Sealer(signingkey.ForAttempts), Keys: secret.Derive(signingkey.ForBrowsers)}
}

// bound returns an attempt of the browser.
func bound(t *testing.T, s login.Attempts, b login.Browser) login.Attempt {
	t.Helper()
	a := login.NewAttempt("web", "https://app.example/notes?a=1#b", now)
	if err := s.Bind(&a, b); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAttempt_SealAndOpen(t *testing.T) {
	s, b, age := attempts(), login.NewBrowser(now), int64(60)
	a := login.NewAttempt("web", `https://app.example/list?filter={"a":1}&path=C:\dir#'`, now)
	a.MaxAge, a.Organization, a.Connection, a.Session = &age, "org_acme", "con_acme", "ses_abc"
	a.JKT, a.ACRValues = strings.Repeat("A", 43), "mfa phr"
	a.Prompt, a.LoginHint = "select_account", "älice@example.com"
	a.Chosen, a.Proven, a.Restarts = true, true, 3
	a.Account = "another"
	a.AddPerson("usr_alice")
	a.AddPerson("usr_bob")
	if err := s.Bind(&a, b); err != nil {
		t.Fatal(err)
	}
	got, err := s.Open(a.State, now+login.AttemptLife)
	if err != nil || !s.BoundTo(&got, b) || !reflect.DeepEqual(got, a) {
		t.Errorf("%+v, %v, want %+v", got, err, a)
	}
}

// TestAttempt_SessionCookie keeps the choice, except one that another browser's person
// may have made.
func TestAttempt_SessionCookie(t *testing.T) {
	s, b := attempts(), login.NewBrowser(now)
	for choice, restarted := range map[string]string{"": "", "true": "true", "false": ""} {
		a := login.NewAttempt("web", "https://app.example/", now)
		a.SessionCookie = choice
		if err := s.Bind(&a, b); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Open(a.State, now); err != nil || got.SessionCookie != choice || got.Restart().SessionCookie != restarted {
			t.Errorf("%q: %+v, %v", choice, got, err)
		}
	}
}

// TestAttempt_LargestFitsIntoState checks this for all parameters of a sign-in.
func TestAttempt_LargestFitsIntoState(t *testing.T) {
	age := int64(1<<31 - 1)
	a := login.NewAttempt(strings.Repeat("a", 32), "https://app.example.com/", now)
	a.MaxAge, a.Organization, a.Session, a.JKT = &age, "org_"+strings.Repeat("o", 26), "ses_"+strings.Repeat("s", 26), strings.Repeat("A", 43)
	a.ACRValues, a.Prompt, a.LoginHint = strings.Repeat("v", 256), "select_account", strings.Repeat("h", 254)
	if err := attempts().Bind(&a, login.NewBrowser(now)); err != nil || len(a.State) > login.MaxState {
		t.Errorf("a state of %d characters, %v", len(a.State), err)
	}
	if a.LoginHint != "" {
		t.Error("the hint is not what gives way")
	}
	a.ReturnTo = strings.Repeat("r", 600)
	if err := attempts().Bind(&a, login.NewBrowser(now)); err != login.ErrStateTooLong {
		t.Errorf("%v, want %v", err, login.ErrStateTooLong)
	}
}

// TestAttempt_SecretsDeriveFromBrowser checks that the state does not contain the
// secrets.
func TestAttempt_SecretsDeriveFromBrowser(t *testing.T) {
	s, seen := attempts(), map[string]bool{}
	browsers := []login.Browser{login.NewBrowser(now), login.NewBrowser(now)}
	for range 100 {
		for _, b := range browsers {
			a := bound(t, s, b)
			for _, secret := range []string{a.ID, a.Nonce, a.Verifier} {
				if seen[secret] || len(secret) < 26 {
					t.Fatalf("%q is not fresh, or too short", secret)
				}
				seen[secret] = true
			}
		}
	}
	a := bound(t, s, browsers[0])
	opened, err := s.Open(a.State, now)
	if err != nil || opened.Nonce != "" || opened.Verifier != "" {
		t.Errorf("the state says %+v, %v", opened, err)
	}
	if s.BoundTo(&opened, browsers[1]) || opened.Nonce != "" {
		t.Error("it fits another browser")
	}
	if !s.BoundTo(&opened, browsers[0]) || opened.Nonce != a.Nonce || opened.Verifier != a.Verifier {
		t.Errorf("its own browser finds %+v, want %+v", opened, a)
	}
}

// TestAttempt_ReplacedSecret opens an attempt after another value of the secret has
// become the first.
func TestAttempt_ReplacedSecret(t *testing.T) {
	_, before := signingkey.NewSecret()
	_, after := signingkey.NewSecret()
	old, err := signingkey.ParseSecret(before)
	if err != nil {
		t.Fatal(err)
	}
	both, err := signingkey.ParseSecret(after + "\n" + before)
	if err != nil {
		t.Fatal(err)
	}
	b := login.NewBrowser(now)
	a := bound(t, attemptsOf(old), b)
	s := attemptsOf(both)
	if got, err := s.Open(a.State, now); err != nil || !s.BoundTo(&got, b) || got.Verifier != a.Verifier {
		t.Errorf("%+v, %v, want %+v", got, err, a)
	}
}

func TestAttempt_ExpiredOrAltered(t *testing.T) {
	secret, _ := signingkey.NewSecret()
	s, seal := attemptsOf(secret), secret.Sealer(signingkey.ForAttempts)
	a := bound(t, s, login.NewBrowser(now))
	for name, state := range map[string]string{
		"another server": bound(t, attempts(), login.NewBrowser(now)).State, "another context": seal.Seal([]byte("{}"), "cookie"),
		"not an attempt": seal.Seal([]byte("7"), "state"), "an empty one": seal.Seal(nil, "state"), "nothing": "",
		"with a byte more": a.State + "A", "with padding": a.State + "=", "cut in the middle": a.State[:len(a.State)/2],
	} {
		if _, err := s.Open(state, now); err != login.ErrAttempt {
			t.Errorf("%s: %v", name, err)
		}
	}
	late, err := s.Open(a.State, now+login.AttemptLife+1)
	if err != login.ErrAttemptTooOld || late.ReturnTo != a.ReturnTo {
		t.Errorf("too late: %+v, %v", late, err)
	}
	for i := range a.State {
		altered := []byte(a.State)
		if altered[i] ^= 1; altered[i] == a.State[i] {
			continue
		}
		if _, err := s.Open(string(altered), now); err == nil {
			t.Errorf("byte %d may be altered", i)
		}
	}
}

// TestAttempt_RestartKeepsNothing checks that a restarted attempt keeps nothing of the
// first browser.
func TestAttempt_RestartKeepsNothing(t *testing.T) {
	a := login.NewAttempt("web", "https://app.example/", now)
	a.JKT, a.Chosen, a.Prompt = "thumb", true, "login"
	again := a.Restart()
	if again.ID == a.ID || again.JKT != "" || again.Chosen || again.Restarts != a.Restarts+1 || again.Prompt != "login" || again.ReturnTo != a.ReturnTo {
		t.Errorf("%+v", again)
	}
}

func TestBrowser_CanonicalEncoding(t *testing.T) {
	b := login.NewBrowser(now)
	if got, ok := login.ParseBrowser(b.String()); !ok || got != b || got.MadeAt() != now {
		t.Errorf("%v, %t, made at %d", got, ok, got.MadeAt())
	}
	for _, text := range []string{"", b.String() + "A", b.String()[1:], b.String() + "=", strings.Repeat("*", 48), b.String()[:47] + "\n"} {
		if _, ok := login.ParseBrowser(text); ok {
			t.Errorf("%q is a browser", text)
		}
	}
	if b == login.NewBrowser(now) || b.Fingerprint() == login.NewBrowser(now).Fingerprint() || strings.Contains(b.String(), b.Fingerprint()) {
		t.Error("browsers are not told apart, or a fingerprint shows the value")
	}
}
