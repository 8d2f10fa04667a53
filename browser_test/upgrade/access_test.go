package upgrade

import (
	"os"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/browser_test/upgrade/release"
)

// onBothStores runs a test on the state that 0.1 left, and on the store that holds it.
func onBothStores(t *testing.T, test func(*upgraded, *sqlstore.Store)) {
	for database, open := range map[string]func(*testing.T, *release.Left) (*sqlstore.Store, error){
		release.SQLite: func(t *testing.T, l *release.Left) (*sqlstore.Store, error) {
			return sqlite.Open(t.Context(), l.SQLite(t))
		},
		release.Postgres: func(t *testing.T, l *release.Left) (*sqlstore.Store, error) {
			return postgres.Open(t.Context(), l.Postgres(t))
		},
	} {
		t.Run(database, func(t *testing.T) {
			left := release.Read(t, "0.1", database)
			store, err := open(t, left)
			test(newUpgraded(t, left, store, err), store)
		})
	}
}

// TestUpgrade_OnReuse: the workspace file of 0.1 has no such setting. A theft goes on
// to end one session only, also when this release applies the file.
func TestUpgrade_OnReuse(t *testing.T) {
	text, err := os.ReadFile("testdata/release-0.1/workspace.yaml")
	if err != nil {
		t.Fatal(err)
	}
	onBothStores(t, func(u *upgraded, store *sqlstore.Store) {
		for _, step := range []struct{ says, is directory.OnReuse }{
			{"", ""}, {"", ""}, {directory.EndUser, directory.EndUser}, {"", directory.EndUser},
		} {
			d, err := workspacefile.Parse(text)
			if err != nil {
				u.Fatal(err)
			}
			d.Workspace.OnReuse, d.Organizations = step.says, nil
			if _, err := store.Apply(u.Context(), d, u.clock.Now().Unix()); err != nil {
				u.Fatal(err)
			}
			if w, err := store.Workspace(u.Context()); err != nil || w.OnReuse != step.is {
				u.Errorf("%q, %v, want %q", w.OnReuse, err, step.is)
			}
		}
	})
}

// TestUpgrade_DisabledMember: a member that 0.1 disabled gets none of the old sessions
// back when this release enables the member.
func TestUpgrade_DisabledMember(t *testing.T) {
	onBothStores(t, func(u *upgraded, store *sqlstore.Store) {
		b := u.restored("a member who was disabled")
		members, err := store.Members(u.Context(), "org_initech", "", 100)
		for _, m := range members {
			if err == nil && m.DisabledAt != 0 {
				err = store.SetMemberDisabled(u.Context(), "org_initech", m.ID, false, u.clock.Now().Unix())
			}
		}
		if err != nil {
			u.Fatal(err)
		}
		u.checkRefused(u.askToken(b, `{"organization":"initech"}`), api.OrganizationSessionExpired)
		u.enter(b, "initech")
	})
}
