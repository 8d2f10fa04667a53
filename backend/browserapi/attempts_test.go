package browserapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// TestAttempts_OneLastingCookie checks that any number of sign-ins share one cookie.
func TestAttempts_OneLastingCookie(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser()
	b.Login("")
	first := b.Cookies()
	var pages []httpbrowser.Response
	for i := range 40 {
		page := b.Login("return_to=" + url.QueryEscape(fmt.Sprintf("/tab-%d?q=%s", i, strings.Repeat("x", i*50))))
		if state := page.URL.Query().Get("state"); len(state) > login.MaxState {
			t.Errorf("a state of %d characters", len(state))
		}
		pages = append(pages, page)
		w.Pass(time.Second)
		if got := b.Cookies(); fmt.Sprint(got) != fmt.Sprint(first) || cookieBytes(b) > 90 {
			t.Fatalf("the browser keeps %v, want %v", got, first)
		}
	}
	for i, page := range pages[:6] {
		if landed := b.Choose(page, "alice"); landed.URL.Path != fmt.Sprintf("/tab-%d", i) {
			t.Errorf("%d landed on %s: %s", i, landed.URL, landed.Body)
		}
	}
}

// TestAttempts_TwelveAtOnceWithoutCookie starts twelve sign-ins at once. Each answer
// sets another browser value, and the browser keeps the last. The other sign-ins
// restart once, or find the user signed in.
func TestAttempts_TwelveAtOnceWithoutCookie(t *testing.T) {
	for at, query := range map[string]string{"the workspace's provider": "", "an organization's own": "organization=acme&"} {
		for name, sooner := range map[string]bool{"the last comes back last": false, "the last comes back first": true} {
			t.Run(at+", "+name, func(t *testing.T) {
				w := newBackend(t, nil)
				w.connect("acme", directory.Provisioning{JustInTime: true})
				jar := w.browser()
				var pages []httpbrowser.Response
				for i := range 12 {
					tab := w.browser() // no answer has arrived
					pages = append(pages, tab.Login(fmt.Sprintf("%sreturn_to=/tab-%d", query, i)))
					jar.Restore(tab.Keep())
				}
				for i := range pages {
					if sooner {
						i = 11 - i
					}
					landed := jar.Choose(pages[i], "alice")
					if landed = jar.Choose(landed, "alice"); landed.URL.String() != fmt.Sprintf("%s/tab-%d", origin, i) {
						t.Errorf("%d landed on %s: %d %s", i, landed.URL, landed.Status, landed.Body)
					}
				}
				w.mint(jar, "acme")
				w.theSession(jar)
			})
		}
	}
}

// TestAttempt_RestartsAtTheOwnConnectionOnly checks that a callback restarts at an
// organization's own provider only in a browser that began there. Whoever runs that
// provider could otherwise sign anybody in as somebody else.
func TestAttempt_RestartsAtTheOwnConnectionOnly(t *testing.T) {
	for name, visit := range map[string]string{"has no value": "", "began at the workspace's provider": "return_to=/", "began at another organization's": "organization=globex"} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			provider := w.connect("acme", directory.Provisioning{JustInTime: true})
			w.connect("globex", directory.Provisioning{})
			attack := w.browser().Login("organization=acme&return_to=/notes")
			victim := w.browser()
			if visit != "" {
				victim.Login(visit)
			}
			got := victim.Step(publicURL + "/callback/con_acme?" + provider.SignIn(attack.URL.String(), "mallory").Encode())
			asked := victim.Follow(firstLink(w, got, http.StatusBadRequest))
			on := linksOf(asked)["Continue to sign in"]
			if on == "" || len(sessionCookies(victim)) != 0 {
				t.Fatalf("the page led to %s without asking: %s", asked.URL, asked.Body)
			}
			if landed := victim.Choose(victim.Follow(on), "alice"); landed.URL.String() != origin+"/notes" {
				t.Errorf("asked, it led to %s: %s", landed.URL, landed.Body)
			}
			w.theSession(victim)
		})
	}
}

// TestAttempt_BlockedCookiesAtAConnection checks that the second callback without a
// cookie tells the person about cookies.
func TestAttempt_BlockedCookiesAtAConnection(t *testing.T) {
	w := newBackend(t, nil)
	provider := w.connect("acme", directory.Provisioning{JustInTime: true})
	address := publicURL + "/login?organization=acme"
	for _, want := range []string{"another browser", "does not store cookies"} {
		page := w.browser().Follow(address)
		if on := linksOf(page)["Continue to sign in"]; on != "" {
			page = w.browser().Follow(on)
		}
		got := w.browser().Step(publicURL + "/callback/con_acme?" + provider.SignIn(page.URL.String(), "alice").Encode())
		if address = firstLink(w, got, http.StatusBadRequest); !strings.Contains(got.Body, want) {
			t.Errorf("the page does not say %q: %s", want, got.Body)
		}
	}
}

// TestAttempt_RestartedOnce checks the page for a browser that stores no cookies.
func TestAttempt_RestartedOnce(t *testing.T) {
	w := newBackend(t, nil)
	redeemed := w.redeemed()
	back := w.callbackOf(w.browser(), "")
	blocked := func() *httpbrowser.Browser { return w.browser() }
	again := blocked().Step(back).Header.Get("Location")
	second := publicURL + "/callback?" + w.Provider.SignIn(again, "alice").Encode()
	got := blocked().Step(second)
	w.wants(got, http.StatusBadRequest, api.InvalidRequest)
	if !strings.Contains(got.Body, "cookies") || *redeemed != 0 {
		t.Errorf("%d redeemed, %s", *redeemed, got.Body)
	}
}

