package browserapi_test

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

func TestCookie_ForgedIsLikeNone(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	name, value := w.theSession(b)
	raw, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	altered := func(at int) string {
		other := slices.Clone(raw)
		other[at] ^= 1
		return base64.RawURLEncoding.EncodeToString(other)
	}
	for what, forged := range map[string]string{
		"cut":                value[:len(value)-1],
		"cut to nothing":     "",
		"longer":             value + "A",
		"padded":             value + "==",
		"quoted":             `"` + value + `"`,
		"another version":    altered(0),
		"another key":        altered(1),
		"another session":    altered(4),
		"another generation": altered(23),
		"another id":         altered(24),
		"another parent":     altered(40),
		"another time":       altered(63),
		"another MAC":        altered(len(raw) - 1),
		"standard alphabet":  strings.NewReplacer("-", "+", "_", "/").Replace(value) + "+",
		"of another sort":    "eyJhbGciOiJub25lIn0.e30.",
		"with a null byte":   value[:10] + "%00" + value[13:],
	} {
		t.Run(what, func(t *testing.T) {
			w := w.inSubtest(t)
			got := b.Copy().With("Cookie", name+"="+forged).Post("/token", `{"organization":"acme"}`)
			w.wants(got, http.StatusUnauthorized, api.LoginRequired)
			if names := cleared(got); !slices.Equal(names, []string{name}) {
				t.Errorf("cleared %v, want %s", names, name)
			}
		})
	}
	w.mint(b, "acme")
}

func TestCookie_PrefixesAndBitFlipsRefused(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	name, value := w.theSession(b)
	for i := range value {
		flipped := []byte(value)
		if flipped[i] ^= 1; !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", rune(flipped[i])) {
			flipped[i] = 'A' + (value[i]+1)%26
		}
		for _, forged := range []string{value[:i], string(flipped)} {
			if forged == value {
				continue
			}
			if got := b.Copy().With("Cookie", name+"="+forged).Post("/token", `{"organization":"acme"}`); got.Status != http.StatusUnauthorized {
				t.Fatalf("byte %d: %d %s", i, got.Status, got.Body)
			}
		}
	}
	w.mint(b, "acme")
}

func TestCookie_OtherNameNotAccepted(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	_, value := w.theSession(b)
	for _, name := range []string{"__Host-Http-tabard.web.aaaaaaaa", "__Host-Http-tabard.web.", "__Host-tabard.web.x", "tabard", "__Host-Http-tabard"} {
		got := b.Copy().With("Cookie", name+"="+value).Post("/token", `{"organization":"acme"}`)
		w.wants(got, http.StatusUnauthorized, api.LoginRequired)
	}
}

func TestCookie_RepeatedNameRefused(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	name, value := w.theSession(b)
	for _, other := range []string{value, "forged", ""} {
		for _, header := range []string{name + "=" + value + "; " + name + "=" + other, name + "=" + other + "; " + name + "=" + value} {
			got := b.Copy().With("Cookie", header).Post("/token", `{"organization":"acme"}`)
			w.wants(got, http.StatusBadRequest, api.InvalidRequest)
		}
	}
}

// TestCookies_TwelveSessionsAtMost checks that repeated sign-ins do not add cookies
// without limit, and that none is refused.
func TestCookies_TwelveSessionsAtMost(t *testing.T) {
	for _, keyed := range []bool{false, true} {
		w := newBackend(t, nil)
		b := w.browser()
		if keyed {
			b = b.On(httpbrowser.NewDevice(t))
		}
		for range 30 {
			w.Pass(12 * time.Second) // of those in a minute six are sessions of their own
			b.SignIn("alice")
			if size := cookieBytes(b); len(sessionCookies(b)) > 12 || size > 2560 {
				t.Fatalf("%d sessions, %d bytes", len(sessionCookies(b)), size)
			}
		}
		if got := len(sessionCookies(b)); got != 12 {
			t.Errorf("%d sessions are kept, want 12", got)
		}
		if got := b.Get("/session"); got.Status != http.StatusOK {
			t.Errorf("%d %s", got.Status, got.Body)
		}
		w.mint(b, "acme")
		w.theSession(b)
	}
}

// cookieBytes returns the length of the browser's Cookie header.
func cookieBytes(b *httpbrowser.Browser) (n int) {
	for name, value := range b.Cookies() {
		n += len(name) + len(value) + 3
	}
	return n
}

