package browserapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp"
)

func TestSignIn_SessionAndToken(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser()
	landed := b.Choose(b.Login("return_to=/notes?a=1%26b=2"), "alice")
	if got := landed.URL.String(); got != origin+"/notes?a=1&b=2" {
		t.Errorf("landed on %s", got)
	}
	minted := w.mint(b, "acme")
	if minted.Organization != (api.Organization{ID: "org_acme", Slug: "acme", Name: "Acme"}) || minted.User.Subject != "alice" || minted.User.Issuer != issuer {
		t.Errorf("minted %+v", minted)
	}
	verifier, err := token.NewVerifier(token.Config{
		Issuer: publicURL, Audience: origin + "/api", Keys: token.NewKeySet(publicURL+"/.well-known/jwks.json", &http.Client{Transport: w.Hosts}), Now: w.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := verifier.Verify(t.Context(), minted.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	if claims.OrganizationID != "org_acme" || claims.Subject != minted.User.ID || claims.SessionID != minted.Session || claims.ClientID != "web" {
		t.Errorf("claims %+v", claims)
	}
}

func TestSignIn_DevelopmentProvider(t *testing.T) {
	w := newBackend(t, nil)
	provider, err := idp.New(idp.Config{
		Issuer: issuer, ClientID: "tabard", ClientSecret: "the client's secret",
		RedirectURIs: []string{publicURL + "/callback"}, PostLogoutRedirectURIs: []string{origin + "/"},
		People: []idp.Person{{Subject: "alice", Name: "Alice Martin", Email: "alice@example.com"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Hosts["127.0.0.1:8081"] = provider
	b := w.signedIn("alice")
	if minted := w.mint(b, "globex"); minted.User.Name != "Alice Martin" || minted.User.Email != "alice@example.com" {
		t.Errorf("the person is %+v", minted.User)
	}
	var out api.LogoutResponse
	b.Post("/logout", `{"scope":"session"}`).JSON(t, &out)
	if landed := b.Follow(out.EndSessionURL); landed.URL.String() != origin+"/" {
		t.Errorf("the provider's sign-out led to %s: %s", landed.URL, landed.Body)
	}
	if page := b.Login(""); page.URL.Host != "127.0.0.1:8081" {
		t.Errorf("the provider still knows who was there, and led to %s", page.URL)
	}
}

// TestSignIn_CallbackOfOtherBrowser checks that the code is not redeemed and that the
// victim gets a new sign-in.
func TestSignIn_CallbackOfOtherBrowser(t *testing.T) {
	w := newBackend(t, nil)
	redeemed := w.redeemed()
	attacker, victim := w.browser(), w.browser()
	back := w.callbackOf(attacker, "return_to=/notes")
	got := victim.Step(back)
	if *redeemed != 0 || len(sessionCookies(victim)) != 0 || got.Status != http.StatusSeeOther || !strings.HasPrefix(got.Header.Get("Location"), issuer) {
		t.Fatalf("%d codes redeemed, %d %v", *redeemed, got.Status, got.Header)
	}
	if landed := victim.Choose(victim.Follow(got.Header.Get("Location")), "bob"); landed.URL.String() != origin+"/notes" || w.mint(victim, "acme").User.Subject != "bob" {
		t.Errorf("landed on %s", landed.URL)
	}
}

// TestSignIn_CallbackOfOtherBrowserDuringOne checks this for a browser with a sign-in of
// its own in progress.
func TestSignIn_CallbackOfOtherBrowserDuringOne(t *testing.T) {
	w := newBackend(t, nil)
	redeemed := w.redeemed()
	attacker, victim := w.browser(), w.browser()
	back := w.callbackOf(attacker, "return_to=/notes")
	own := victim.Login("return_to=/notes")
	if got := victim.Step(back); *redeemed != 0 || len(sessionCookies(victim)) != 0 {
		t.Fatalf("%d codes redeemed, %d %v", *redeemed, got.Status, got.Header)
	}
	if landed := victim.Choose(own, "bob"); landed.URL.String() != origin+"/notes" || w.mint(victim, "acme").User.Subject != "bob" {
		t.Errorf("landed on %s", landed.URL)
	}
}

// redeemed counts redeemed codes.
func (w *backend) redeemed() *int {
	n := new(int)
	provider := w.Hosts["127.0.0.1:8081"]
	w.Hosts["127.0.0.1:8081"] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			*n++
		}
		provider.ServeHTTP(rw, r)
	})
	return n
}

// callbackOf signs alice in and returns the address of the callback.
func (w *backend) callbackOf(b *httpbrowser.Browser, query string) string {
	w.Helper()
	page := b.Login(query)
	back := w.Provider.SignIn(page.URL.String(), "alice")
	return publicURL + "/callback?" + back.Encode()
}

func TestSignIn_CallbackUsedTwice(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser()
	back := w.callbackOf(b, "")
	before := b.Copy()
	if got := b.Step(back); got.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	for _, again := range []*httpbrowser.Browser{b, before} {
		had := len(sessionCookies(again))
		if got := again.Step(back); len(sessionCookies(again)) != had {
			t.Errorf("it made a second session: %d %v", got.Status, got.Header)
		}
	}
}

func TestSignIn_WholeState(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser()
	back, err := url.Parse(w.callbackOf(b, ""))
	if err != nil {
		t.Fatal(err)
	}
	query := back.Query()
	state := query.Get("state")
	for _, other := range []string{"", state[:8], state[:len(state)-1], state + "A", strings.ToLower(state), state[:8] + strings.Repeat("A", len(state)-8)} {
		query.Set("state", other)
		got := b.Copy().Step(publicURL + "/callback?" + query.Encode())
		w.wants(got, http.StatusBadRequest, api.InvalidRequest)
		if len(got.Cookies()) != 0 {
			t.Errorf("state %q: %v", other, got.Cookies())
		}
	}
	if got := b.Step(back.String()); got.Status != http.StatusSeeOther {
		t.Errorf("the state itself: %d %s", got.Status, got.Body)
	}
}

// TestSignIn_AttemptCountsOnce checks that a provider that redeems a code twice cannot
// create two sessions.
func TestSignIn_AttemptCountsOnce(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser()
	page := b.Login("")
	first, second := w.Provider.SignIn(page.URL.String(), "alice"), w.Provider.SignIn(page.URL.String(), "bob")
	kept := b.Copy()
	b.Step(publicURL + "/callback?" + first.Encode())
	w.theSession(b)
	got := kept.Step(publicURL + "/callback?" + second.Encode())
	if firstLink(w, got, http.StatusBadRequest); len(sessionCookies(kept)) != 0 {
		t.Errorf("the second use made a session: %v", kept.Cookies())
	}
}

func TestSignIn_TwoTabs(t *testing.T) {
	w := newBackend(t, nil)
	one := w.browser()
	two := one.Tab()
	pageOne, pageTwo := one.Login("return_to=/one"), two.Login("return_to=/two")
	if got := two.Choose(pageTwo, "alice").URL.Path; got != "/two" {
		t.Errorf("the second tab landed on %s", got)
	}
	if got := one.Choose(pageOne, "alice").URL.Path; got != "/one" {
		t.Errorf("the first tab landed on %s", got)
	}
	w.mint(one, "acme")
	w.mint(two, "globex")
	w.theSession(one)
}

func TestSignIn_TenMinutes(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser()
	page := b.Login("")
	b.Now = func() time.Time { return time.Time{} } // keep cookies past their Max-Age
	w.Pass((login.AttemptLife + 1) * time.Second)
	w.wants(b.Choose(page, "alice"), http.StatusBadRequest, api.InvalidRequest)
}

// TestAttempt_OtherBrowserValue checks that only the canonical encoding of the value is
// accepted.
func TestAttempt_OtherBrowserValue(t *testing.T) {
	w := newBackend(t, nil)
	redeemed := w.redeemed()
	b := w.browser()
	back := w.callbackOf(b, "")
	for name, value := range b.Cookies() {
		for what, forged := range map[string]string{
			"cut": value[:len(value)-1], "longer": value + "A", "empty": `""`, "quoted": `"` + value + `"`, "twice": value + "; " + name + "=" + value,
			"another": login.NewBrowser(w.Now().Unix()).String(),
		} {
			other := b.Copy()
			if got := other.With("Cookie", name+"="+forged).Step(back); *redeemed != 0 || strings.HasPrefix(got.Header.Get("Location"), origin) {
				t.Errorf("%s: %d %v", what, got.Status, got.Header)
			}
		}
	}
}

func TestSignIn_ProviderRefuses(t *testing.T) {
	w := newBackend(t, nil)
	w.Provider.Answer = func(v url.Values) {
		v.Del("code")
		v.Set("error", "access_denied")
	}
	for returnTo, want := range map[string]string{
		"/notes":        "/notes?tabard_error=access_denied",
		"/notes?b=2&a":  "/notes?b=2&a&tabard_error=access_denied",
		"/notes?#top?":  "/notes?&tabard_error=access_denied#top?",
		"/notes#top":    "/notes?tabard_error=access_denied#top",
		"/notes%zz?%zz": "/notes%zz?%zz&tabard_error=access_denied",
	} {
		b := w.browser()
		got := b.Step(w.callbackOf(b, "return_to="+url.QueryEscape(returnTo)))
		if got.Status != http.StatusSeeOther || got.Header.Get("Location") != origin+want {
			t.Errorf("%s leads to %d %s", returnTo, got.Status, got.Header.Get("Location"))
		}
		if len(sessionCookies(b)) != 0 {
			t.Errorf("the browser keeps %v", b.Cookies())
		}
	}
}

func TestSignIn_LyingProvider(t *testing.T) {
	w := newBackend(t, nil)
	w.Provider.Claims = func(claims map[string]any) { claims["nonce"] = "other" }
	b := w.browser()
	landed := b.SignIn("alice")
	if landed.URL.Query().Get(api.ParamError) != "invalid_response" || len(sessionCookies(b)) != 0 {
		t.Errorf("landed on %s with %v", landed.URL, b.Cookies())
	}
}

func TestSignIn_ProviderDown(t *testing.T) {
	w := newBackend(t, nil)
	away := func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusBadGateway) }
	w.Provider.Endpoints = map[string]http.HandlerFunc{"/.well-known/openid-configuration": away}
	b := w.browser()
	got := b.Login("")
	w.wants(got, http.StatusServiceUnavailable, api.TemporarilyUnavailable)
	if len(got.Cookies()) != 0 || got.Header.Get("Retry-After") == "" {
		t.Errorf("%v %s", got.Header, got.Body)
	}
	w.Restart() // a failure is remembered for a second of the server's clock
	w.Provider.Endpoints = map[string]http.HandlerFunc{"/token": away}
	back := w.callbackOf(b, "")
	if got := b.Step(back); got.Status != http.StatusServiceUnavailable || len(got.Cookies()) != 0 {
		t.Errorf("%d %v", got.Status, got.Cookies())
	}
	w.Provider.Endpoints = nil
	if got := b.Step(back); got.Status != http.StatusSeeOther {
		t.Errorf("the same callback, again: %d %s", got.Status, got.Body)
	}
	w.theSession(b)
}

func TestSignIn_PathOfOnlyApp(t *testing.T) {
	w := newBackend(t, nil)
	w.Hosts["localhost:9000"] = http.NotFoundHandler()
	b := w.Browser(sibling)
	if got := b.Choose(b.Login("return_to=/notes"), "alice").URL.String(); got != origin+"/notes" {
		t.Errorf("of two apps the one at the backend's origin owns a path, not %s", got)
	}
	if got := b.Choose(b.Login("app=desk&return_to=/notes"), "alice").URL.String(); got != sibling+"/notes" {
		t.Errorf("the app that was named owns it, not %s", got)
	}
	d := desired()
	d.Workspace.Apps = d.Workspace.Apps[1:2]
	w.Apply(d)
	w.Restart()
	if got := b.Choose(b.Login("return_to=/notes"), "alice").URL.String(); got != sibling+"/notes" {
		t.Errorf("the only app owns it, not %s", got)
	}
}

func TestSignIn_UserAgentIsText(t *testing.T) {
	w := newBackend(t, nil)
	for sent, want := range map[string]string{
		"Browser/1.0":                   "Browser/1.0",
		"bytes \xff\xfe":                "bytes ?",
		strings.Repeat("a", 255) + "é":  strings.Repeat("a", 255) + "?",
		strings.Repeat("agent ", 2_000): strings.Repeat("agent ", 43)[:256],
	} {
		b := w.browser()
		back := w.callbackOf(b, "")
		b.With("User-Agent", sent).Step(back)
		_, value := w.theSession(b)
		token, err := session.ParseToken(value)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := w.Store.Session(t.Context(), token.Session())
		if err != nil || kept.UserAgent != want {
			t.Errorf("of %.20q… the session keeps %q, %v", sent, kept.UserAgent, err)
		}
	}
}

// TestHead_ChangesNothing checks that HEAD redeems no code, begins no attempt, and ends no
// session: those who look a link over for a person send it first.
func TestHead_ChangesNothing(t *testing.T) {
	w := newBackend(t, nil)
	redeemed := w.redeemed()
	w.Provider.PushedRequests = idp.PushRequired
	w.Relying = func(c *login.Config) { c.FrontchannelLogout = true }
	w.Restart()
	b := w.browser()
	back := w.callbackOf(b, "return_to=/notes")
	pushed := len(w.Provider.Pushed)
	for _, address := range []string{back, publicURL + "/login?return_to=/notes", publicURL + "/login/con_acme", publicURL + "/callback"} {
		got := b.Head(address)
		if got.Status != http.StatusOK || len(got.Cookies()) != 0 || got.Header.Get("Location") != "" || got.Body != "" {
			t.Errorf("%s: %d %v %s", address, got.Status, got.Header, got.Body)
		}
	}
	if *redeemed != 0 || len(w.Provider.Pushed) != pushed {
		t.Errorf("%d codes redeemed, %d requests pushed", *redeemed, len(w.Provider.Pushed)-pushed)
	}
	if landed := b.Follow(back); landed.URL.String() != origin+"/notes" {
		t.Errorf("it led to %s: %s", landed.URL, landed.Body)
	}
	w.Pass(time.Second)
	b.Head(publicURL + "/frontchannel-logout?sid=upstream-alice")
	w.mint(b, "acme")
}