// TestAttempt_OtherBrowserKeepsItsSession checks that an attempt does not restart in a
// browser that had a value before it.
func TestAttempt_OtherBrowserKeepsItsSession(t *testing.T) {
	w := newBackend(t, nil)
	victim := w.signedIn("alice")
	before := victim.Cookies()
	w.Pass(5 * time.Minute)
	got := victim.Step(w.callbackOf(w.browser(), ""))
	w.wants(got, http.StatusBadRequest, api.InvalidRequest)
	if fmt.Sprint(victim.Cookies()) != fmt.Sprint(before) {
		t.Errorf("the victim keeps %v, want %v", victim.Cookies(), before)
	}
}

// TestAttempt_RestartedProvesNothing checks that a restarted attempt drops the session,
// the device key and the tenant's provider.
func TestAttempt_RestartedProvesNothing(t *testing.T) {
	t.Run("a step-up", func(t *testing.T) {
		w := newBackend(t, nil)
		w.rule(map[string]policy.Rules{"acme": mfa})
		b := w.signedIn("alice")
		e := w.challenged(b.Post("/token", enters))
		page := b.Follow(e.LoginURL)
		back := publicURL + "/callback?" + w.Provider.SignIn(page.URL.String(), "alice").Encode()
		got := w.browser().Step(back)
		if location := got.Header.Get("Location"); got.Status != http.StatusSeeOther || !strings.Contains(location, api.ParamError+"="+string(api.TemporarilyUnavailable)) || !strings.HasPrefix(location, origin) {
			t.Errorf("%d %v", got.Status, got.Header)
		}
	})
	t.Run("a tenant's provider", func(t *testing.T) {
		w := newBackend(t, nil)
		provider := w.connect("acme", directory.Provisioning{})
		page := w.browser().Login("organization=acme")
		back := publicURL + "/callback/con_acme?" + provider.SignIn(page.URL.String(), "mallory").Encode()
		victim := w.browser()
		if got := victim.Step(back); strings.HasPrefix(got.Header.Get("Location"), provider.Issuer) || len(sessionCookies(victim)) != 0 {
			t.Errorf("%d %v", got.Status, got.Header)
		}
	})
	t.Run("a device key", func(t *testing.T) {
		w := newBackend(t, nil)
		attacker := w.browser().On(httpbrowser.NewDevice(t))
		page := attacker.Begin(publicURL + "/login")
		back := publicURL + "/callback?" + w.Provider.SignIn(page.URL.String(), "mallory").Encode()
		victim := w.browser()
		victim.Choose(victim.Follow(back), "alice")
		if minted := w.mint(victim, "acme"); minted.DeviceBound {
			t.Error("the victim's session is bound to somebody else's key")
		}
	})
}

// TestAttempt_PreviousRelease completes an attempt of the previous release, once and in
// its own browser.
func TestAttempt_PreviousRelease(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser()
	attempt := login.NewAttempt("web", origin+"/notes", w.Now().Unix())
	w.storePreviousAttempt(b, attempt)
	relying := login.New(login.Config{Issuer: issuer, ClientID: "tabard", RedirectURL: publicURL + "/callback", Transport: w.Hosts})
	address, err := relying.AuthorizationURL(t.Context(), attempt, login.Request{})
	if err != nil {
		t.Fatal(err)
	}
	back := publicURL + "/callback?" + w.Provider.SignIn(address, "alice").Encode()
	w.wants(w.browser().Step(back), http.StatusBadRequest, api.InvalidRequest)
	got := b.Step(back)
	if got.Status != http.StatusSeeOther || got.Header.Get("Location") != origin+"/notes" {
		t.Errorf("%d %v", got.Status, got.Header)
	}
	w.theSession(b)
	w.wants(b.Step(back), http.StatusBadRequest, api.InvalidRequest)
}

// TestAttempts_TwelveAtOnceByFormPost is TestAttempts_TwelveAtOnceWithoutCookie at a
// provider that answers by a form.
func TestAttempts_TwelveAtOnceByFormPost(t *testing.T) {
	w := newFormPostBackend(t)
	jar := w.browser()
	var tabs []*httpbrowser.Browser
	var pages []httpbrowser.Response
	for i := range 12 {
		tab := w.browser() // no answer has arrived
		pages = append(pages, tab.Login(fmt.Sprintf("return_to=/tab-%d", i)))
		jar.Restore(tab.Keep())
		tabs = append(tabs, tab.Sharing(jar))
	}
	for i, tab := range tabs {
		landed := pages[i]
		for range 8 { // the provider's page, its form, the form that is posted again, the page that leads on
			_, fields := logintest.PostedForm(landed.Body)
			_, refresh, leads := strings.Cut(landed.Body, `content="0; url=`)
			address, _, _ := strings.Cut(refresh, `"`)
			switch {
			case leads:
				landed = tab.Follow(strings.ReplaceAll(address, "&amp;", "&"))
			case fields.Has("state"):
				landed = posts(tab, landed)
			default:
				landed = tab.Choose(landed, "alice")
			}
		}
		if landed.URL.String() != fmt.Sprintf("%s/tab-%d", origin, i) {
			t.Errorf("%d landed on %s: %d %s", i, landed.URL, landed.Status, landed.Body)
		}
	}
	w.mint(jar, "acme")
	w.theSession(jar)
}