// TestCookies_MoreThanTwelve checks that a request which may change state ends surplus
// sessions.
func TestCookies_MoreThanTwelve(t *testing.T) {
	w := newBackend(t, nil)
	b, all := w.browser(), w.browser()
	for range 40 {
		w.Pass(12 * time.Second)
		b.SignIn("alice")
		for name, value := range sessionCookies(b) {
			all.SetCookie(name, value)
		}
	}
	if got := len(sessionCookies(all)); got != 40 {
		t.Fatalf("%d cookies", got)
	}
	if got := all.Copy().Get("/session"); got.Status != http.StatusOK {
		t.Errorf("reading: %d %s", got.Status, got.Body)
	}
	w.mint(all, "acme")
	w.theSession(all)
}

func TestCookie_OtherAppsIsKept(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	name, value := w.theSession(b)
	desk := w.Browser(sibling)
	desk.SetCookie(name, value)
	got := desk.Post("/token", `{"organization":"acme"}`)
	w.wants(got, http.StatusUnauthorized, api.LoginRequired)
	if len(got.Cookies()) != 0 {
		t.Errorf("the other app's cookie was touched: %v", got.Cookies())
	}
	renamed := strings.Replace(name, ".web.", ".desk.", 1)
	got = desk.With("Cookie", renamed+"="+value).Post("/token", `{"organization":"acme"}`)
	w.wants(got, http.StatusUnauthorized, api.LoginRequired)
	if names := cleared(got); !slices.Equal(names, []string{renamed}) {
		t.Errorf("cleared %v", names)
	}
	w.mint(b, "acme")
}

func TestCookie_ExpiredSessionCleared(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"": {SessionIdle: policy.NoLimit}})
	b := w.signedIn("alice")
	name, _ := w.theSession(b)
	b.Now = func() time.Time { return time.Time{} } // keep cookies past their Max-Age
	w.Pass(24*time.Hour - time.Second)
	w.mint(b.Copy(), "acme")
	w.Pass(time.Second)
	for _, got := range []func() (r interface{ Code() string }, names []string){
		func() (interface{ Code() string }, []string) { r := b.Copy().Get("/session"); return r, cleared(r) },
		func() (interface{ Code() string }, []string) {
			r := b.Copy().Post("/token", `{}`)
			return r, cleared(r)
		},
	} {
		if r, names := got(); r.Code() != string(api.SessionExpired) || !slices.Equal(names, []string{name}) {
			t.Errorf("%s, cleared %v", r.Code(), names)
		}
	}
}

func TestCookie_UnknownSessionCleared(t *testing.T) {
	w := newBackend(t, nil)
	other := newBackend(t, nil)
	b := other.signedIn("alice")
	name, value := other.theSession(b)
	got := w.browser().With("Cookie", name+"="+value).Post("/token", `{}`)
	w.wants(got, http.StatusUnauthorized, api.SessionExpired)
	if names := cleared(got); !slices.Equal(names, []string{name}) {
		t.Errorf("cleared %v", names)
	}
}

// TestCookie_SignInMakesNewSession checks against session fixation: a value that the
// server did not issue is neither a session nor kept by the next sign-in.
func TestCookie_SignInMakesNewSession(t *testing.T) {
	w := newBackend(t, nil)
	attacker := w.signedIn("alice")
	name, value := w.theSession(attacker)
	victim := w.browser()
	victim.SetCookie(name, value)
	w.Pass(time.Second)
	w.signIn(victim, "bob")
	if minted := w.mint(victim, "acme"); minted.User.Subject != "bob" {
		t.Errorf("the victim's tab acts for %s", minted.User.Subject)
	}
	if newName, _ := w.theSession(victim); newName == name {
		t.Error("the session kept the attacker's id")
	}
}

func TestCookie_NewSignInEndsOlderSession(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	older, value := w.theSession(b)
	thief := b.Copy()
	w.Pass(time.Second)
	w.signIn(b, "bob")
	if len(sessionCookies(b)) != 2 {
		t.Fatalf("the browser keeps %v", sessionCookies(b))
	}
	read := b.Get("/session")
	if read.Status != http.StatusOK || !strings.Contains(read.Body, `"sub":"bob"`) || len(read.Cookies()) != 0 {
		t.Errorf("reading: %d %s %v", read.Status, read.Body, read.Cookies())
	}
	w.mint(thief.Copy(), "acme") // reading ended no session
	got := b.Post("/token", `{"organization":"acme"}`)
	if !strings.Contains(got.Body, `"sub":"bob"`) || !slices.Equal(cleared(got), []string{older}) {
		t.Errorf("%s, cleared %v", got.Body, cleared(got))
	}
	w.wants(thief.With("Cookie", older+"="+value).Post("/token", `{}`), http.StatusUnauthorized, api.SessionRevoked)
	ended := w.events(audit.SignOut)
	if len(ended) != 1 || ended[0].Reason != string(session.ReasonSuperseded) || ended[0].Actor != audit.Server || !strings.HasPrefix(ended[0].SessionID, "ses_"+older[len(older)-8:]) {
		t.Errorf("the trail says %+v", ended)
	}
}

