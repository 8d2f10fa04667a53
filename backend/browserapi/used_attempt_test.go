package browserapi_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// TestUsedAttempt_SignedOut signs out, goes Back to the provider's form and sends it again,
// as the same person and as another one. The person is told, and the page leads to a
// sign-in.
func TestUsedAttempt_SignedOut(t *testing.T) {
	for _, chosen := range []string{"alice", "bob"} {
		w := newBackend(t, nil)
		b := w.browser()
		form := b.Login("return_to=/notes")
		b.Choose(form, "alice")
		b.Post("/logout", `{"scope":"session"}`)
		got := b.Choose(form, chosen)
		w.wants(got, http.StatusBadRequest, api.InvalidRequest)
		if len(sessionCookies(b)) != 0 || !strings.Contains(got.Body, "signed out") {
			t.Errorf("as %s: %v %s", chosen, b.Cookies(), got.Body)
		}
		landed := b.Choose(b.Follow(firstLink(w, got, http.StatusBadRequest)), chosen)
		if landed.URL.String() != origin+"/notes" || w.mint(b, "acme").User.Subject != chosen {
			t.Errorf("as %s, it led to %s: %s", chosen, landed.URL, landed.Body)
		}
	}
}

// TestUsedAttempt_Landed does so in a tab that came back beside another one, and shares
// that one's session.
func TestUsedAttempt_Landed(t *testing.T) {
	for _, chosen := range []string{"alice", "bob"} {
		w := newBackend(t, nil)
		b := w.browser()
		first, form := b.Login("return_to=/"), b.Login("return_to=/notes")
		w.Pass(time.Second) // or the second would begin a session of its own
		b.Choose(first, "alice")
		b.Choose(form, "alice")
		w.theSession(b)
		b.Post("/logout", `{"scope":"session"}`)
		got := b.Choose(form, chosen)
		w.wants(got, http.StatusBadRequest, api.InvalidRequest)
		if len(sessionCookies(b)) != 0 || !strings.Contains(got.Body, "signed out") {
			t.Errorf("as %s: %v %s", chosen, b.Cookies(), got.Body)
		}
	}
}

// TestUsedAttempt_OtherPerson goes Back while signed in and chooses another person: the
// browser neither stays signed in without a word nor changes the person.
func TestUsedAttempt_OtherPerson(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser()
	form := b.Login("return_to=/notes")
	b.Choose(form, "alice")
	got := b.Choose(form, "bob")
	w.wants(got, http.StatusBadRequest, api.InvalidRequest)
	if w.mint(b, "acme").User.Subject != "alice" {
		t.Error("the person has changed")
	}
	landed := b.Choose(b.Follow(firstLink(w, got, http.StatusBadRequest)), "bob")
	if landed.URL.String() != origin+"/notes" || w.mint(b, "acme").User.Subject != "bob" {
		t.Errorf("it led to %s: %s", landed.URL, landed.Body)
	}
}

// TestUsedAttempt_SignedInSince signs out, signs in again, and then goes Back twice.
func TestUsedAttempt_SignedInSince(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser()
	form := b.Login("return_to=/notes")
	b.Choose(form, "alice")
	b.Post("/logout", `{"scope":"session"}`)
	w.signIn(b, "alice")
	if got := b.Choose(form, "alice"); got.URL.String() != origin+"/notes" {
		t.Errorf("it led to %s: %s", got.URL, got.Body)
	}
}

// TestUsedAttempt_StepUpOfEndedSession: a step-up of a session that another tab has ended
// since leads on where the person has signed in anew, and elsewhere says why it does not.
func TestUsedAttempt_StepUpOfEndedSession(t *testing.T) {
	for name, test := range map[string]struct {
		since func(w *backend, b *httpbrowser.Browser)
		want  string
	}{
		"signed in anew":     {func(w *backend, b *httpbrowser.Browser) { w.signIn(b, "alice") }, ""},
		"signed out":         {func(*backend, *httpbrowser.Browser) {}, "?tabard_error=session_revoked"},
		"as another person":  {func(w *backend, b *httpbrowser.Browser) { w.signIn(b, "bob") }, "?tabard_error=session_revoked"},
		"in another browser": {func(w *backend, _ *httpbrowser.Browser) { w.signIn(w.browser(), "alice") }, "?tabard_error=session_revoked"},
		"and signed out again": {func(w *backend, b *httpbrowser.Browser) {
			w.signIn(b, "alice")
			b.Post("/logout", `{"scope":"session"}`)
		}, "?tabard_error=session_revoked"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			b := w.browser()
			w.signIn(b, "alice")
			tab := b.Tab()
			form := tab.Login("return_to=/so&max_age=0&user=" + w.mint(b, "acme").User.ID)
			b.Post("/logout", `{"scope":"session"}`)
			test.since(w, b)
			if got := tab.Choose(form, "alice"); got.URL.String() != origin+"/so"+test.want {
				t.Errorf("it led to %s: %s", got.URL, got.Body)
			}
		})
	}
}

