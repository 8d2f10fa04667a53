package lite_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
)

// both returns a store that can fail and one beside it that cannot, with a user in
// them.
func both(t *testing.T) (faulty *lite.Faulty, beside *sqlstore.Store) {
	t.Helper()
	file := lite.NewFile(t)
	beside, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { beside.Close() })
	if _, err := beside.SignIn(t.Context(), user("alice"), 1000); err != nil {
		t.Fatal(err)
	}
	return lite.OpenFaulty(t, file), beside
}

func user(name string) directory.User {
	return directory.User{ID: "usr_" + name, Issuer: "https://id.test", Subject: name}
}

// creates creates a session, and reports whether it is there then.
func creates(t *testing.T, faulty *lite.Faulty, beside *sqlstore.Store) (there bool, err error) {
	t.Helper()
	first, row := session.First(session.NewID(), session.NewTokenID(), 1000)
	err = faulty.Create(t.Context(), session.Session{
		ID: first.Session, UserID: "usr_alice", Row: row, Attempt: first.Session.String(), ExpiresAt: 1 << 40,
	})
	_, lookup := beside.Session(t.Context(), first.Session)
	return lookup == nil, err
}

func TestFaulty_Write(t *testing.T) {
	faulty, beside := both(t)
	for _, fault := range []struct {
		at     int
		lost   bool
		pieces []string
		there  bool
		calls  []string
	}{
		{1, false, nil, false, []string{"Create"}},
		{1, true, nil, true, []string{"Create"}},
		{2, false, nil, true, []string{"Create", "Create"}},
		{2, true, nil, true, []string{"Create", "Create"}},
		{1, false, []string{"INSERT INTO sessions"}, false, []string{"Create"}},
		{1, false, []string{"SELECT"}, true, []string{"Create"}},
		{1, false, []string{"BEGIN"}, false, []string{"Create"}},
		{1, true, []string{"BEGIN"}, false, []string{"Create"}},
		{1, false, []string{"COMMIT"}, false, []string{"Create"}},
		{1, true, []string{"COMMIT"}, true, []string{"Create"}},
	} {
		faulty.Fail(fault.at, fault.lost, fault.pieces...)
		there, err := creates(t, faulty, beside)
		if there != fault.there || !errors.Is(err, lite.ErrFault) || !slices.Equal(faulty.Calls(), fault.calls) {
			t.Errorf("%+v: there %t, %v, calls %v", fault, there, err, faulty.Calls())
		}
		if there, err := creates(t, faulty, beside); !there || err != nil {
			t.Errorf("after %+v: there %t, %v", fault, there, err)
		}
	}
}

// TestFaulty_WriteThatReturnsARow has its effect where only the reply is lost.
func TestFaulty_WriteThatReturnsARow(t *testing.T) {
	faulty, beside := both(t)
	for _, lost := range []bool{false, true} {
		faulty.Fail(1, lost)
		_, err := faulty.SignIn(t.Context(), user("bob"), 1000)
		all, read := beside.Users(t.Context(), "", 10)
		if !errors.Is(err, lite.ErrFault) || read != nil || (len(all) == 2) != lost {
			t.Errorf("lost %t: %v; there are %v, %v", lost, err, all, read)
		}
	}
}

func TestFaulty_Read(t *testing.T) {
	faulty, _ := both(t)
	for _, lost := range []bool{false, true} {
		faulty.Fail(2, lost)
		for i, want := range []error{nil, lite.ErrFault, nil} {
			if all, err := faulty.Users(t.Context(), "", 10); !errors.Is(err, want) || err == nil && len(all) != 1 {
				t.Errorf("read %d, lost %t: %v, %v", i+1, lost, all, err)
			}
		}
	}
	faulty.Fail(0, false)
	if err := faulty.Ping(t.Context()); err != nil || !slices.Equal(faulty.Calls(), []string{"Ping"}) {
		t.Errorf("%v, %v", faulty.Calls(), err)
	}
}
