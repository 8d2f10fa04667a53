package tab_test

import (
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

// TestStart_OriginNotJoined: a page whose origin has no session, in a browser that is signed
// in at another origin of the app, is not signed out, and does not ask without end.
func TestStart_OriginNotJoined(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		requests := 0
		b.set(func() {
			b.script = func(r tab.Request) *tab.Response {
				requests++
				refused := refuse(401, api.Error{Code: api.OriginNotJoined, LoginURL: "/auth/login?app=web&join=1&prompt=none"})
				return &refused
			}
		})
		p := b.open(route("acme"))
		s := p.state(t)
		if s.Status == "signed_out" || s.Error == nil || s.Error.Code != "origin_not_joined" || s.Error.Action != "step_up" {
			t.Errorf("%+v %+v", s, s.Error)
		}
		t.Logf("%+v", s)
		first := requests
		time.Sleep(time.Hour)
		t.Logf("%d then %d", first, requests)
		if requests-first > 60 {
			t.Errorf("%d requests within an hour", requests-first)
		}
		b.set(func() { b.script = nil }) // joined
		if got := p.Switch("acme"); got.Status != tab.Switched {
			t.Errorf("%+v", got)
		}
	})
}