func TestCookie_TwoSignInsInOneSecond(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	w.signIn(b, "bob")
	if minted := w.mint(b, "acme"); minted.User.Subject != "bob" {
		t.Errorf("%s won", minted.User.Subject)
	}
}

func TestCookie_EndedBesideLiveOneCleared(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	living, _ := w.theSession(b)
	gone := living[:len(living)-8] + "aaaaaaaa"
	b.SetCookie(gone, "nothing")
	if got := b.Get("/session"); got.Status != http.StatusOK || !slices.Equal(cleared(got), []string{gone}) {
		t.Errorf("%d, cleared %v", got.Status, cleared(got))
	}
	if name, _ := w.theSession(b); name != living {
		t.Errorf("%s is left", name)
	}
}

// TestCookie_LateAnswerOfEndedSession checks that a late answer of an ended session
// does not replace a newer session's cookie.
func TestCookie_LateAnswerOfEndedSession(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	w.Pass(time.Duration(session.LimitsFor(false).R) * time.Second)
	late := b.Copy().Post("/token", `{"organization":"acme"}`).Cookies()
	if len(late) != 1 || late[0].MaxAge <= 0 {
		t.Fatalf("no successor was due: %v", late)
	}
	b.Post("/logout", `{"scope":"session"}`)
	w.signIn(b, "bob")
	b.SetCookie(late[0].Name, late[0].Value)
	if minted := w.mint(b, "acme"); minted.User.Subject != "bob" {
		t.Errorf("%s is back", minted.User.Subject)
	}
	if name, _ := w.theSession(b); name == late[0].Name {
		t.Error("the late cookie is kept")
	}
}

// TestCookie_CopyEndsSession checks that the session ends for the owner and the copy
// after they diverge at a rotation.
func TestCookie_CopyEndsSession(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	w.mint(b, "acme")
	thief := b.Copy()
	rotation := time.Duration(session.LimitsFor(false).R) * time.Second
	for range 2 { // the first mint returns the successor, the second one uses it
		w.Pass(rotation)
		w.mint(thief, "acme")
		w.mint(thief, "acme")
	}
	w.Pass(rotation)
	got := b.Post("/token", `{"organization":"acme"}`)
	w.wants(got, http.StatusUnauthorized, api.RefreshTokenReused)
	if len(cleared(got)) != 1 || strings.Contains(got.Body, "eyJ") {
		t.Errorf("%s, cleared %v", got.Body, cleared(got))
	}
	w.wants(thief.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.RefreshTokenReused)
}

// tampered returns a token with a different last character.
func tampered(token string) string {
	last := "A"
	if strings.HasSuffix(token, last) {
		last = "B"
	}
	return token[:len(token)-1] + last
}

func TestRefusal_Concurrent(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	name, value := w.theSession(b)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			got := b.Copy().With("Cookie", name+"="+tampered(value)).Post("/token", `{}`)
			w.wants(got, http.StatusUnauthorized, api.LoginRequired)
		})
	}
	group.Wait()
}

// FuzzTheCookieHeader checks that an arbitrary Cookie header causes no token, no server
// error and no cookie except cleared ones of the app.
func FuzzTheCookieHeader(f *testing.F) {
	w := newBackend(f, nil)
	b := w.signedIn("alice")
	name, value := w.theSession(b)
	for _, header := range []string{
		"", name, name + "=", name + "=" + value[:100], name + "=" + value + "A", name + "x=" + value, "=" + value, ";;;", "a=b; " + name + "=x; " + name + "=y",
		name[:len(name)-8] + "=x", strings.Repeat(name[:len(name)-8]+"a=b; ", 99),
		"__Host-Http-tabard.web.=x", "__Host-Http-tabard.web.\"=\"", "__Host-Http-tabard.desk.aaaaaaaa=x", name + "=\"\"", "\x00=\x00", strings.Repeat("__Host-Http-tabard.web.a=b; ", 99),
	} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if strings.Contains(header, value) {
			return // the real cookie may pass
		}
		w := w.inSubtest(t)
		got := w.browser().With("Cookie", header).Post("/token", `{"organization":"acme"}`)
		if got.Code() != string(api.LoginRequired) && got.Code() != string(api.InvalidRequest) && got.Code() != string(api.SessionExpired) {
			t.Errorf("%q: %d %s", header, got.Status, got.Body)
		}
		for _, c := range got.Cookies() {
			if c.MaxAge >= 0 || c.Value != "" || !strings.HasPrefix(c.Name, name[:len(name)-8]) {
				t.Errorf("%q: %s", header, c.Raw)
			}
		}
	})
}
