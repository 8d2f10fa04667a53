package serverapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/web-demo/idp"
)

// TestRevalidation_RenewalOfAnEnteredSession: a session that an app's server holds rests on
// the sign-in of the browser's, about which its renewals ask as well, in turn with it.
func TestRevalidation_RenewalOfAnEnteredSession(t *testing.T) {
	w := newCrossed(t)
	w.Provider.RefreshTokens = &idp.RefreshTokens{}
	document, err := w.Store.Workspace(t.Context())
	w.must(document, err)
	document.SignIn.Revalidation = directory.Revalidation{Revalidate: 300}
	w.must(nil, w.Store.SetWorkspacePolicy(t.Context(), *document, document.Policy))
	w.Restart()
	w.sign()
	child := w.entered(w.enter()).Refresh
	asked := func(want int) {
		t.Helper()
		if got := len(w.Provider.RefreshTokens.Asked()); got != want {
			t.Errorf("the provider was asked %d times, want %d", got, want)
		}
	}
	for i := range 3 {
		w.Pass(5 * time.Minute)
		answer := w.entered(w.renews(child))
		if answer.Refresh != "" {
			child = answer.Refresh
		}
		asked(i + 1)
		w.minted(w.mint(w.alice, "acme"))
		asked(i + 1)
	}
	w.Provider.RefreshTokens.Refuse = func(string) bool { return true }
	w.Pass(5 * time.Minute)
	w.wants(w.renews(child), http.StatusUnauthorized, api.SessionRevoked)
	if got := w.renew(w.alice, "acme"); got.Status != http.StatusUnauthorized {
		t.Errorf("the browser's session goes on: %d %s", got.Status, got.Body)
	}
	asked(4)
}
