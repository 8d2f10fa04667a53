package tab_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/wasm/tab"
)

func TestEveryRequestProvesTheDeviceKey(t *testing.T) {
	runWithDevice(t, func(t *testing.T, b *browser, d *device, g *proofChecker) {
		p := b.open(route("acme"))
		p.token(t, "ada@acme")
		p.Organizations()
		p.SignOut(api.ScopeSession, "")
		b.expectRequests(t, "POST /token acme", "GET /session", "POST /logout session")
		if len(g.proofs) != 3 || d.looked != 1 {
			t.Errorf("%d good proofs, the key was looked up %d times", len(g.proofs), d.looked)
		}
	})
}

// The backend's response has the address to navigate to.
func TestASignInProvesTheDeviceKey(t *testing.T) {
	runWithDevice(t, func(t *testing.T, b *browser, d *device, g *proofChecker) {
		p := b.open(route("acme"))
		p.token(t, "ada@acme")
		b.set(func() {
			b.script = func(r tab.Request) *tab.Response {
				if refused := g.answer(r); refused != nil || r.Method != "POST" || !strings.HasPrefix(r.URL, base+"/login?") {
					return refused
				}
				query, _ := url.ParseQuery(r.URL[len(base+"/login?"):])
				if query.Get(api.ParamReturnTo) != "https://app.example/x" || query.Has(api.ParamJKT) || r.Body != "{}" {
					t.Errorf("it asks for %s with %s", r.URL, r.Body)
				}
				return &tab.Response{Status: 200, Body: `{"location":"https://id.example/?user=` + query.Get(api.ParamUser) + query.Get(api.ParamOrganization) + query.Get(api.ParamACRValues) + `"}`}
			}
		})
		for want, leave := range map[string]func(){
			"usr_adaorg_g":  func() { p.StepUp("globex", base+"/login?organization=org_g", "https://app.example/x") },
			"usr_adaglobex": func() { p.StepUp("globex", "", "https://app.example/x") },
			"usr_adamfa":    func() { p.StepUp("globex", "/login?acr_values=mfa", "https://app.example/x") },
		} {
			g.nonce = "nonce " + want // the proof is mended
			if leave(); p.navigated != "https://id.example/?user="+want {
				t.Errorf("went to %s, want %s", p.navigated, want)
			}
		}
		if p.SignIn("globex", "https://app.example/x", tab.Hints{}); p.navigated != "https://id.example/?user=globex" {
			t.Errorf("went to %s", p.navigated)
		}
	})
}

// It is a navigation if the browser is offline, the backend is of the previous release,
// or the response has no address.
func TestASignInThatCannotBeAskedForIsANavigation(t *testing.T) {
	for name, response := range map[string]*tab.Response{
		"of the release before": {Status: 405, Body: `{"error":"invalid_request"}`}, "of a proxy": {Status: 502, Body: "<html>"},
		"without an address": {Status: 200, Body: "{}"}, "with a script": {Status: 200, Body: `{"location":"javascript:alert(1)"}`},
		"offline": nil,
	} {
		runWithDevice(t, func(t *testing.T, b *browser, d *device, g *proofChecker) {
			p := b.open(route("acme"))
			p.token(t, "ada@acme")
			b.set(func() {
				b.offline = response == nil
				b.script = func(tab.Request) *tab.Response { return response }
			})
			p.StepUp("globex", base+"/login?organization=org_g", "https://app.example/x")
			if want := base + "/login?organization=org_g&dpop_jkt=" + g.jkt + "&user=usr_ada&return_to=https%3A%2F%2Fapp.example%2Fx"; p.navigated != want {
				t.Errorf("%s: went to %s, want %s", name, p.navigated, want)
			}
		})
	}
}

// A refusal without an address of a page leads to the sign-in.
func TestAStepUpRunsNoScript(t *testing.T) {
	for _, given := range []string{"javascript:alert(1)", "data:text/html,x", "//evil.example/login", "\x00javascript:alert(1)", "7"} {
		runWithDevice(t, func(t *testing.T, b *browser, d *device, g *proofChecker) {
			p := b.open(route("acme"))
			p.token(t, "ada@acme")
			if p.StepUp("globex", given, "https://app.example/x"); !strings.HasPrefix(p.navigated, "https://") || strings.Contains(p.navigated, "evil") {
				t.Errorf("%q: went to %s", given, p.navigated)
			}
		})
	}
}

