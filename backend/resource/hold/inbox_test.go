package hold_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/token"
)

// TestHandler_Unread: a renewal is read whether or not the handler reads what is before it.
// What it does not read is limited.
func TestHandler_Unread(t *testing.T) {
	api := newSocketAPI(t)
	for path, c := range map[string]struct {
		size   int
		want   string
		reason token.Reason
	}{
		"/deaf":     {10, "4401 invalid_token expired", token.Expired},
		"/discards": {30 << 10, "4401 invalid_token expired", token.Expired},
	} {
		end := time.Now().Unix() + 6
		conn, _ := api.open(path, api.token("org_acme", 0, until(end-3)), "")
		for range 100 {
			api.send(conn, strings.Repeat("x", c.size))
		}
		api.send(conn, credential(api.token("org_acme", 0, until(end)), ""))
		api.ends(path, conn, time.Unix(end, 0), c.want, c.reason)
	}
	conn, _ := api.open("/deaf", api.token("org_acme", 300), "")
	for range 40 {
		api.send(conn, strings.Repeat("x", 30<<10))
	}
	if got := api.next(conn); got != "4503 temporarily_unavailable" {
		t.Errorf("%q", got)
	}
}

// TestHandler_TokenSpelledOtherwise: a token is not handed to the application, however it is
// written.
func TestHandler_TokenSpelledOtherwise(t *testing.T) {
	api := newSocketAPI(t)
	for _, before := range []string{" {", "{ ", "\n{\t"} {
		c, _ := api.open("/live", api.token("org_acme", 300), "")
		api.send(c, before+credential(api.token("org_acme", 300), "")[1:])
		if got := api.next(c); got != "4401 no_token" {
			t.Errorf("%q: %q", before, got)
		}
	}
}
