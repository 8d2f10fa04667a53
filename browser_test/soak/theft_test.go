//go:build long

package main

import (
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
)

// tokensEnd is longer than the life of an access token, and than the rotation interval
// of a session without a device key: afterward the next call of the API mints first.
const tokensEnd = 6 * time.Minute

// theft copies the person's cookie into another browser. Without a device key the copy
// works until thief and victim have to rotate it: then both hold a successor of their
// own, and the session ends. With a key the copy is refused from the first request.
func theft(p *person) {
	p.t.Helper()
	victim := p.tabs[0]
	mallory := chrome.New(p.t)
	chrome.SetCookies(p.t, mallory, p.origin, chrome.Cookies(p.t, victim.ctx, p.origin))
	thief := &tab{environment: p.environment, name: "mallory", organization: "acme", keeper: mallory, random: p.random}
	p.events.guard(false)
	stolen := thief.open()
	if p.keyless {
		p.expectCaught(thief, victim, stolen)
	} else {
		p.expectWorthless(thief, victim, stolen)
	}
}

// expectCaught has both work on until the session ends.
func (p *person) expectCaught(thief, victim *tab, stolen error) {
	p.t.Helper()
	if stolen != nil {
		p.t.Fatalf("the copied cookie does not work, so the run is not conclusive: %v", stolen)
	}
	began, rounds := p.now(), 0
	for ; p.session().reason.String != "reuse"; rounds++ {
		if rounds == 20 {
			p.t.Fatal("the thief was never caught")
		}
		p.pass(tokensEnd)
		for _, one := range []*tab{thief, victim} {
			if err := one.checkActive("whoami"); err != nil {
				p.t.Logf("%s after %v: %v", one.name, p.now().Sub(began).Round(time.Second), err)
			}
		}
	}
	for _, one := range []*tab{thief, victim} {
		p.awaitOut(one)
	}
	if got := p.audited("session.reused"); got != 1 {
		p.t.Errorf("%d audit events of a theft, want 1", got)
	}
	p.t.Logf("theft without a device key: caught in round %d, %v of the backend's time after the copy; 1 audit event", rounds, p.now().Sub(began).Round(time.Second))
}

// awaitOut waits until a tab is without a token.
func (p *person) awaitOut(t *tab) {
	p.t.Helper()
	p.pass(tokensEnd)
	if err := t.checkActive("whoami"); err == nil {
		p.t.Errorf("the tab %s goes on after the theft was found", t.name)
	}
	chrome.Await(p.t, t.ctx, `tabard.state.status === "signed_out"`)
}

// expectWorthless checks that the thief is refused and the victim goes on.
func (p *person) expectWorthless(thief, victim *tab, stolen error) {
	p.t.Helper()
	if stolen == nil {
		p.t.Error("the copied cookie works in another browser")
	}
	for range 3 {
		p.pass(rotateAfter(false))
		if err := thief.checkActive("whoami"); err == nil {
			p.t.Error("the copied cookie works in another browser")
		}
		if err := victim.checkActive("whoami"); err != nil {
			p.t.Errorf("the victim of a worthless theft: %v", err)
		}
	}
	if r := p.session(); r.revoked.Valid {
		p.t.Errorf("a worthless theft ended the session: %s", r.reason.String)
	}
	refused := p.audited("proof.refused")
	if refused == 0 {
		p.t.Error("the thief's requests are not in the audit")
	}
	p.t.Logf("theft with a device key: refused at the first request (%v), %d audit events, the victim goes on", stolen, refused)
}