func TestASignInNamesTheDeviceKey(t *testing.T) {
	runWithDevice(t, func(t *testing.T, b *browser, d *device, g *proofChecker) {
		p := b.open(route("acme"))
		p.token(t, "ada@acme")
		for _, leave := range []func(){
			func() { p.SignIn("", base, tab.Hints{}) }, func() { p.StepUp("globex", "", base) }, func() { p.StepUp("globex", "/login?acr_values=mfa", base) },
		} {
			leave()
			went, err := url.Parse(p.navigated)
			if err != nil || went.Query().Get(api.ParamJKT) != g.jkt || g.jkt == "" {
				t.Errorf("the sign-in at %s names not the key %s", p.navigated, g.jkt)
			}
		}
	})
}

func TestAllTabsHaveOneKey(t *testing.T) {
	runWithDevice(t, func(t *testing.T, b *browser, d *device, g *proofChecker) {
		b.open(route("acme")).token(t, "ada@acme")
		b.open(route("globex")).token(t, "ada@globex")
	})
}

func TestWithoutADeviceKeyEverythingWorks(t *testing.T) {
	for name, broken := range map[string]tab.Device{"no WebCrypto or IndexedDB": nil, "IndexedDB that fails": &device{broken: errors.New("InvalidStateError")}} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				b.device = broken
				b.signIn("ada")
				p := b.open(route("acme"))
				p.token(t, "ada@acme")
				for _, r := range b.seen {
					if header(r, api.HeaderProof) != "" {
						t.Errorf("%s %s has a proof", r.Method, r.URL)
					}
				}
				p.SignIn("", base, tab.Hints{})
				if strings.Contains(p.navigated, api.ParamJKT) {
					t.Errorf("the sign-in at %s names a key", p.navigated)
				}
			})
		})
	}
}

// A proof is made in the server's time. If that is unknown and the clock is wrong, the
// first response corrects it.
func TestAWrongClockCostsOneRequest(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		runWithDevice(t, func(t *testing.T, b *browser, d *device, g *proofChecker) {
			b.skew = skew
			p := b.open(route("acme"))
			p.token(t, "ada@acme")
			b.expectRequests(t, "POST /token acme", "POST /token acme")
			p.Organizations()
			b.expectRequests(t, "GET /session")
		})
	}
}

func TestTheNonceIsLearnedAndUsedFromThenOn(t *testing.T) {
	runWithDevice(t, func(t *testing.T, b *browser, d *device, g *proofChecker) {
		g.nonce = "first"
		p := b.open(route("acme"))
		p.token(t, "ada@acme")
		p.Organizations()
		b.expectRequests(t, "POST /token acme", "POST /token acme", "GET /session")
		b.set(func() { g.nonce = "second" })
		p.Organizations()
		b.expectRequests(t, "GET /session", "GET /session")
	})
}

func TestARefusedProofIsMadeAnewOnce(t *testing.T) {
	runWithDevice(t, func(t *testing.T, b *browser, d *device, g *proofChecker) {
		p := b.open(route("acme"))
		p.token(t, "ada@acme")
		b.requests()
		b.set(func() {
			b.script = func(tab.Request) *tab.Response { r := refuse(400, api.Error{Code: api.InvalidDPoPProof}); return &r }
		})
		if _, err := p.Organizations(); err == nil || err.Code != api.InvalidDPoPProof || err.Action != api.Retry {
			t.Errorf("the error is %v", err)
		}
		b.expectRequests(t, "GET /session", "GET /session")
		p.expect(t, tab.Active, "acme") // no session has ended
	})
}

func TestALostKeyIsAReasonToSignIn(t *testing.T) {
	runWithDevice(t, func(t *testing.T, b *browser, d *device, g *proofChecker) {
		p := b.open(route("acme"))
		p.token(t, "ada@acme")
		d.lose()
		p = p.reload()
		p.expect(t, tab.Active, "acme") // with the token from before
		time.Sleep(6 * time.Minute)
		p.expect(t, tab.SignedOut, "")
		p.expectRefusal(t, api.DeviceKeyMismatch)
		if got := p.state(t).Error; got == nil || got.Code != string(api.DeviceKeyMismatch) || got.Action != string(api.SignIn) {
			t.Errorf("the page is told %+v", got)
		}
	})
}

