package browserapi_test

import (
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

const enterAcme = `{"organization":"acme","enter":true}`

// signedInOn returns a browser with a device key in which a user has signed in.
func (w *backend) signedInOn(person string) (*httpbrowser.Browser, *httpbrowser.Device) {
	w.Helper()
	device := httpbrowser.NewDevice(w)
	b := w.browser().On(device)
	w.signIn(b, person)
	return b, device
}

// boundTo fails the test unless the browser's session is bound to the key, or to none
// if jkt is empty.
func (w *stored) boundTo(b *httpbrowser.Browser, jkt string) {
	w.Helper()
	_, value := w.theSession(b)
	cookie, err := session.ParseToken(value)
	if err != nil {
		w.Fatal(err)
	}
	stored, err := w.Store.Session(w.Context(), cookie.Session())
	if err != nil {
		w.Fatal(err)
	}
	if stored.JKT != jkt {
		w.Errorf("the session is bound to %q, want %q", stored.JKT, jkt)
	}
	if stored.RevokedAt != 0 {
		w.Errorf("the session was ended: %s", stored.RevokeReason)
	}
}

func TestDeviceKey_BoundAtSignIn(t *testing.T) {
	w := newBackend(t, nil)
	b, device := w.signedInOn("alice")
	w.boundTo(b, device.Thumbprint())
	if !w.mint(b, "acme").DeviceBound {
		t.Error("the answer to a mint does not tell")
	}
	var s api.SessionResponse
	b.Get("/session").JSON(t, &s)
	if !s.DeviceBound {
		t.Error("the answer to GET /session does not tell")
	}
}

func TestDeviceKey_OptionalWithoutKey(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	if w.mint(b, "acme").DeviceBound {
		t.Error("the session says that it is bound")
	}
	w.Pass(time.Hour)
	w.mint(b, "acme")
	w.boundTo(b, "")
}

// TestDeviceKey_CopiedCookieRefused sends all headers of the owner except for a proof
// of the key.
func TestDeviceKey_CopiedCookieRefused(t *testing.T) {
	w := newBackend(t, nil)
	b, _ := w.signedInOn("alice")
	own := w.mint(b, "acme").Session
	thief, other := b.Copy(), b.Copy().On(httpbrowser.NewDevice(t))
	for _, later := range []time.Duration{0, time.Minute, 2 * time.Hour} {
		w.Pass(later)
		for _, r := range []struct{ method, path, body string }{
			{http.MethodPost, "/token", enterAcme},
			{http.MethodPost, "/logout", `{"scope":"everywhere"}`},
			{http.MethodGet, "/session", ""},
			{http.MethodGet, "/sessions", ""},
			{http.MethodDelete, "/sessions/" + own, "{}"},
		} {
			for who, code := range map[*httpbrowser.Browser]api.Code{thief: api.DeviceKeyRequired, other: api.DeviceKeyMismatch} {
				got := who.Fetch(r.method, r.path, r.body)
				w.wants(got, http.StatusUnauthorized, code)
				if len(got.Cookies()) != 0 {
					t.Errorf("%s: the answer sets %v", r.path, got.Cookies())
				}
			}
		}
		w.mint(b, "acme") // the session continues
	}
}

func TestDeviceKey_InvalidProofRefused(t *testing.T) {
	w := newBackend(t, nil)
	b, device := w.signedInOn("alice")
	w.mint(b, "acme")
	to, now := publicURL+"/token", w.Now()
	used := device.Proof(t, http.MethodPost, to, now)
	if got := b.With("DPoP", used).Post("/token", enterAcme); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	for name, c := range map[string]struct {
		proof  string
		status int
		code   api.Code
	}{
		"none at all":              {"garbage", 400, api.InvalidDPoPProof},
		"empty":                    {"", 400, api.InvalidDPoPProof},
		"used before":              {used, 400, api.InvalidDPoPProof},
		"for another method":       {device.Proof(t, http.MethodGet, to, now), 400, api.InvalidDPoPProof},
		"for another path":         {device.Proof(t, http.MethodPost, publicURL+"/logout", now), 400, api.InvalidDPoPProof},
		"for the path alone":       {device.Proof(t, http.MethodPost, "/auth/token", now), 400, api.InvalidDPoPProof},
		"for another host":         {device.Proof(t, http.MethodPost, "http://evil.example/auth/token", now), 400, api.InvalidDPoPProof},
		"for another scheme":       {device.Proof(t, http.MethodPost, "https://localhost:8080/auth/token", now), 400, api.InvalidDPoPProof},
		"for another port":         {device.Proof(t, http.MethodPost, "http://localhost:8081/auth/token", now), 400, api.InvalidDPoPProof},
		"with another's signature": {device.Sign(t, map[string]any{"jwk": httpbrowser.NewDevice(t).JWK()}, map[string]any{"jti": "a", "htm": "POST", "htu": to, "iat": now.Unix()}), 400, api.InvalidDPoPProof},
		"of another type":          {device.Sign(t, map[string]any{"typ": "JWT"}, map[string]any{"jti": "a", "htm": "POST", "htu": to, "iat": now.Unix()}), 400, api.InvalidDPoPProof},
		"older than 30 s":          {device.Proof(t, http.MethodPost, to, now.Add(-31*time.Second)), 409, api.RequestTooOld},
		"ahead of the clocks":      {device.Proof(t, http.MethodPost, to, now.Add(6*time.Second)), 409, api.RequestTooOld},
		"by another key":           {httpbrowser.NewDevice(t).Proof(t, http.MethodPost, to, now), 401, api.DeviceKeyMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.inSubtest(t)
			got := b.With("DPoP", c.proof).With("Host", "evil.example").Post("/token", enterAcme)
			w.wants(got, c.status, c.code)
			if len(got.Cookies()) != 0 {
				t.Errorf("the answer sets %v", got.Cookies())
			}
		})
	}
	for _, skew := range []time.Duration{-30 * time.Second, 5 * time.Second} {
		if got := b.With("DPoP", device.Proof(t, http.MethodPost, to, now.Add(skew))).Post("/token", enterAcme); got.Status != http.StatusOK {
			t.Errorf("made %v from now: %d %s", skew, got.Status, got.Body)
		}
	}
	w.boundTo(b, device.Thumbprint())
}

