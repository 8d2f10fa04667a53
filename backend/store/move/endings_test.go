package move_test

import (
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/store/move"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest"
)

// TestMove_CarriesTheFeed: the feed goes on in the target where it was, and nothing ends by
// being carried.
func TestMove_CarriesTheFeed(t *testing.T) {
	path := source(t, 3)
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	parent := made(t, store, session.ID{})
	made(t, store, parent) // ends with its parent
	must(store.Revoke(t.Context(), parent, session.ReasonSignedOut, storetest.Now))
	must(store.RemoveMember(t.Context(), "org_acme", "usr_1"))
	was, err := store.Feed(t.Context())
	must(err)
	events, err := store.Endings(t.Context(), 0, 100)
	must(err)
	must(store.Close())
	if len(events) < 3 {
		t.Fatalf("the source has %+v", events)
	}

	from, to := alone(t, path), target(t)
	for range 2 { // broken off after its transaction, the second time
		_, err := move.Move{From: from, To: to.Pool()}.Run(t.Context())
		must(err)
		must(sqlstore.New(from, sqlstore.SQLite).SetEpoch(t.Context(), "own"))
	}
	now, err := to.Feed(t.Context())
	must(err)
	carried, err := to.Endings(t.Context(), 0, 100)
	must(err)
	if now != was || len(carried) != len(events) || carried[0] != events[0] {
		t.Errorf("the feed is %+v with %+v, and was %+v with %+v", now, carried, was, events)
	}
	must(to.RemoveMember(t.Context(), "org_acme", "usr_2"))
	next, err := to.Endings(t.Context(), was.Number, 100)
	if err != nil || len(next) != 1 || next[0].Number != was.Number+1 || next[0].User != "usr_2" {
		t.Errorf("after that: %+v, %v", next, err)
	}
}

// made makes a session of usr_0, which may have a parent.
func made(t *testing.T, store *sqlstore.Store, parent session.ID) session.ID {
	t.Helper()
	id := session.NewID()
	_, row := session.First(id, session.NewTokenID(), storetest.Now)
	err := store.Create(t.Context(), session.Session{
		ID: id, App: "app", UserID: "usr_0", Secret: session.NewSecret(), Row: row, CreatedAt: storetest.Now, ExpiresAt: storetest.Now + 3600,
		Attempt: directory.NewID(""), UserAgent: "-", Parent: parent,
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}
