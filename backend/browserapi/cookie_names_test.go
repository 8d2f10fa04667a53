package browserapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// unmarked returns the previous release's name of a session cookie.
func unmarked(name string) string {
	parts := strings.Split(name, ".")
	return strings.Join([]string{parts[0], parts[2], parts[3]}, ".")
}

// rename renames the browser's only session cookie to the previous release's name.
func (w *backend) rename(b *httpbrowser.Browser) (name, value string) {
	w.Helper()
	name, value = w.theSession(b)
	b.SetCookie(name, "")
	b.SetCookie(unmarked(name), value)
	return name, value
}

// TestCookies_TwoServersOnOneHost checks that neither of two servers on different ports
// reads, counts or clears the other's cookies.
func TestCookies_TwoServersOnOneHost(t *testing.T) {
	w, other := newBackend(t, nil), newBackend(t, nil)
	for name, public := range map[string]string{"another port": "http://localhost:8090/auth", "another path": origin + "/staging/auth"} {
		t.Run(name, func(t *testing.T) {
			w, other := w.inSubtest(t), other.inSubtest(t)
			w.Hosts["localhost:8090"] = other.Handler(public, other.Through)
			if strings.HasPrefix(public, origin) {
				mux := http.NewServeMux()
				mux.Handle("/", w.Handler(publicURL, w.Through))
				mux.Handle("/staging/", other.Handler(public, other.Through))
				w.Hosts["localhost:8080"] = mux
			}
			b := w.signedIn("alice")
			at := func(b *httpbrowser.Browser) *httpbrowser.Browser {
				there := httpbrowser.New(w, origin, public).Sharing(b)
				there.Transport, there.Now = w.Hosts, w.Now
				return there
			}
			for what, before := range map[string]*httpbrowser.Browser{"marked": b, "of the release before": b.Copy()} {
				if what != "marked" {
					w.rename(before)
				}
				there := at(before)
				for _, got := range []httpbrowser.Response{
					there.Get("/session"), there.Post("/token", `{"organization":"acme"}`), there.Post("/logout", `{"scope":"session"}`),
					there.Step(public + "/callback?state=x"),
				} {
					if got.Status == http.StatusOK && got.Code() == "" && !strings.Contains(got.Body, "server_time") || len(got.Cookies()) != 0 {
						t.Errorf("%s: %d %s, %v", what, got.Status, got.Body, got.Cookies())
					}
				}
				w.wants(there.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.LoginRequired)
				for range 30 {
					there.Step(public + "/login?return_to=/")
				}
				w.mint(before, "acme")
			}
		})
	}
}

// TestCookies_PreviousRelease checks that cookies of the previous release are read, and
// replaced in the same answer.
func TestCookies_PreviousRelease(t *testing.T) {
	for what, ask := range map[string]func(*httpbrowser.Browser) httpbrowser.Response{
		"POST /token":  func(b *httpbrowser.Browser) httpbrowser.Response { return b.Post("/token", `{"organization":"acme"}`) },
		"GET /session": func(b *httpbrowser.Browser) httpbrowser.Response { return b.Get("/session") },
		"a rotation that is due": func(b *httpbrowser.Browser) httpbrowser.Response {
			return b.Post("/token", `{"organization":"globex","enter":true}`)
		},
	} {
		w := newBackend(t, nil)
		b := w.signedIn("alice")
		w.mint(b, "acme")
		name, value := w.rename(b)
		due := strings.Contains(what, "due")
		if due {
			w.Pass(time.Hour)
		}
		if got := ask(b); got.Status != http.StatusOK {
			t.Errorf("%s: %d %s", what, got.Status, got.Body)
		}
		if now, kept := w.theSession(b); now != name || (kept == value) == due {
			t.Errorf("%s: the browser keeps %s", what, now)
		}
		w.mint(b, "acme")
	}
}

// TestCookies_PreviousReleaseEnded checks that this server's ended cookies are cleared
// under the old name too.
func TestCookies_PreviousReleaseEnded(t *testing.T) {
	w := newBackend(t, nil)
	out := w.signedIn("alice")
	w.rename(out)
	kept := out.Copy()
	if got := out.Post("/logout", `{"scope":"session"}`); got.Status != http.StatusOK || len(sessionCookies(out)) != 0 {
		t.Errorf("%d %s, %v", got.Status, got.Body, out.Cookies())
	}
	w.wants(kept.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.SessionRevoked)
	if len(sessionCookies(kept)) != 0 {
		t.Errorf("kept %v", kept.Cookies())
	}
}

// TestCookies_OtherServersSecret checks that unmarked cookies of another server are
// kept.
func TestCookies_OtherServersSecret(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	w.rename(b)
	w.Secret, _ = signingkey.NewSecret()
	w.Restart()
	got := b.Post("/token", `{"organization":"acme"}`)
	if w.wants(got, http.StatusUnauthorized, api.LoginRequired); len(got.Cookies()) != 0 {
		t.Errorf("%v", got.Cookies())
	}
}

// TestCookies_UnderTwoNames checks that only the newest token of a session is judged.
// Judging the other one as well would detect token reuse.
func TestCookies_UnderTwoNames(t *testing.T) {
	for what, newerIsMarked := range map[string]bool{"the marked is newer": true, "the unmarked is newer": false} {
		w := newBackend(t, nil)
		b := w.signedIn("alice")
		w.mint(b, "acme")
		name, first := w.theSession(b)
		for range 3 {
			w.Pass(time.Hour)
			w.mint(b, "acme")
			w.mint(b, "acme")
		}
		_, newest := w.theSession(b)
		b.SetCookie(unmarked(name), first)
		if !newerIsMarked {
			b.SetCookie(name, first)
			b.SetCookie(unmarked(name), newest)
		}
		w.Pass(10 * time.Minute)
		for range 5 {
			w.mint(b, "acme")
			w.Pass(time.Hour)
		}
		if now, _ := w.theSession(b); now != name {
			t.Errorf("%s: the browser keeps %s", what, now)
		}
	}
}

// TestCookies_ForgedUnderTwoNames checks that a forged token under one name does not
// affect the other one.
func TestCookies_ForgedUnderTwoNames(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	name, value := w.theSession(b)
	later := value[:30] + "Q" + value[31:] // a generation far ahead
	for _, header := range []string{name + "=" + value + "; " + unmarked(name) + "=" + later, name + "=" + later + "; " + unmarked(name) + "=" + value} {
		if got := b.Copy().With("Cookie", header).Post("/token", `{"organization":"acme"}`); got.Status != http.StatusOK {
			t.Errorf("%d %s", got.Status, got.Body)
		}
	}
}
