package upgrade

import (
	"encoding/json"
	"net/http"
	"testing"
)

// TestUpgrade_Endings: what ends of 0.1's state is in the feed, with the session that was
// entered from another one; the migration itself ends nothing.
func TestUpgrade_Endings(t *testing.T) {
	onBothDatabases(t, func(u *upgraded) {
		status, text := u.call("POST", "/admin/v1/keys", u.APIKeys["administration"], `{"name":"notes API","kind":"events"}`)
		var key struct{ Secret string }
		if err := json.Unmarshal([]byte(text), &key); err != nil || status != http.StatusCreated {
			u.Fatalf("%d %s: %v", status, text, err)
		}
		poll := func() (answer struct{ Sets map[string]string }) {
			u.Helper()
			status, text := u.call("POST", "/events/poll", key.Secret, `{"returnImmediately":true,"after":1}`)
			if err := json.Unmarshal([]byte(text), &answer); err != nil || status != http.StatusOK {
				u.Fatalf("%d %s: %v", status, text, err)
			}
			return answer
		}
		if sets := poll().Sets; len(sets) != 0 {
			u.Errorf("the migration ended %v", sets)
		}
		alice := u.restored("without a device key")
		u.mint(u.Browser(leftReports).Sharing(alice), "acme")
		if got := alice.Post("/logout", `{"scope":"session"}`); got.Status != http.StatusOK {
			u.Errorf("%d %s", got.Status, got.Body)
		}
		if sets := poll().Sets; len(sets) < 2 {
			u.Errorf("the feed has %v", sets)
		}
	})
}
