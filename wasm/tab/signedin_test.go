package tab_test

import (
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

// TestSignedIn_InAWindow: the tab goes on as whoever signed in, in the organization that
// was named or in one that it finds, although the browser says that it was signed out of.
func TestSignedIn_InAWindow(t *testing.T) {
	for _, c := range []struct{ person, organization, want string }{
		{"ada", "globex", "globex"}, {"bob", "", "globex"}, {"cleo", "", "initech"}, {"bob", "acme", "globex"},
	} {
		t.Run(c.person+" "+c.organization, func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				b.signIn("ada")
				p, other := b.open(route("acme")), b.open(route("acme"))
				p.config.Organization = ""
				p = p.reload()
				p.signOut(t, api.ScopeSession)
				p.expect(t, tab.SignedOut, "")
				b.signIn(c.person)
				p.expect(t, tab.SignedOut, "") // nothing has told it
				p.SignedIn(c.organization)
				p.expect(t, tab.Active, c.want)
				p.token(t, c.person+"@"+c.want)
				if s := other.state(t).Status; s == string(tab.SignedOut) {
					t.Error("another tab is still signed out")
				}
			})
		})
	}
}

// TestSignedIn_SamePerson: what the page shows stays, though the session is a new one.
func TestSignedIn_SamePerson(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		fence := p.state(t).Fence
		b.signIn("ada")
		p.SignedIn("")
		p.expect(t, tab.Active, "acme")
		if got := p.state(t).Fence; got != fence {
			t.Errorf("the fence went from %d to %d", fence, got)
		}
		b.signIn("bob")
		p.SignedIn("globex")
		p.expect(t, tab.Active, "globex")
		p.token(t, "bob@globex")
	})
}

// TestSignedIn_Nobody: a window that ended without a session leaves the tab signed out.
func TestSignedIn_Nobody(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		p := b.open()
		p.SignedIn("acme")
		p.expect(t, tab.SignedOut, "")
	})
}

// TestP11_SignedOutMarkIsNoAnswer: a tab that is opened after a sign-out elsewhere asks
// once, and is in where a provider or another app has signed the person in meanwhile,
// which no page of this app has seen.
func TestP11_SignedOutMarkIsNoAnswer(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("cleo")
		p := b.open()
		p.signOut(t, api.ScopeSession)
		b.requests()
		b.open().expect(t, tab.SignedOut, "")
		b.expectRequests(t, "POST /token")
		b.signIn("cleo") // by a link of the provider's
		b.open().expect(t, tab.Active, "initech")
	})
}

// TestSignIn_WithAChoiceIsHeard: other tabs learn of a sign-in also where the person has to
// choose first, so that no token is minted.
func TestSignIn_WithAChoiceIsHeard(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		other := b.open()
		other.expect(t, tab.SignedOut)
		b.signIn("ada")
		b.open().expect(t, tab.Choose, "")
		other.expect(t, tab.Choose, "")
	})
}
