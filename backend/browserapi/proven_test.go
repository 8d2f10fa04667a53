package browserapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// keyed returns a browser with a device key in which a user has signed in.
func (w *backend) keyed(person string) *httpbrowser.Browser {
	w.Helper()
	b, _ := w.signedInOn(person)
	return b
}

// stepUpAt returns the address for alice's step-up for acme.
func (w *backend) stepUpAt(b *httpbrowser.Browser) string {
	w.Helper()
	return publicURL + "/login?organization=acme&return_to=/&user=" + w.mint(b, "globex").User.ID
}

// TestLink_CopiedCookie uses a copied cookie, a tenant's own provider and another
// device key. The thief can neither step up nor link an identity.
func TestLink_CopiedCookie(t *testing.T) {
	for name, test := range map[string]struct {
		begin func(w *backend, thief *httpbrowser.Browser, address string) httpbrowser.Response
		code  api.Code
	}{
		"by a navigation": {func(_ *backend, thief *httpbrowser.Browser, address string) httpbrowser.Response {
			return thief.Follow(address)
		}, api.InvalidDPoPProof},
		"by one that names a key": {func(w *backend, thief *httpbrowser.Browser, address string) httpbrowser.Response {
			return thief.Follow(address + "&dpop_jkt=" + httpbrowser.NewDevice(w).Thumbprint())
		}, api.InvalidDPoPProof},
		"by no browser": {func(_ *backend, thief *httpbrowser.Browser, address string) httpbrowser.Response {
			return thief.Without("Sec-Fetch-Site").Without("Sec-Fetch-Mode").Without("Sec-Fetch-Dest").Follow(address)
		}, api.InvalidDPoPProof},
		"by a script": {func(_ *backend, thief *httpbrowser.Browser, address string) httpbrowser.Response {
			return thief.Post(address[len(publicURL):], "{}")
		}, api.DeviceKeyRequired},
		"with a key of their own": {func(w *backend, thief *httpbrowser.Browser, address string) httpbrowser.Response {
			return thief.On(httpbrowser.NewDevice(w)).Begin(address)
		}, api.DeviceKeyMismatch},
		"with what proves something else": {func(w *backend, thief *httpbrowser.Browser, address string) httpbrowser.Response {
			other := httpbrowser.NewDevice(w).Proof(w, http.MethodPost, publicURL+"/token", w.Now())
			return thief.With("DPoP", other).Post(address[len(publicURL):], "{}")
		}, api.InvalidDPoPProof},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			w.connect("acme", directory.Provisioning{JustInTime: true})
			w.rule(requireConnections("acme"))
			alice := w.keyed("alice")
			address := w.stepUpAt(alice)
			thief := alice.Copy()
			page := test.begin(w, thief, address)
			if got := api.Code(page.Code()); got != test.code && refusedWith(page) != test.code {
				t.Errorf("it answers %d %s at %s", page.Status, page.Body, page.URL)
			}
			thief.Choose(page, "mallory")
			if linked := w.events(audit.LinkIdentity); len(linked) != 0 {
				t.Errorf("the trail says %+v", linked)
			}
			own := w.begin("acme", "mallory")
			if mallory, alice := w.mint(own, "acme").User.ID, w.mint(alice, "globex").User.ID; mallory == alice {
				t.Error("mallory is alice")
			}
			if refused := w.events(audit.ProofRefused); len(refused) != 1 || refused[0].SessionID == "" {
				t.Errorf("the trail tells of %+v", refused)
			}
		})
	}
}

// TestStepUp_DeviceKeyRequired checks that a proof of the device key allows the step-up
// and the link.
func TestStepUp_DeviceKeyRequired(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{})
	w.rule(requireConnections("acme"))
	alice := w.keyed("alice")
	w.Pass(time.Hour)
	landed := alice.Choose(alice.Begin(w.stepUpAt(alice)), "a.martin")
	if landed.URL.String() != origin+"/" {
		t.Errorf("landed on %s", landed.URL)
	}
	acme := w.claims(w.mint(alice, "acme"))
	if linked := w.events(audit.LinkIdentity); len(linked) != 1 || linked[0].UserID != acme.Subject {
		t.Errorf("the trail says %+v", linked)
	}
}

