package replicas_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/browser_test/kit/backendtest"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp"
)

// TestRevalidation_OneRequestASession: 200 sessions mint at three replicas at once, over
// and over; the provider is asked once about each in an interval.
func TestRevalidation_OneRequestASession(t *testing.T) {
	const sessions, intervals = 200, 3
	store, err := postgres.Open(t.Context(), pg.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	secret, _ := signingkey.NewSecret()
	db := backendtest.OnStore(t, backendtest.NewClock(time.Now()), store, secret)
	db.Apply(directory.Desired{
		Workspace: directory.Workspace{
			Apps:   []directory.App{{ID: "web", Name: "Web", Origins: []string{backendtest.Origin}, Audience: "api"}},
			SignIn: directory.SignIn{Revalidation: directory.Revalidation{Revalidate: 300}},
		},
		Organizations: []directory.DesiredOrganization{{
			Organization: directory.Organization{ID: "org_acme", Slug: "acme", Name: "Acme"},
			Members:      []directory.Member{{User: directory.User{Issuer: backendtest.Issuer, Subject: "alice"}}},
		}},
	})
	first := backendtest.New(t, db, nil)
	first.Provider.RefreshTokens = &idp.RefreshTokens{}
	first.Restart()
	replicas := []*backendtest.Backend{first, first.Replica(), first.Replica()}
	browsers := make([]*httpbrowser.Browser, sessions)
	for i := range browsers {
		browsers[i] = first.Browser(backendtest.Origin)
		browsers[i].SignIn("alice")
		mints(t, browsers[i])
	}
	for n := range intervals {
		db.Pass(5 * time.Minute)
		var all sync.WaitGroup
		for _, replica := range replicas {
			for _, b := range browsers {
				tab := b.Tab()
				tab.Transport = replica.Hosts
				all.Go(func() { mints(t, tab) })
			}
		}
		all.Wait()
		db.Pass(time.Second)
		for _, b := range browsers {
			mints(t, b)
		}
		if asked := len(first.Provider.RefreshTokens.Asked()); asked != (n+1)*sessions {
			t.Errorf("after %d intervals the provider was asked %d times about %d sessions", n+1, asked, sessions)
		}
	}
	first.Provider.RefreshTokens.Refuse = func(string) bool { return true }
	db.Pass(5 * time.Minute)
	for i, b := range browsers {
		b.Transport = replicas[i%len(replicas)].Hosts
		if got := b.Post("/token", `{"organization":"acme"}`); got.Status != http.StatusUnauthorized {
			t.Fatalf("session %d goes on: %d %s", i, got.Status, got.Body)
		}
	}
}

func mints(t *testing.T, b *httpbrowser.Browser) {
	t.Helper()
	if got := b.Post("/token", `{"organization":"acme","enter":true}`); got.Status != http.StatusOK {
		t.Errorf("%d %s", got.Status, got.Body)
	}
}
