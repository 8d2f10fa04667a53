package idp_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/tabard-auth/tabard/web-demo/idp"
)

func TestASignInYieldsTheClaimsOfThePersonWhoseButtonWasPressed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		page := p.visit()
		if !page.asks() {
			t.Fatalf("status %d, want the list of people", page.status)
		}
		token, idToken, err := p.exchange(p.press(page, "alice", "pwd").code(t))
		if err != nil {
			t.Fatal(err)
		}
		got := read(t, idToken)
		if idToken.Subject != "alice" || idToken.Nonce != "n-1" || got.Name != "Alice Martin" || got.Email != "alice@example.com" || !got.EmailVerified {
			t.Errorf("ID token: %+v %+v", idToken, got)
		}
		if got.AuthTime != time.Now().Unix() || got.ACR != idp.ACRPassword || !slices.Equal(got.AMR, []string{"pwd"}) {
			t.Errorf("authentication: %+v", got)
		}
		info, err := p.provider.UserInfo(p.ctx, oauth2.StaticTokenSource(token))
		if err != nil || info.Subject != "alice" || info.Email != "alice@example.com" {
			t.Errorf("userinfo: %+v, %v", info, err)
		}
	})
}

func TestBothWaysOfClientAuthenticationWork(t *testing.T) {
	for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams} {
		p := newParty(t)
		p.oauth.Endpoint.AuthStyle = style
		p.signIn("bob", "pwd")
	}
}

func TestTwoWaysOfClientAuthenticationAtOnceAreRefused(t *testing.T) {
	p := newParty(t)
	p.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	code := p.press(p.visit(), "alice", "pwd").code(t)
	_, _, err := p.exchange(code, withParam("client_id", "tabard"), withParam("client_secret", config().ClientSecret))
	wantTokenError(t, err, http.StatusUnauthorized, "invalid_client")
}

func TestAWrongClientSecretIsRefusedAndDoesNotSpendTheCode(t *testing.T) {
	p := newParty(t)
	p.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	code := p.press(p.visit(), "alice", "pwd").code(t)
	p.oauth.ClientSecret = "guess"
	_, _, err := p.exchange(code)
	wantTokenError(t, err, http.StatusUnauthorized, "invalid_client")
	p.oauth.ClientSecret = ""
	_, _, err = p.exchange(code)
	wantTokenError(t, err, http.StatusUnauthorized, "invalid_client")
	p.oauth.ClientSecret = config().ClientSecret
	if _, _, err := p.exchange(code); err != nil {
		t.Error(err)
	}
}

func TestACodeIsRefused(t *testing.T) {
	for name, options := range map[string][]oauth2.AuthCodeOption{
		"with another verifier":     {oauth2.VerifierOption(oauth2.GenerateVerifier())},
		"without a verifier":        {withParam("code_verifier", "")},
		"with another redirect URI": {withParam("redirect_uri", "http://localhost:8080/other")},
		"under another grant type":  {withParam("grant_type", "password")},
	} {
		t.Run(name, func(t *testing.T) {
			p := newParty(t)
			_, _, err := p.exchange(p.press(p.visit(), "alice", "pwd").code(t), options...)
			want := "invalid_grant"
			if strings.Contains(name, "grant type") {
				want = "unsupported_grant_type"
			}
			wantTokenError(t, err, http.StatusBadRequest, want)
		})
	}
}

func TestAReplayedCodeTakesBackTheAccessToken(t *testing.T) {
	p := newParty(t)
	code := p.press(p.visit(), "alice", "pwd").code(t)
	token, _, err := p.exchange(code)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = p.exchange(code)
	wantTokenError(t, err, http.StatusBadRequest, "invalid_grant")
	if _, err := p.provider.UserInfo(p.ctx, oauth2.StaticTokenSource(token)); err == nil {
		t.Error("the access token of a replayed code still works")
	}
}

func TestACodeLivesAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		code := p.press(p.visit(), "alice", "pwd").code(t)
		time.Sleep(time.Minute)
		_, _, err := p.exchange(code)
		wantTokenError(t, err, http.StatusBadRequest, "invalid_grant")
	})
}

func TestAnAuthorizationRequestIsRefusedAtTheRedirectURI(t *testing.T) {
	for name, test := range map[string]struct {
		option oauth2.AuthCodeOption
		want   string
	}{
		"implicit":             {withParam("response_type", "id_token"), "unsupported_response_type"},
		"fragment answers":     {withParam("response_mode", "fragment"), "invalid_request"},
		"no openid scope":      {withParam("scope", "profile"), "invalid_scope"},
		"plain PKCE":           {withParam("code_challenge_method", "plain"), "invalid_request"},
		"no PKCE method":       {withParam("code_challenge_method", ""), "invalid_request"},
		"a short challenge":    {withParam("code_challenge", "abc"), "invalid_request"},
		"a negative max_age":   {withParam("max_age", "-1"), "invalid_request"},
		"an unknown prompt":    {withParam("prompt", "create"), "invalid_request"},
		"none with login":      {withParam("prompt", "none login"), "invalid_request"},
		"a request object":     {withParam("request", "eyJ"), "request_not_supported"},
		"a request URI":        {withParam("request_uri", "https://a.example/r"), "request_uri_not_supported"},
		"none without session": {withParam("prompt", "none"), "login_required"},
	} {
		t.Run(name, func(t *testing.T) {
			newParty(t).visit(test.option).wantError(t, test.want)
		})
	}
}