func TestDeviceKey_InvalidProofAuditedOnceAMinute(t *testing.T) {
	w := newBackend(t, nil)
	b, device := w.signedInOn("alice")
	w.mint(b, "acme")
	thief := b.Copy()
	old := device.Proof(t, http.MethodPost, publicURL+"/token", w.Now().Add(-time.Hour))
	for range 2 {
		used := device.Proof(t, http.MethodPost, publicURL+"/token", w.Now())
		for range 3 {
			thief.Post("/token", enterAcme)
			thief.With("DPoP", "garbage").Post("/token", enterAcme)
			thief.On(httpbrowser.NewDevice(t)).Post("/token", enterAcme)
			b.With("DPoP", old).Post("/token", enterAcme) // slow, but not suspicious
			b.With("DPoP", used).Post("/token", enterAcme)
		}
		w.Pass(time.Minute)
	}
	events, err := w.Store.Events(t.Context(), audit.Query{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]int{}
	for _, e := range events {
		if e.Action == audit.ProofRefused && e.Outcome == audit.Refused && e.UserID != "" && e.SessionID != "" {
			told[e.Reason]++
		}
	}
	want := map[string]int{"device_key_required": 2, "device_key_mismatch": 2, "invalid_dpop_proof": 2, "repeated_dpop_proof": 2}
	if !maps.Equal(told, want) {
		t.Errorf("the trail tells %v, want %v", told, want)
	}
}

func TestDeviceKey_ReplayRefused(t *testing.T) {
	w := newBackend(t, nil)
	b, device := w.signedInOn("alice")
	ahead := device.Proof(t, http.MethodPost, publicURL+"/token", w.Now().Add(5*time.Second))
	if got := b.With("DPoP", ahead).Post("/token", enterAcme); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	for range 35 {
		w.Pass(time.Second)
		w.wants(b.With("DPoP", ahead).Post("/token", enterAcme), http.StatusBadRequest, api.InvalidDPoPProof)
	}
	w.Pass(time.Second)
	w.wants(b.With("DPoP", ahead).Post("/token", enterAcme), http.StatusConflict, api.RequestTooOld)
}

// TestDeviceKey_LinkBindsNone checks that a link cannot choose the device key.
func TestDeviceKey_LinkBindsNone(t *testing.T) {
	evil := httpbrowser.NewDevice(t)
	query := "dpop_jkt=" + evil.Thumbprint()
	for name, open := range map[string]func(w *backend, b *httpbrowser.Browser) httpbrowser.Response{
		"the app's own page": func(w *backend, b *httpbrowser.Browser) httpbrowser.Response {
			return b.With("Referer", origin+"/").Login(query)
		},
		"another site": func(w *backend, b *httpbrowser.Browser) httpbrowser.Response {
			return b.With("Sec-Fetch-Site", "cross-site").With("Referer", origin+"/").Login(query)
		},
		"a typed address": func(w *backend, b *httpbrowser.Browser) httpbrowser.Response {
			return b.Open(publicURL + "/login?" + query)
		},
		"a sibling that is not registered": func(w *backend, b *httpbrowser.Browser) httpbrowser.Response {
			return b.With("Sec-Fetch-Site", "same-site").With("Referer", "http://localhost:9002/").Login(query)
		},
		"a sibling whose app is disabled": func(w *backend, b *httpbrowser.Browser) httpbrowser.Response {
			return b.With("Sec-Fetch-Site", "same-site").With("Referer", "http://localhost:9001/").Login(query)
		},
		"a sibling of another app": func(w *backend, b *httpbrowser.Browser) httpbrowser.Response {
			return b.With("Sec-Fetch-Site", "same-site").With("Referer", sibling+"/").Login(query)
		},
		"a sibling that hides": func(w *backend, b *httpbrowser.Browser) httpbrowser.Response {
			return b.With("Sec-Fetch-Site", "same-site").Login(query)
		},
		"who lies in the Referer": func(w *backend, b *httpbrowser.Browser) httpbrowser.Response {
			return b.With("Sec-Fetch-Site", "same-site").With("Referer", origin+"@evil.example/").Login(query)
		},
		"a browser that does not tell": func(w *backend, b *httpbrowser.Browser) httpbrowser.Response {
			return b.Without("Sec-Fetch-Site").With("Referer", origin+"/").Login(query)
		},
		"a browser that tells twice": func(w *backend, b *httpbrowser.Browser) httpbrowser.Response {
			return b.With("Sec-Fetch-Site", "same-origin, same-origin").Login(query)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			b := w.browser()
			page := open(w, b)
			if on, asked := linksOf(page)["Continue to sign in"]; asked {
				page = b.Follow(on)
			}
			b.Choose(page, "alice")
			w.boundTo(b, "")
			own := httpbrowser.NewDevice(t)
			w.mint(b.On(own), "acme")
			w.boundTo(b, own.Thumbprint())
		})
	}
}

