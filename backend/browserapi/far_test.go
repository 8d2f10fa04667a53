package browserapi_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/session"
)

// endedMeanwhile ends a session after a mint has read it and before it redeems the refresh token.
type endedMeanwhile struct {
	host.Store
	end func(session.ID)
}

func (s endedMeanwhile) Redeem(ctx context.Context, p session.Redemption) (session.Row, error) {
	s.end(p.Token.Session)
	return s.Store.Redeem(ctx, p)
}

// TestP10_FarDatabase checks a mint that goes on while the use of its refresh token is written
// down: it is refused if the session has ended meanwhile.
func TestP10_FarDatabase(t *testing.T) {
	for name, body := range map[string]string{
		"entering":       `{"organization":"globex","enter":true}`,
		"a mint":         `{"organization":"acme"}`,
		"another person": `{"organization":"acme","user":"usr_other"}`,
	} {
		t.Run(name, func(t *testing.T) {
			end := func(session.ID) {}
			w := newBackend(t, func(s host.Store) host.Store {
				return endedMeanwhile{s, func(id session.ID) { end(id) }}
			})
			w.Far = true
			w.Restart()
			b := w.signedIn("alice")
			w.mint(b, "acme")
			w.Pass(time.Second)
			w.mint(b, "acme")
			w.Pass(time.Second)
			end = func(id session.ID) {
				if err := w.Store.Revoke(t.Context(), id, session.ReasonSignedOut, w.Now().Unix()); err != nil {
					t.Error(err)
				}
			}
			cookie, _ := w.theSession(b)
			got := b.Post("/token", body)
			w.wants(got, http.StatusUnauthorized, api.SessionRevoked)
			if set := got.Cookies(); len(set) != 1 || set[0].Name != cookie || set[0].MaxAge >= 0 {
				t.Errorf("%v, want %s cleared", set, cookie)
			}
		})
	}
}

// TestP7_FarDatabase checks that theft is detected as where the database is near.
func TestP7_FarDatabase(t *testing.T) {
	w := newBackend(t, nil)
	w.Far = true
	w.Restart()
	victim := w.signedIn("alice")
	w.wants(theft(w, victim, victim.Copy()), http.StatusUnauthorized, api.RefreshTokenReused)
	if found := w.events(audit.RefreshTokenReused); len(found) != 1 {
		t.Errorf("the trail tells %+v", found)
	}
}