// TestLink_PreviousRelease checks that an attempt of the previous release links nobody,
// since that release did not check the session's owner.
func TestLink_PreviousRelease(t *testing.T) {
	for _, keyed := range []bool{true, false} {
		w := newBackend(t, nil)
		provider := w.connect("acme", directory.Provisioning{})
		w.rule(requireConnections("acme"))
		b := w.signedIn("alice")
		if keyed {
			b = w.keyed("alice")
		}
		user := w.mint(b, "globex")
		attempt := login.NewAttempt("web", origin+"/", w.Now().Unix())
		attempt.Session, attempt.Organization, attempt.Connection = user.Session, "org_acme", "con_acme"
		landed := w.callback(b.Copy(), provider, attempt, "mallory")
		if refusedWith(landed) != api.DeviceKeyRequired {
			t.Errorf("landed on %s", landed.URL)
		}
		linked := w.events(audit.LinkIdentity)
		if len(linked) != 1 || linked[0].Outcome != audit.Refused {
			t.Errorf("the trail says %+v", linked)
		}
	}
}

// callback completes an attempt of the previous release at con_acme's provider.
func (w *backend) callback(b *httpbrowser.Browser, p *logintest.Provider, a login.Attempt, person string) httpbrowser.Response {
	w.Helper()
	w.storePreviousAttempt(b, a)
	back := publicURL + "/callback/con_acme"
	relying := login.New(login.Config{Issuer: p.Issuer, ClientID: logintest.ClientID, RedirectURL: back, Transport: w.Hosts})
	address, err := relying.AuthorizationURL(w.Context(), a, login.Request{})
	if err != nil {
		w.Fatal(err)
	}
	return b.Follow(back + "?" + p.SignIn(address, person).Encode())
}

// storePreviousAttempt stores an attempt in the browser as the previous release did.
func (w *backend) storePreviousAttempt(b *httpbrowser.Browser, a login.Attempt) {
	w.Helper()
	plain, err := json.Marshal(map[string]any{
		"id": a.ID, "nonce": a.Nonce, "verifier": a.Verifier, "app": a.App, "return_to": a.ReturnTo, "created_at": a.CreatedAt,
		"organization": a.Organization, "connection": a.Connection, "session": a.Session,
	})
	if err != nil {
		w.Fatal(err)
	}
	name := "__Host-Http-tabard-login." + strings.ToLower(a.ID[:8])
	b.SetCookie(name, w.Secret.Sealer(signingkey.ForAttempts).Seal(plain, name))
}

// TestStepUp_PageOfPreviousRelease checks that a client of the previous release, which
// navigates, is led to a page that loads this release's client, which proves the key.
func TestStepUp_PageOfPreviousRelease(t *testing.T) {
	w := newBackend(t, nil)
	alice := w.keyed("alice")
	_, before := w.theSession(alice)
	landed := alice.Follow(w.stepUpAt(alice) + "&acr_values=mfa")
	if refusedWith(landed) != api.InvalidDPoPProof || landed.URL.Path != "/" || landed.URL.Host != "localhost:8080" {
		t.Errorf("landed on %s", landed.URL)
	}
	if api.InvalidDPoPProof.Action() != api.Retry {
		t.Error("the page is told to give up")
	}
	if _, after := w.theSession(alice); after != before {
		t.Error("the session's cookie has changed")
	}
	w.rule(map[string]policy.Rules{"acme": mfa})
	e := w.challenged(alice.Post("/token", enters))
	answersWith(w, "mfa")
	w.stepUp(alice, e, "alice")
	w.mint(alice, "acme")
	again := w.browser()
	w.signIn(again, "alice") // without a key, a navigation signs in
	w.mint(again, "acme")
}

