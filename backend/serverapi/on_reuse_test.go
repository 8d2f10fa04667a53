package serverapi_test

import (
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// copied is a session's refresh token in the hands of two: each goes on with a successor
// of its own until one is caught, and that answer is returned.
func copied(w *crossed, present func(refresh string) (answer, string), first string) answer {
	w.Helper()
	hands := []string{first, first}
	for range 10 {
		w.Pass(due)
		for i := range hands {
			got, next := present(hands[i])
			if got.Status == http.StatusUnauthorized {
				return got
			}
			if next != "" {
				hands[i] = next
			}
		}
	}
	w.Fatal("two hold the session's tokens for ever")
	panic("unreachable")
}

// renewal presents a refresh token as reports' server does.
func (w *crossed) renewal(refresh string) (answer, string) {
	got := w.renews(refresh)
	if got.Status != http.StatusOK {
		return got, ""
	}
	return got, w.entered(got).Refresh
}

// TestAReplayAtAServerEndsThatSessionAlone, in a workspace where one in a browser ends
// all of the person's.
func TestAReplayAtAServerEndsThatSessionAlone(t *testing.T) {
	w := newCrossed(t)
	other := w.signedIn("alice")
	refresh, beside, browser := w.entered(w.enter()).Refresh, w.entered(w.enter()).Refresh, w.handedOver()
	w.wants(copied(w, w.renewal, refresh), http.StatusUnauthorized, api.RefreshTokenReused)
	if !w.audited(audit.RefreshTokenReused) {
		t.Error("the trail does not say so")
	}
	w.must(nil, w.Store.FollowUpThefts(t.Context(), true, w.Now().Unix()))
	w.minted(w.renew(w.alice, "acme"))
	w.minted(w.mint(other, "acme"))
	w.minted(w.renew(browser, "acme"))
	w.entered(w.renews(beside))
}

// TestATheftInABrowserEndsWhatServersGotFromThere: all sessions of the person's browsers
// end, and so do those that an app's server holds from them.
func TestATheftInABrowserEndsWhatServersGotFromThere(t *testing.T) {
	for name, stolen := range map[string]func(w *crossed, other *httpbrowser.Browser) *httpbrowser.Browser{
		"her own":             func(w *crossed, _ *httpbrowser.Browser) *httpbrowser.Browser { return w.alice },
		"her own, elsewhere":  func(_ *crossed, other *httpbrowser.Browser) *httpbrowser.Browser { return other },
		"in the other app":    func(w *crossed, _ *httpbrowser.Browser) *httpbrowser.Browser { return w.handedOver() },
		"with a crash before": nil,
	} {
		t.Run(name, func(t *testing.T) {
			w := newCrossed(t)
			other, bob := w.signedIn("alice"), w.signedIn("bob")
			w.minted(w.mint(other, "acme"))
			refresh := w.entered(w.enter()).Refresh
			if stolen == nil {
				w.stolen()
				w.must(nil, w.Store.FollowUpThefts(t.Context(), true, w.Now().Unix()))
			} else {
				victim := stolen(w, other)
				w.robbed(victim)
			}
			for what, b := range map[string]*httpbrowser.Browser{"her own": w.alice, "elsewhere": other} {
				if got := w.renew(b, "acme"); got.Status != http.StatusUnauthorized {
					t.Errorf("%s: %d %s", what, got.Status, got.Body)
				}
			}
			w.wants(w.renews(refresh), http.StatusUnauthorized, api.SessionRevoked)
			w.minted(w.mint(bob, "acme"))
		})
	}
}

// robbed has a thief copy a browser, and both work on until one is caught.
func (w *crossed) robbed(victim *httpbrowser.Browser) {
	w.Helper()
	thief := victim.Copy()
	for range 20 {
		for _, b := range []*httpbrowser.Browser{thief, victim} {
			w.Pass(due / 2)
			if got := w.renew(b, "acme"); got.Status == http.StatusUnauthorized {
				w.refused(got, api.RefreshTokenReused)
				return
			}
		}
	}
	w.Fatal("thief and victim go on for ever")
}

// TestAChangeOfThePolicyKeepsWhatATheftEnds.
func TestAChangeOfThePolicyKeepsWhatATheftEnds(t *testing.T) {
	w := newBackend(t, nil)
	w.does("PUT", "/policy", `{"access_ttl":60}`, w.whole, nil)
	if got, err := w.Store.Workspace(t.Context()); err != nil || got.OnReuse != directory.EndUser {
		t.Errorf("%q, %v", got.OnReuse, err)
	}
}