func TestDeviceKey_OtherAppsPageBindsNone(t *testing.T) {
	w := newBackend(t, nil)
	w.Hosts["localhost:9000"] = http.NotFoundHandler()
	evil := httpbrowser.NewDevice(t)
	b := w.browser() // a page of the app web signs in to the app desk
	b.Choose(b.Login("app=desk&dpop_jkt="+evil.Thumbprint()), "alice")
	w.boundTo(b, "")
}

func TestDeviceKey_AppsSiblingOrigin(t *testing.T) {
	w := newBackend(t, nil)
	w.Hosts["localhost:9000"] = http.NotFoundHandler()
	device := httpbrowser.NewDevice(t)
	b := w.Browser(sibling).On(device)
	b.Choose(b.Begin(publicURL+"/login?app=desk"), "alice")
	w.boundTo(b, device.Thumbprint())
}

func TestDeviceKey_BoundByFirstProof(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		bound bool
	}{{0, true}, {120 * time.Second, true}, {121 * time.Second, false}} {
		w := newBackend(t, nil)
		b, device, late := w.signedIn("alice"), httpbrowser.NewDevice(t), httpbrowser.NewDevice(t)
		w.Pass(c.after)
		b.On(device).Get("/session")
		w.boundTo(b, "") // reading binds nothing
		if got := w.mint(b.On(device), "acme").DeviceBound; got != c.bound {
			t.Errorf("after %v: device_bound %v", c.after, got)
		}
		if c.bound {
			w.boundTo(b, device.Thumbprint())
			w.wants(b.On(late).Post("/token", enterAcme), http.StatusUnauthorized, api.DeviceKeyMismatch)
			w.wants(b.Post("/token", enterAcme), http.StatusUnauthorized, api.DeviceKeyRequired)
			continue
		}
		w.mint(b.On(late), "acme")
		w.boundTo(b, "")
	}
}

