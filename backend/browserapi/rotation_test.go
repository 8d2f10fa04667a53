package browserapi_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg/migrated"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// rotation is the minimum time between two rotations of a session without a device key.
var rotation = time.Duration(session.LimitsFor(false).R) * time.Second

func (w *stored) events(action audit.Action) []audit.Event {
	w.Helper()
	all, err := w.Store.Events(w.Context(), audit.Query{Limit: 1000})
	if err != nil {
		w.Fatal(err)
	}
	var found []audit.Event
	for _, e := range all {
		if e.Action == action {
			found = append(found, e)
		}
	}
	return found
}

// theft lets a thief and the victim mint in turns until one is refused, and returns
// that answer.
func theft(w *backend, victim, thief *httpbrowser.Browser) httpbrowser.Response {
	w.Helper()
	for range 20 {
		for _, b := range []*httpbrowser.Browser{victim, thief} {
			w.Pass(rotation + time.Second)
			if got := b.Post("/token", `{"organization":"acme","enter":true}`); got.Status != http.StatusOK {
				return got
			}
		}
	}
	w.Fatal("thief and victim go on for ever")
	panic("unreachable")
}

func TestP7TheftEndsTheSessionAndNoOtherWhereTheWorkspaceSaysSo(t *testing.T) {
	w := newBackend(t, nil)
	d := desired()
	d.Workspace.OnReuse = directory.EndSession
	w.Apply(d)
	victim, elsewhere := w.signedIn("alice"), w.signedIn("alice")
	thief := victim.Copy()
	w.wants(theft(w, victim, thief), http.StatusUnauthorized, api.RefreshTokenReused)
	for _, b := range []*httpbrowser.Browser{victim, thief} {
		if got := b.Post("/token", `{"organization":"acme"}`); got.Status != http.StatusUnauthorized {
			t.Errorf("after the theft: %d %s", got.Status, got.Body)
		}
	}
	w.mint(elsewhere, "acme")
	if found := w.events(audit.RefreshTokenReused); len(found) != 1 || found[0].UserID == "" || found[0].SessionID == "" {
		t.Errorf("the trail tells %+v", found)
	}
}

func TestP7TheftEndsAllOfThePersonsSessionsWhereTheWorkspaceSaysSo(t *testing.T) {
	w := newBackend(t, nil)
	d := desired()
	d.Workspace.OnReuse = directory.EndUser
	w.Apply(d)
	victim, elsewhere, bob := w.signedIn("alice"), w.signedIn("alice"), w.signedIn("bob")
	w.wants(theft(w, victim, victim.Copy()), http.StatusUnauthorized, api.RefreshTokenReused)
	w.wants(elsewhere.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.SessionRevoked)
	w.mint(bob, "acme")
}

func TestP6LostAnswersSignNobodyOut(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	for round := range 200 {
		w.Pass(rotation / 3)
		if round%3 == 0 {
			w.mint(b.Copy(), "acme") // the answer is lost
		}
		w.mint(b, "acme")
	}
	if found := w.events(audit.RefreshTokenReused); len(found) != 0 {
		t.Errorf("a false alarm: %+v", found)
	}
}

func TestSession_AbsoluteEnd(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	for range 24*12 - 1 {
		w.Pass(5 * time.Minute)
		w.mint(b, "acme")
	}
	if left := w.mint(b, "acme"); left.SessionExpiresIn != 300 || left.ExpiresIn != 300 {
		t.Errorf("five minutes before the end: %+v", left)
	}
	w.Pass(4 * time.Minute)
	if left := w.mint(b, "acme"); left.ExpiresIn != 60 {
		t.Errorf("a token outlives its session: %d s", left.ExpiresIn)
	}
	w.Pass(time.Minute)
	if got := b.Post("/token", `{"organization":"acme"}`); got.Status != http.StatusUnauthorized {
		t.Errorf("after its end: %d %s", got.Status, got.Body)
	}
}

func TestRotation_ForgedGeneration(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	minted := w.mint(b, "acme")
	id, err := session.ParseID(minted.Session)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := session.NewMACKeys(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	name, _ := w.theSession(b)
	for _, generation := range []int64{0, 2, 3, 1 << 31} {
		forged := ring.Sign(session.Token{Session: id, Gen: generation, ID: session.NewTokenID(), IssuedAt: w.Now().Unix()}, session.Secret{})
		thief := w.browser()
		thief.SetCookie(name, forged)
		w.wants(thief.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.LoginRequired)
	}
	w.mint(b, "acme")
}

// inBothStores runs a test on SQLite and on PostgreSQL.
func inBothStores(t *testing.T, test func(*testing.T, *backend)) {
	t.Run("SQLite", func(t *testing.T) { test(t, newBackend(t, nil)) })
	t.Run("PostgreSQL", func(t *testing.T) {
		store, err := postgres.Open(t.Context(), migrated.Postgres(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		w := newBackend(t, func(host.Store) host.Store { return store })
		w.Store = store
		w.Apply(desired())
		w.Restart()
		test(t, w)
	})
}

func TestRotation_FiftyParallelMints(t *testing.T) {
	inBothStores(t, func(t *testing.T, w *backend) {
		b := w.signedIn("alice")
		minted := w.mint(b, "acme")
		id, err := session.ParseID(minted.Session)
		if err != nil {
			t.Fatal(err)
		}
		for round := range int64(100) {
			w.Pass(rotation + time.Second)
			w.mint(b, "acme") // returns the successor that all tabs present at once
			var group sync.WaitGroup
			for range 50 {
				tab := b.Copy()
				group.Go(func() {
					if got := tab.Post("/token", `{"organization":"acme"}`); got.Status != http.StatusOK {
						t.Errorf("%d %s", got.Status, got.Body)
					}
				})
			}
			group.Wait()
			s, err := w.Store.Session(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if s.Gen != round+2 {
				t.Fatalf("after round %d the session is in generation %d", round, s.Gen)
			}
		}
	})
}

func TestToken_TwoHundredUsersAtOnce(t *testing.T) {
	const people = 200
	w := newBackend(t, nil)
	d := directory.Desired{Workspace: desired().Workspace}
	for i := range people {
		d.Organizations = append(d.Organizations, directory.DesiredOrganization{
			Organization: directory.Organization{ID: fmt.Sprintf("org_%d", i), Slug: fmt.Sprintf("o%d", i), Name: "O"},
			Members:      []directory.Member{{User: directory.User{Issuer: issuer, Subject: fmt.Sprintf("person%d", i)}}},
		})
	}
	w.Apply(d)
	browsers := make([]*httpbrowser.Browser, people)
	for i := range browsers {
		browsers[i] = w.signedIn(fmt.Sprintf("person%d", i))
	}
	var group sync.WaitGroup
	for i, b := range browsers {
		group.Go(func() {
			answer := b.Post("/token", fmt.Sprintf(`{"organization":"o%d","enter":true}`, i))
			var minted api.TokenResponse
			answer.JSON(t, &minted)
			var claims jwt.MapClaims
			if _, _, err := jwt.NewParser().ParseUnverified(minted.AccessToken, &claims); err != nil {
				t.Error(err)
			}
			if claims["org_id"] != fmt.Sprintf("org_%d", i) || minted.User.Subject != fmt.Sprintf("person%d", i) || claims["sub"] != minted.User.ID {
				t.Errorf("person %d got the token of %v in %v", i, minted.User.Subject, claims["org_id"])
			}
		})
	}
	group.Wait()
}