func TestARequestThatMayNotBeTheClientsIsNeverRedirected(t *testing.T) {
	for name, options := range map[string][]oauth2.AuthCodeOption{
		"foreign redirect URI":   {withParam("redirect_uri", "http://localhost:8080/auth/callback/")},
		"no redirect URI":        {withParam("redirect_uri", "")},
		"unknown client":         {withParam("client_id", "somebody")},
		"bad prompt on top":      {withParam("client_id", "somebody"), withParam("prompt", "create")},
		"redirect URI elsewhere": {withParam("redirect_uri", "https://evil.example/")},
	} {
		t.Run(name, func(t *testing.T) {
			got := newParty(t).visit(options...)
			if got.status != http.StatusBadRequest || got.header.Get("Location") != "" {
				t.Errorf("status %d, Location %q, want 400 and no redirect", got.status, got.header.Get("Location"))
			}
		})
	}
	p := newParty(t)
	address := p.oauth.AuthCodeURL("s", oauth2.S256ChallengeOption(p.verifier)) + "&state=other"
	if got := p.get(address); got.status != http.StatusBadRequest {
		t.Errorf("repeated parameter: status %d, want 400", got.status)
	}
}

func TestTheSessionOfTheProviderAnswersWithoutAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		first := read(t, p.signIn("alice", "pwd"))
		time.Sleep(5 * time.Minute)
		for name, options := range map[string][]oauth2.AuthCodeOption{
			"plainly":             nil,
			"prompt=none":         {withParam("prompt", "none")},
			"prompt=consent":      {withParam("prompt", "consent")},
			"max_age to spare":    {withParam("max_age", "300")},
			"unknown acr_values":  {withParam("acr_values", "urn:other:gold")},
			"password acr_values": {withParam("acr_values", idp.ACRPassword+" "+idp.ACRSecondFactor)},
		} {
			_, idToken, err := p.exchange(p.visit(options...).code(t))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got := read(t, idToken); got.AuthTime != first.AuthTime {
				t.Errorf("%s: auth_time moved from %d to %d", name, first.AuthTime, got.AuthTime)
			}
		}
	})
}

func TestTheProviderAsksAgain(t *testing.T) {
	for name, test := range map[string]struct {
		option oauth2.AuthCodeOption
		none   string // the expected error for prompt=none
	}{
		"for prompt=login":          {withParam("prompt", "login"), ""},
		"for prompt=select_account": {withParam("prompt", "select_account"), ""},
		"past max_age":              {withParam("max_age", "299"), "login_required"},
		"for a second factor":       {withParam("acr_values", idp.ACRSecondFactor), "interaction_required"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newParty(t)
				p.signIn("alice", "pwd")
				time.Sleep(5 * time.Minute)
				page := p.visit(test.option)
				if !page.asks() {
					t.Fatalf("status %d, Location %q, want the list of people", page.status, page.header.Get("Location"))
				}
				if test.none != "" {
					p.visit(test.option, withParam("prompt", "none")).wantError(t, test.none)
				}
				_, idToken, err := p.exchange(p.press(page, "alice", "otp").code(t))
				if err != nil {
					t.Fatal(err)
				}
				got := read(t, idToken)
				if got.AuthTime != time.Now().Unix() || got.ACR != idp.ACRSecondFactor || !slices.Equal(got.AMR, []string{"pwd", "otp"}) {
					t.Errorf("after asking again: %+v", got)
				}
			})
		})
	}
}

func TestASessionEndsAfterTwelveHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t)
		p.signIn("alice", "pwd")
		address, _ := url.Parse(issuer)
		cookies := p.browser.Jar.Cookies(address)
		time.Sleep(12*time.Hour - time.Second)
		p.wantSignedIn(true)
		time.Sleep(time.Second)
		p.browser.Jar, _ = cookiejar.New(nil) // one that never drops a cookie by itself
		p.browser.Jar.SetCookies(address, cookies)
		p.wantSignedIn(false)
	})
}

func TestLoginHintPutsThePersonFirst(t *testing.T) {
	for _, hint := range []string{"bob", "BOB@example.com"} {
		page := newParty(t).visit(withParam("login_hint", hint))
		if strings.Index(page.body, "person-bob") > strings.Index(page.body, "person-alice") {
			t.Errorf("login_hint=%s: Bob is not the first of the list", hint)
		}
	}
}

func TestASignInFromAnotherSiteIsRefused(t *testing.T) {
	p := newParty(t)
	form := url.Values{"request": {p.visit().hidden(t, "request")}, "person": {"alice"}}
	request, _ := http.NewRequest(http.MethodPost, issuer+"/sign-in", strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	response, err := p.browser.Do(request)
	if got := p.read(response, err); got.status != http.StatusForbidden || got.header.Get("Set-Cookie") != "" {
		t.Errorf("status %d, Set-Cookie %q, want 403 and none", got.status, got.header.Get("Set-Cookie"))
	}
}

func TestACancelledSignInIsToldToTheClient(t *testing.T) {
	p := newParty(t)
	got := p.post("/sign-in", url.Values{"request": {p.visit().hidden(t, "request")}, "cancel": {""}})
	got.wantError(t, "access_denied")
	p.wantSignedIn(false)
}

func TestNobodyElseCanBeSignedIn(t *testing.T) {
	p := newParty(t)
	if got := p.press(p.visit(), "mallory", "pwd"); got.status != http.StatusBadRequest || got.header.Get("Set-Cookie") != "" {
		t.Errorf("status %d, Set-Cookie %q, want 400 and none", got.status, got.header.Get("Set-Cookie"))
	}
}
