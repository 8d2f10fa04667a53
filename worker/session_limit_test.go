//go:build !js

package main_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// TestSessionLimit_OnD1: however many browsers a person signs in with at once, as many as the
// workspace allows stay signed in, whether the further ones or the oldest lose; the others
// learn why. Another person's stay.
func TestSessionLimit_OnD1(t *testing.T) {
	t.Parallel()
	for _, at := range []directory.AtLimit{directory.EndOldest, directory.RefuseSignIn} {
		t.Run(string(at), func(t *testing.T) {
			port := ports.Hold(t)
			origin := fmt.Sprintf("http://localhost:%d", port)
			issuer := contract.Provider(t, origin+"/auth", origin)
			desired := contract.Desired(issuer, origin)
			desired.Workspace.SignIn.MaxSessions, desired.Workspace.SignIn.AtLimit = 2, at
			workerd.Start(t, workerd.Options{Port: port, Variables: workerd.Variables(origin+"/auth", issuer, contract.ClientID, contract.ClientSecret), Desired: desired})
			other := httpbrowser.New(t, origin, origin+"/auth")
			other.SignIn("bob")
			browsers := make([]*httpbrowser.Browser, 6)
			var all sync.WaitGroup
			for i := range browsers {
				browsers[i] = httpbrowser.New(t, origin, origin+"/auth")
				all.Go(func() { browsers[i].SignIn("alice") })
			}
			all.Wait()
			goOn := 0
			for _, b := range browsers {
				got := b.Post("/token", `{"organization":"acme","enter":true}`)
				if got.Status == http.StatusOK {
					goOn++
					continue
				}
				var e api.Error
				switch got.JSON(t, &e); {
				case at == directory.EndOldest && e.Reason == api.ReasonSessionLimit, at == directory.RefuseSignIn && e.Code == api.LoginRequired:
				default:
					t.Errorf("%d %s", got.Status, got.Body)
				}
			}
			if goOn != 2 {
				t.Errorf("%d browsers stay signed in", goOn)
			}
			if got := other.Post("/token", `{"organization":"acme","enter":true}`); got.Status != http.StatusOK {
				t.Errorf("another person: %d %s", got.Status, got.Body)
			}
		})
	}
}
