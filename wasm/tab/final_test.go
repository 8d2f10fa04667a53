package tab_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

// quietly makes the backend answer refusals with the status 200, as it does for
// [api.QuietRefusals].
func (b *browser) quietly(t *testing.T) {
	t.Helper()
	b.set(func() {
		b.script = func(r tab.Request) *tab.Response {
			if pathOf(r) != api.PathToken {
				return nil
			}
			response := b.token(r)
			response.Status = 200
			return &response
		}
	})
}

// TestQuiet_RefusalsMeanWhatTheyDo, also with the status 200.
func TestQuiet_RefusalsMeanWhatTheyDo(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.quietly(t)
		p := b.open()
		p.expect(t, tab.SignedOut)
		p.expectRefusal(t, api.LoginRequired)
		if url := b.seen[0].URL; url != base+api.PathToken+"?"+api.QuietRefusals {
			t.Errorf("asked %s", url)
		}
		b.signIn("ada")
		p = b.open()
		p.expect(t, tab.Choose)
		if r := p.Switch("initech"); r.Status != tab.Refused || r.Error.Code != api.OrganizationAccessDenied {
			t.Errorf("%+v", r)
		}
		p.Switch("acme")
		p.expect(t, tab.Active, "acme")
		b.set(func() { b.person = "" })
		if _, err := p.Credential("", p.token(t, "ada@acme")); err == nil || err.Code != api.LoginRequired {
			t.Errorf("%v", err)
		}
		p.expect(t, tab.SignedOut)
	})
}

// TestFinal_AMistakeInTheSetupIsAskedForOnce, until the page is looked at.
func TestFinal_AMistakeInTheSetupIsAskedForOnce(t *testing.T) {
	for name, refusal := range map[string]api.Error{
		"origin_not_allowed":  {Code: api.OriginNotAllowed, Description: "its origin is"},
		"not_found":           {Code: api.NotFound},
		"public_url_mismatch": {Code: api.InvalidDPoPProof, Reason: api.ReasonPublicURL},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				b.set(func() {
					b.script = func(tab.Request) *tab.Response {
						response := refuse(403, refusal)
						return &response
					}
				})
				p := b.open()
				p.expect(t, tab.Unavailable)
				if s := p.state(t); s.Error.Code != name || s.Error.Action != string(api.Stop) {
					t.Errorf("the state says %+v", s.Error)
				}
				b.expectRequests(t, "POST /token")
				time.Sleep(time.Hour)
				b.expectRequests(t)
				p.expectRefusal(t, api.Code(name))
				b.expectRequests(t)
				b.set(func() { b.script = nil })
				b.signIn("cleo")
				p.focus()
				p.expect(t, tab.Active, "initech")
			})
		})
	}
}

// TestP6AMistakenReplicaEndsNothing: a tab that the backend has answered before goes on
// asking.
func TestP6AMistakenReplicaEndsNothing(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.expect(t, tab.Active, "acme")
		b.set(func() {
			b.script = func(tab.Request) *tab.Response {
				response := refuse(404, api.Error{Code: api.NotFound})
				return &response
			}
		})
		time.Sleep(10 * time.Minute)
		p.expect(t, tab.Unavailable)
		b.set(func() { b.script = nil })
		time.Sleep(2 * time.Minute)
		p.expect(t, tab.Active, "acme")
	})
}

// TestFinal_TheClientFoundTheCause: the tab shows it and asks for nothing until it is
// looked at. A tab that the backend has answered is left as it is.
func TestFinal_TheClientFoundTheCause(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.set(func() { b.offline = true })
		p := b.open()
		p.expect(t, tab.Unavailable)
		p.OnFinal("not_the_backend", "the address")
		b.requests()
		time.Sleep(time.Hour)
		b.expectRequests(t)
		if s := p.state(t); s.Error.Code != "not_the_backend" || s.Error.Action != string(api.Stop) {
			t.Errorf("the state says %+v", s.Error)
		}
		b.set(func() { b.offline = false })
		b.signIn("cleo")
		p.focus()
		p.expect(t, tab.Active, "initech")
		b.set(func() { b.offline = true })
		time.Sleep(10 * time.Minute)
		p.expect(t, tab.Unavailable)
		p.OnFinal("not_the_backend", "the address")
		if s := p.state(t); s.Error.Code != string(api.TemporarilyUnavailable) {
			t.Errorf("the state says %+v", s.Error)
		}
	})
}

// TestVisible_AsksWhenItLastAskedLongAgo: a session that ended elsewhere is noticed when
// the tab is looked at, and a tab that is looked at often asks seldom.
func TestVisible_AsksWhenItLastAskedLongAgo(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		b.requests()
		time.Sleep(29 * time.Second)
		p.focus()
		b.expectRequests(t)
		time.Sleep(2 * time.Second)
		p.hide()
		b.expectRequests(t)
		p.focus()
		p.focus()
		b.expectRequests(t, "POST /token org_a")
		p.expect(t, tab.Active, "acme")
		b.set(func() { b.person = "" })
		time.Sleep(31 * time.Second)
		p.focus()
		p.expect(t, tab.SignedOut)
	})
}

// TestVisible_OfflineATabGoesOn with the token that it has.
func TestVisible_OfflineATabGoesOn(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		old := p.token(t, "ada@acme")
		b.set(func() { b.offline = true })
		time.Sleep(31 * time.Second)
		p.focus()
		p.expect(t, tab.Active, "acme")
		if got := p.token(t, "ada@acme"); got != old {
			t.Errorf("the token is %q", got)
		}
		synctest.Wait()
	})
}

// TestError_SignedIn is part of the contract, for clients of other kinds.
func TestError_SignedIn(t *testing.T) {
	v, err := parse(`{"error":"login_required","signed_in":false}`)
	if err != nil {
		t.Fatal(err)
	}
	if e := tab.DecodeError(v); e.SignedIn == nil || *e.SignedIn {
		t.Errorf("%+v", e)
	}
	text, _ := json.Marshal(api.Error{Code: api.LoginRequired})
	if v, _ := parse(string(text)); tab.DecodeError(v).SignedIn != nil {
		t.Error("what is not said is known")
	}
}
