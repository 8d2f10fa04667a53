package upgrade

import (
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// TestUpgrade_CookieNames: release 0.1 may still serve, or serve again, and reads
// only its own names. So a browser has its session under both names, with the same
// value, whichever release set it first. A cookie that was encrypted with another
// server's secret is ignored.
func TestUpgrade_CookieNames(t *testing.T) {
	onBothDatabases(t, func(u *upgraded) {
		b := u.restored("without a device key")
		kept := u.Browsers["without a device key"].Cookies[0]
		for range 30 {
			u.mint(b, "acme")
			byName := b.Cookies()
			var values []string
			for name, value := range byName {
				if strings.HasPrefix(name, "__Host-Http-tabard.") && strings.HasSuffix(name, kept.Name[strings.LastIndex(kept.Name, ".web."):]) {
					values = append(values, value)
				}
			}
			if len(values) != 2 || values[0] != values[1] || byName[kept.Name] == "" {
				u.Fatalf("the browser keeps %v", byName)
			}
			u.clock.Pass(20 * time.Minute)
		}
		before := u.Browser(leftOrigin)
		before.SetCookie(kept.Name, b.Cookies()[kept.Name]) // release 0.1 reads only this one
		u.mint(before, "acme")
		if got := b.Post("/logout", `{"scope":"session"}`); got.Status != 200 || len(b.Cookies()) != 1 { // the other app's remains
			u.Errorf("%d %s, %v", got.Status, got.Body, b.Cookies())
		}
		u.checkRefused(u.askToken(before, `{"organization":"acme"}`), api.SessionRevoked)
	})
}
