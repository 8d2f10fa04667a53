package tab_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

// TestRenew_MintsAnewAndKeepsTheOldToken: a token that an API accepts, but that lacks
// something, is replaced at once. Until the new one is there, and if there is none, the
// tab goes on with the old one.
func TestRenew_MintsAnewAndKeepsTheOldToken(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		old := p.token(t, "ada@acme")
		b.requests()
		renewed, err := p.Renew("", old)
		if err != nil || renewed == old || p.token(t, "ada@acme") != renewed {
			t.Fatalf("renewed %q by %q, %v", old, renewed, err)
		}
		b.expectRequests(t, "POST /token org_a")
		if again, err := p.Renew("", old); err != nil || again != renewed {
			t.Errorf("a token that is newer already was renewed: %q, %v", again, err)
		}
		b.expectRequests(t)

		b.set(func() { b.offline = true })
		if _, err := p.Renew("", renewed); err == nil || err.Action != api.Retry {
			t.Errorf("offline it is renewed: %v", err)
		}
		p.expect(t, tab.Active, "acme")
		if got := p.token(t, "ada@acme"); got != renewed {
			t.Errorf("the tab has %q, want the old token %q", got, renewed)
		}
		b.requests()
		if _, err := p.Renew("", renewed); err == nil { // within the pause
			t.Error("it is renewed")
		}
		b.expectRequests(t)
	})
}

// TestRenew_ManyAtOnceAreOneRequest, also while a request of the tab's own is under way.
func TestRenew_ManyAtOnceAreOneRequest(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		old := p.token(t, "ada@acme")
		b.requests()
		b.set(func() { b.latency = time.Second })
		for range 10 {
			go p.Renew("", old)
		}
		time.Sleep(2 * time.Second)
		b.expectRequests(t, "POST /token org_a")
	})
}

// TestRenew_OfASecondOrganization leaves the tab's own alone.
func TestRenew_OfASecondOrganization(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		own := p.token(t, "ada@acme")
		theirs, err := p.Credential("globex", "")
		if err != nil {
			t.Fatal(err)
		}
		if renewed, err := p.Renew("globex", theirs); err != nil || renewed == theirs || !strings.HasPrefix(renewed, "ada@globex#") {
			t.Errorf("renewed by %q, %v", renewed, err)
		}
		if got := p.token(t, "ada@acme"); got != own {
			t.Errorf("the tab's own token is %q", got)
		}
	})
}

// TestRenew_RefusalsAreTheTabs: a session that has ended is no fault to wait out.
func TestRenew_RefusalsAreTheTabs(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		old := p.token(t, "ada@acme")
		b.set(func() { b.person = "" })
		if _, err := p.Renew("", old); err == nil || err.Code != api.LoginRequired {
			t.Errorf("renewed: %v", err)
		}
		p.expect(t, tab.SignedOut)
	})
}

// TestStepUpURL_LeavesTheTabAsItIs: the window of a step-up goes elsewhere, the tab
// keeps its token and starts no switch when it is reloaded.
func TestStepUpURL_LeavesTheTabAsItIs(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		old := p.token(t, "ada@acme")
		b.set(func() {
			b.script = func(r tab.Request) *tab.Response {
				if !strings.HasPrefix(r.URL, base+"/login?") {
					return nil
				}
				response := ok(api.LoginResponse{Location: "https://id.example/?" + strings.TrimPrefix(r.URL, base+"/login?")})
				return &response
			}
		})
		got := p.StepUpURL("org_a", "/login?organization=org_a&acr_values=mfa&max_age=5", "https://app.example/auth/client/popup.html#id=1", "")
		want := "https://id.example/?organization=org_a&acr_values=mfa&max_age=5&user=usr_ada&return_to=https%3A%2F%2Fapp.example%2Fauth%2Fclient%2Fpopup.html%23id%3D1"
		if got != want {
			t.Errorf("the window goes to\n%s, want\n%s", got, want)
		}
		if p.navigated != "" || p.token(t, "ada@acme") != old {
			t.Errorf("the tab went to %q, or lost its token", p.navigated)
		}
		b.requests()
		p = p.reload()
		p.expect(t, tab.Active, "acme")
		b.expectRequests(t)
	})
}

// TestStepUp_IsHeardInOtherTabs: a tab that waits for a step-up asks again when another
// one is back from it, also if the session and its epoch are the same as before.
func TestStepUp_IsHeardInOtherTabs(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.StepUp("org_a", "/login?organization=org_a&max_age=5", "https://app.example/")
		b.mu.Lock()
		b.sent = nil
		b.mu.Unlock()
		p = p.reload()
		p.expect(t, tab.Active, "acme")
		synctest.Wait()
		b.mu.Lock()
		defer b.mu.Unlock()
		if strings.Join(b.sent, ", ") != "look again" {
			t.Errorf("the other tabs were told %q", b.sent)
		}
	})
}

// TestSignIn_Hints reach the backend.
func TestSignIn_Hints(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		p := b.open()
		p.SignIn("acme", "https://app.example/", tab.Hints{Prompt: "select_account", LoginHint: "ada@example.com"})
		if want := base + "/login?organization=acme&prompt=select_account&login_hint=ada%40example.com&return_to=https%3A%2F%2Fapp.example%2F"; p.navigated != want {
			t.Errorf("went to %s, want %s", p.navigated, want)
		}
	})
}
