package upgrade

import (
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp"
)

// TestUpgrade_Revalidation: sessions of the release before have no provider's token, and go
// on once the workspace asks for revalidation. New ones are asked about.
func TestUpgrade_Revalidation(t *testing.T) {
	onBothDatabases(t, func(u *upgraded) {
		u.Provider.RefreshTokens = &idp.RefreshTokens{Refuse: func(string) bool { return true }}
		w, err := u.Through.Workspace(t.Context())
		if err == nil {
			w.SignIn.Revalidate = 60
			err = u.Through.SetWorkspacePolicy(t.Context(), *w, w.Policy)
		}
		if err != nil {
			u.Fatal(err)
		}
		old := []*httpbrowser.Browser{u.restored("without a device key"), u.restored("with a device key")}
		newer := u.Browser(leftOrigin)
		newer.SignIn("alice")
		u.enter(newer, "acme")
		for range 3 {
			u.clock.Pass(time.Minute)
			for _, b := range old {
				u.mint(b, "acme")
			}
		}
		if asked := len(u.Provider.RefreshTokens.Asked()); asked != 0 {
			u.Errorf("the provider was asked %d times about sessions of before", asked)
		}
		u.checkRefused(u.askToken(newer, `{"organization":"acme"}`), "session_revoked")
	})
}