// TestLink_SessionWithoutKey checks that a cookie alone cannot create a link, which
// would outlive the session.
func TestLink_SessionWithoutKey(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": mfa})
	b := w.signedIn("alice")
	w.Pass(time.Hour)
	answersWith(w, "mfa")
	e := w.challenged(b.Post("/token", enters))
	w.stepUp(b, e, "alice")
	w.mint(b, "acme")

	w.connect("acme", directory.Provisioning{JustInTime: true})
	w.rule(requireConnections("acme"))
	for _, landed := range []httpbrowser.Response{b.Follow(w.stepUpAt(b)), b.Begin(w.stepUpAt(b))} {
		if refusedWith(landed) != api.DeviceKeyRequired || landed.URL.Host != "localhost:8080" {
			t.Errorf("landed on %s", landed.URL)
		}
	}
	keyed := w.keyed("alice") // a sign-in with a key is linked
	keyed.Choose(keyed.Begin(w.stepUpAt(keyed)), "a.martin")
	w.mint(keyed, "acme")
	b.Choose(b.Follow(w.stepUpAt(b)), "a.martin") // then the other one can step up
	w.mint(b, "acme")
}

// TestLoginByKey_OwnAppOnly checks that a sign-in by script belongs to the request's
// origin and its app.
func TestLoginByKey_OwnAppOnly(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser()
	begun := func(r httpbrowser.Response) string {
		var answer api.LoginResponse
		if r.Status == http.StatusOK {
			r.JSON(t, &answer)
		}
		return answer.Location
	}
	good := b.Post("/login?return_to=/notes&organization=acme&login_hint=alice&prompt=login&max_age=5&acr_values=mfa", "{}")
	address, err := url.Parse(begun(good))
	if err != nil || address.Host != "127.0.0.1:8081" || len(good.Cookies()) != 1 || good.Cookies()[0].SameSite != http.SameSiteLaxMode {
		t.Errorf("%d %s %v", good.Status, good.Body, good.Cookies())
	}
	for parameter, want := range map[string]string{"login_hint": "alice", "prompt": "login", "max_age": "5", "acr_values": "mfa"} {
		if got := address.Query().Get(parameter); got != want {
			t.Errorf("%s is %q, want %q", parameter, got, want)
		}
	}
	if landed := b.Choose(b.Follow(address.String()), "alice"); landed.URL.Path != "/notes" {
		t.Errorf("landed on %s", landed.URL)
	}
	w.theSession(b)
	for name, got := range map[string]httpbrowser.Response{
		"of another site":        b.With("Origin", "https://evil.example").With("Sec-Fetch-Site", "cross-site").Post("/login", "{}"),
		"for another app":        b.Post("/login?app=desk", "{}"),
		"for a sibling's":        b.With("Origin", sibling).With("Sec-Fetch-Site", "same-site").Post("/login?app=web", "{}"),
		"without the header":     b.Without("Tabard-Client").Post("/login", "{}"),
		"by a form":              b.SubmitStep(publicURL+"/login", url.Values{}),
		"to an address of evil":  b.Post("/login?return_to=https://evil.example/", "{}"),
		"with a body of its own": b.Post("/login", `{"user":"usr_1"}`),
		"named twice":            b.Post("/login?organization=acme&organization=globex", "{}"),
	} {
		if got.Status < 400 || begun(got) != "" || len(got.Cookies()) != 0 {
			t.Errorf("%s: %d %s %v", name, got.Status, got.Body, got.Cookies())
		}
	}
}

// TestLink_KeyBoundLater checks a key that is bound after the sign-in: within two
// minutes, the holder of a copied cookie could bind one first.
func TestLink_KeyBoundLater(t *testing.T) {
	for name, bind := range map[string]func(w *backend, thief *httpbrowser.Browser){
		"as the step-up begins":   func(*backend, *httpbrowser.Browser) {},
		"by a mint that is first": func(w *backend, thief *httpbrowser.Browser) { w.mint(thief, "globex") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			w.connect("acme", directory.Provisioning{JustInTime: true})
			w.rule(requireConnections("acme"))
			alice := w.signedIn("alice") // without a key
			address := w.stepUpAt(alice)
			w.Pass(time.Second)
			thief := alice.Copy().On(httpbrowser.NewDevice(w))
			bind(w, thief)
			thief.Choose(thief.Begin(address), "mallory")
			if linked := w.events(audit.LinkIdentity); len(linked) != 0 {
				t.Errorf("the trail says %+v", linked)
			}
		})
	}
}
