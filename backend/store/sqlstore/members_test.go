package sqlstore_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// beginFor creates a session of a person.
func beginFor(t *testing.T, store *sqlstore.Store, userID string) (session.Token, session.Row) {
	t.Helper()
	token, row := session.First(session.NewID(), session.NewTokenID(), applied)
	err := store.Create(t.Context(), session.Session{
		ID: token.Session, UserID: userID, Row: row, Attempt: token.Session.String(), ExpiresAt: 1 << 40,
	})
	if err != nil {
		t.Fatal(err)
	}
	return token, row
}

func signIn(t *testing.T, store *sqlstore.Store, sub string, now int64) directory.User {
	t.Helper()
	u, err := store.SignIn(t.Context(), directory.User{
		ID: directory.NewID("usr_"), Issuer: "https://id.test", Subject: sub, Name: "Name of " + sub, Email: sub + "@example.com",
	}, now)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func admission(sub, organization string, roles ...string) directory.Admission {
	return directory.Admission{Organization: organization, Issuer: "https://id.test", Subject: sub, Roles: roles}
}

func admit(t *testing.T, store *sqlstore.Store, sub, organization string, roles ...string) {
	t.Helper()
	if err := store.Admit(t.Context(), admission(sub, organization, roles...), applied); err != nil {
		t.Fatal(err)
	}
}

func pending(t *testing.T, store *sqlstore.Store, limit int) (subjects []string) {
	t.Helper()
	all, err := store.Pending(t.Context(), limit)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		subjects = append(subjects, p.Subject)
	}
	return subjects
}

func TestWhoSignedInAndBelongsNowhereIsPending(t *testing.T) {
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		apply(t, store, acmeAndGlobex+"- {slug: closed, name: Closed, disabled: true, members: [{sub: erin}]}")
		signIn(t, store, "alice", applied) // has an organization; bob does too, and never signed in
		dana := signIn(t, store, "dana", applied+10)
		signIn(t, store, "finn", applied+20)
		if got := pending(t, store, 10); !reflect.DeepEqual(got, []string{"finn", "dana"}) {
			t.Errorf("pending are %v", got)
		}
		if got := pending(t, store, 1); !reflect.DeepEqual(got, []string{"finn"}) {
			t.Errorf("the first is %v", got)
		}
		all, err := store.Pending(t.Context(), 10)
		if want := (directory.Pending{User: dana, SeenAt: applied + 10}); err != nil || all[1] != want {
			t.Errorf("dana is %+v, not %+v: %v", all[1], want, err)
		}
		admit(t, store, "dana", "acme", "viewer")
		if got := pending(t, store, 10); !reflect.DeepEqual(got, []string{"finn"}) {
			t.Errorf("then %v", got)
		}
	})
}

func TestAdmittingGivesAPlaceByAnyName(t *testing.T) {
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		apply(t, store, acmeAndGlobex)
		dana := signIn(t, store, "dana", applied)
		if err := store.Admit(t.Context(), directory.Admission{Organization: "org_acme", UserID: dana.ID, Roles: []string{"viewer"}}, applied); err != nil {
			t.Fatal(err)
		}
		admit(t, store, "dana", "globex")
		admit(t, store, "dana", "acme", "editor", "viewer")
		want := map[string][]string{"acme": {"editor", "viewer"}, "globex": {}}
		if got := access(t, store, "dana"); !reflect.DeepEqual(got, want) {
			t.Errorf("dana belongs to %v, not %v", got, want)
		}
	})
}

func TestAnAdmissionAtFaultIsRefusedByItsReason(t *testing.T) {
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		apply(t, store, acmeAndGlobex)
		signIn(t, store, "dana", applied)
		for _, refused := range []struct {
			a    directory.Admission
			want error
		}{
			{admission("dana", "initech", "viewer"), directory.ErrNoOrganization},
			{admission("dana", "", "viewer"), directory.ErrNoOrganization},
			{admission("nobody", "acme", "viewer"), directory.ErrNoUser},
			{directory.Admission{Organization: "acme", UserID: "usr_nobody"}, directory.ErrNoUser},
			{directory.Admission{Organization: "acme"}, directory.ErrNoUser},
			{directory.Admission{Organization: "acme", Issuer: "https://other.test", Subject: "dana"}, directory.ErrNoUser},
			{admission("dana", "acme", "owner"), directory.ErrNoRole},
			{admission("bob", "acme", "editor"), directory.ErrFromFile},
		} {
			if err := store.Admit(t.Context(), refused.a, applied); !errors.Is(err, refused.want) {
				t.Errorf("%+v: %v, not %v", refused.a, err, refused.want)
			}
		}
		if got := access(t, store, "dana"); len(got) != 0 {
			t.Errorf("dana belongs to %v", got)
		}
		if got := access(t, store, "bob"); !reflect.DeepEqual(got, map[string][]string{"acme": {"viewer"}}) {
			t.Errorf("bob belongs to %v", got)
		}
	})
}

func TestAnAdmissionOutlivesTheClaimThatItReplaces(t *testing.T) {
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		apply(t, store, acmeAndGlobex)
		dana := signIn(t, store, "dana", applied)
		claimed := func(roles map[string][]string) {
			if err := store.ReplaceClaimed(t.Context(), dana.ID, roles, applied); err != nil {
				t.Fatal(err)
			}
		}
		claimed(map[string][]string{"acme": {"viewer"}})
		admit(t, store, "dana", "acme", "editor")
		claimed(map[string][]string{"acme": {"viewer"}})
		claimed(map[string][]string{})
		if got := access(t, store, "dana"); !reflect.DeepEqual(got, map[string][]string{"acme": {"editor"}}) {
			t.Errorf("dana belongs to %v", got)
		}
	})
}