// TestUsedCode_Again opens the callback's address a second time: signed in it leads to the
// app, and signed out to a page, although the provider still has its own session.
func TestUsedCode_Again(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser()
	back := w.callbackOf(b, "return_to=/notes")
	b.Follow(back)
	if got := b.Follow(back); got.URL.String() != origin+"/notes" {
		t.Errorf("signed in, it led to %s: %s", got.URL, got.Body)
	}
	b.Post("/logout", `{"scope":"session"}`)
	w.Provider.AlwaysPrompt = false
	got := b.Follow(back)
	firstLink(w, got, http.StatusBadRequest)
	if len(sessionCookies(b)) != 0 {
		t.Errorf("signed in again: %v", b.Cookies())
	}
}

// losesAnswer has the provider redeem a code, and its answer get lost.
func (w *backend) losesAnswer(times int) {
	provider := w.Hosts["127.0.0.1:8081"]
	w.Hosts["127.0.0.1:8081"] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" && times > 0 {
			times--
			provider.ServeHTTP(httptest.NewRecorder(), r)
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		provider.ServeHTTP(rw, r)
	})
}

// TestUsedCode_AnswerLost loses the token endpoint's answer: the code is used, and Try again
// begins a new attempt at the provider.
func TestUsedCode_AnswerLost(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser()
	form := b.Login("return_to=/notes%3Fa=1&organization=acme")
	w.losesAnswer(1)
	retry := firstLink(w, b.Choose(form, "alice"), http.StatusServiceUnavailable)
	again := b.Follow(retry)
	if again.URL.Host != "127.0.0.1:8081" {
		t.Fatalf("Try again led to %s: %s", again.URL, again.Body)
	}
	if landed := b.Choose(again, "alice"); landed.URL.String() != origin+"/notes?a=1" {
		t.Errorf("it led to %s: %s", landed.URL, landed.Body)
	}
	w.mint(b, "acme")
	w.theSession(b)
}

// TestUsedCode_StepUp loses the answer of a step-up.
func TestUsedCode_StepUp(t *testing.T) {
	for name, device := range map[string]*httpbrowser.Device{"without a device key": nil, "with one": httpbrowser.NewDevice(t)} {
		w := newBackend(t, nil)
		b := w.browser().On(device)
		w.signIn(b, "alice")
		user := w.mint(b, "acme").User.ID
		form := b.Begin(publicURL + "/login?" + url.Values{"organization": {"acme"}, "user": {user}, "max_age": {"60"}, "return_to": {"/notes"}}.Encode())
		w.losesAnswer(1)
		retry := firstLink(w, b.Choose(form, "alice"), http.StatusServiceUnavailable)
		if landed := b.Choose(b.Follow(retry), "alice"); landed.URL.String() != origin+"/notes" {
			t.Errorf("%s, it led to %s: %s", name, landed.URL, landed.Body)
		}
		if minted := w.mint(b, "acme"); minted.User.ID != user {
			t.Errorf("%s: %+v", name, minted)
		}
		if landed := b.Follow(retry); landed.URL.String() != origin+"/notes" {
			t.Errorf("%s, the callback of the first code then leads to %s", name, landed.URL)
		}
	}
}

// TestUsedCode_Once meets a provider that refuses every code, as it does for a wrong redirect
// URI, and that remembers the person: the browser goes there twice and then back to the app.
func TestUsedCode_Once(t *testing.T) {
	w := newBackend(t, nil)
	w.Provider.AlwaysPrompt = false
	w.Provider.Endpoints = map[string]http.HandlerFunc{"/token": func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(http.StatusBadRequest)
		rw.Write([]byte(`{"error":"invalid_grant","error_description":"redirect_uri differs"}`))
	}}
	b := w.browser()
	landed := b.Choose(b.Login("return_to=/notes"), "alice")
	if refusedWith(landed) != "invalid_response" || len(w.Provider.Redeemed) != 2 {
		t.Errorf("after %d codes it led to %s: %s", len(w.Provider.Redeemed), landed.URL, landed.Body)
	}
	if !strings.Contains(w.Logged.String(), "redirect_uri differs") {
		t.Errorf("the log lacks the provider's words: %s", w.Logged)
	}
}