// Another tab lost the key, and has signed in again with a new one.
func TestAKeyThatAnotherTabMadeIsFound(t *testing.T) {
	runWithDevice(t, func(t *testing.T, b *browser, d *device, g *proofChecker) {
		p := b.open(route("acme"))
		p.token(t, "ada@acme")
		d.lose()
		b.signIn("ada")
		b.set(func() { g.jkt = "" })
		b.open(route("globex")).token(t, "ada@globex")
		synctest.Wait()
		p.token(t, "ada@acme")
		p.expect(t, tab.Active, "acme")
	})
}

// A key that cannot be read at first is read again.
func TestAKeyThatIsLateIsWaitedFor(t *testing.T) {
	runWithDevice(t, func(t *testing.T, b *browser, d *device, g *proofChecker) {
		p := b.open(route("acme"))
		p.token(t, "ada@acme")
		p = p.reload()
		d.set(errors.New("no answer"))
		b.set(func() {
			b.script = func(r tab.Request) *tab.Response {
				d.set(nil)
				return g.answer(r)
			}
		})
		p.Organizations()
		p.expect(t, tab.Active, "acme")
	})
}

// An organization may demand a session with a device key. Other organizations are not
// affected.
func TestAnOrganizationThatAsksForAKeyEndsNothing(t *testing.T) {
	for name, device := range map[string]tab.Device{"with a key": &device{}, "without one": nil} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				b.device = device
				b.signIn("ada")
				b.set(func() { b.refusals[globex.ID] = api.Error{Code: api.DeviceKeyRequired} })
				p, other := b.open(route("acme")), b.open(route("acme"))
				b.requests()
				if got := p.Switch("globex"); got.Status != tab.StepUpRequired || got.Error.Code != api.DeviceKeyRequired {
					t.Errorf("the switch: %+v", got)
				}
				b.expectRequests(t, "POST /token globex enter")
				for _, p := range []*page{p, other} {
					p.expect(t, tab.Active, "acme")
					p.token(t, "ada@acme")
				}
				p.StepUp("globex", "", base)
				if named := strings.Contains(p.navigated, api.ParamJKT); named != (device != nil) {
					t.Errorf("the sign-in at %s", p.navigated)
				}
			})
		})
	}
}

func TestABoundTokenGoesWithItsProof(t *testing.T) {
	runWithDevice(t, func(t *testing.T, b *browser, d *device, g *proofChecker) {
		b.set(func() {
			b.script = func(r tab.Request) *tab.Response {
				if pathOf(r) != api.PathToken {
					return nil
				}
				bound := b.mint(acme)
				bound.TokenType = api.TokenTypeDPoP
				response := ok(bound)
				return &response
			}
		})
		p := b.open(route("acme"))
		credential, err := p.Credential("", "")
		access, isBound := strings.CutPrefix(credential, "DPoP ")
		if err != nil || !isBound || !strings.HasPrefix(access, "ada@acme#") {
			t.Fatalf("%q, %v", credential, err)
		}
		raw, err := p.Proof(access, "PATCH", "https://api.example/notes")
		if err != nil {
			t.Fatal(err)
		}
		proof, failed := dpop.Parse(raw)
		if failed != nil || proof.Covers("PATCH", "https://api.example/notes") != nil || proof.CoversToken(access) != nil {
			t.Errorf("%+v, %v", proof, failed)
		}
		p = p.reload()
		if again, _ := p.Credential("", ""); again != credential {
			t.Errorf("after a reload: %q, want %q", again, credential)
		}
		d.lose()
		d.set(errors.New("broken"))
		if _, err := p.Proof(access, "GET", "https://api.example/notes"); err == nil || err.Action != api.Retry {
			t.Errorf("without a key: %v", err)
		}
	})
}

func TestAnUnboundTokenNeedsNoProof(t *testing.T) {
	runWithDevice(t, func(t *testing.T, b *browser, d *device, g *proofChecker) {
		p := b.open(route("acme"))
		if credential, err := p.Credential("", ""); err != nil || !strings.HasPrefix(credential, "ada@acme#") {
			t.Errorf("%q, %v", credential, err)
		}
	})
}
