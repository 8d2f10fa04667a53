package tab_test

import (
	"fmt"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

const note = "tabard:left"

// TestP12_EarlySignIn: after a sign-in that did not wait for the module, the tab is where
// the module's own would have led, whoever has signed in.
func TestP12_EarlySignIn(t *testing.T) {
	for _, c := range []struct{ person, organization, want string }{
		{"ada", "globex", "globex"}, {"ada", "", "acme"}, {"cleo", "", "initech"}, {"cleo", "globex", "initech"},
	} {
		for _, signsOut := range []bool{true, false} { // or the session ends, and the tab does not hear of it
			t.Run(fmt.Sprint(c.person, " ", c.organization, " ", signsOut), func(t *testing.T) {
				run(t, func(t *testing.T, b *browser) {
					b.signIn("ada")
					p := b.open(route("acme"))
					p.config.Organization = ""
					p = p.reload()
					if signsOut {
						p.signOut(t, api.ScopeSession)
					}
					p.closeTab()
					p.session.SetItem(note, `{"organization":"`+c.organization+`"}`)
					b.signIn(c.person)
					p = b.restore(p.session)
					p.expect(t, tab.Active, c.want)
					p.token(t, c.person+"@"+c.want)
					if left := p.session.Item(note); left != "" {
						t.Errorf("the note is still there: %s", left)
					}
				})
			})
		}
	}
}

// TestEarlySignIn_NoteOfAnEarlierOne: a later sign-in by the module counts.
func TestEarlySignIn_NoteOfAnEarlierOne(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		p := b.open()
		p.session.SetItem(note, `{"organization":"acme"}`)
		p.SignIn("globex", "https://app.example/", tab.Hints{})
		b.signIn("ada")
		p = p.reload()
		p.expect(t, tab.Active, "globex")
	})
}

// TestEarlySignIn_NoNote: what is no note changes nothing.
func TestEarlySignIn_NoNote(t *testing.T) {
	for _, text := range []string{"", "{", "null", "7"} {
		run(t, func(t *testing.T, b *browser) {
			b.signIn("ada")
			p := b.open(route("globex"))
			p.config.Organization = ""
			p.session.SetItem(note, text)
			p = p.reload()
			p.expect(t, tab.Active, "globex")
			p.token(t, "ada@globex")
		})
	}
}