// TestDeviceKey_InvalidFirstProofBindsNone checks that an invalid first proof is
// refused, and that the client's next proof binds.
func TestDeviceKey_InvalidFirstProofBindsNone(t *testing.T) {
	w := newBackend(t, nil)
	b, device := w.signedIn("alice"), httpbrowser.NewDevice(t)
	old := device.Proof(t, http.MethodPost, publicURL+"/token", w.Now().Add(-time.Hour))
	w.wants(b.With("DPoP", old).Post("/token", enterAcme), http.StatusConflict, api.RequestTooOld)
	w.wants(b.With("DPoP", "garbage").Post("/token", enterAcme), http.StatusBadRequest, api.InvalidDPoPProof)
	w.boundTo(b, "")
	w.mint(b.On(device), "acme")
	w.boundTo(b, device.Thumbprint())
}

func TestDeviceKey_RotatesEachHour(t *testing.T) {
	w := newBackend(t, nil)
	b, _ := w.signedInOn("alice")
	w.mint(b, "acme")
	w.Pass(59 * time.Minute)
	if got := b.Post("/token", enterAcme); len(got.Cookies()) != 0 {
		t.Errorf("after 59 minutes: %v", got.Cookies())
	}
	w.Pass(time.Minute)
	if got := b.Post("/token", enterAcme); len(got.Cookies()) != 1 {
		t.Errorf("after an hour: %v", got.Cookies())
	}
}

// TestDeviceKey_RepairsOldCookie restores an old cookie. Without the key, this would be
// token reuse.
func TestDeviceKey_RepairsOldCookie(t *testing.T) {
	w := newBackend(t, nil)
	b, device := w.signedInOn("alice")
	name, first := w.theSession(b)
	for range 3 { // rotations
		w.Pass(time.Hour)
		w.mint(b, "acme")
		w.Pass(time.Minute)
		w.mint(b, "acme")
	}
	thief := b.Copy()
	thief.SetCookie(name, first)
	w.wants(thief.Post("/token", enterAcme), http.StatusUnauthorized, api.DeviceKeyRequired)
	w.boundTo(b, device.Thumbprint())

	b.SetCookie(name, first)
	w.mint(b, "acme")
	if _, repaired := w.theSession(b); repaired == first {
		t.Error("the jar was not repaired")
	}
	w.mint(b, "acme")
	w.boundTo(b, device.Thumbprint())
}

func TestDeviceKey_NeededForSignOut(t *testing.T) {
	w := newBackend(t, nil)
	b, _ := w.signedInOn("alice")
	if got := b.Post("/logout", `{"scope":"session"}`); got.Status != http.StatusOK || len(cleared(got)) != 1 {
		t.Errorf("%d %s %v", got.Status, got.Body, got.Cookies())
	}
}

func TestDeviceKey_NewSignInEndsOwnSessionOnly(t *testing.T) {
	for name, same := range map[string]bool{"the same key": true, "another key": false} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			older, device := w.signedInOn("alice")
			kept := older.Copy().On(device)
			w.Pass(time.Second)
			newer := older
			if !same {
				newer = older.On(httpbrowser.NewDevice(t))
			}
			w.signIn(newer, "alice")
			if got := newer.Post("/token", enterAcme); got.Status != http.StatusOK || len(cleared(got)) != 1 {
				t.Fatalf("%d %s clears %v", got.Status, got.Body, cleared(got))
			}
			got := kept.Post("/token", enterAcme)
			if same {
				w.wants(got, http.StatusUnauthorized, api.SessionRevoked)
			} else if got.Status != http.StatusOK {
				t.Errorf("a session was ended by a browser without its key: %d %s", got.Status, got.Body)
			}
		})
	}
}
