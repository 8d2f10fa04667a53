package sqlstore_test

import (
	"database/sql"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// onReuses are values of on_reuse in files, applied one after the other, and the
// resulting setting.
var onReuses = map[string]struct {
	old  bool // the document was stored by a release without on_reuse
	says []directory.OnReuse
	is   []directory.OnReuse
}{
	"a new workspace":                 {false, []directory.OnReuse{"", ""}, []directory.OnReuse{"user", "user"}},
	"a new workspace that says user":  {false, []directory.OnReuse{"user", ""}, []directory.OnReuse{"user", "user"}},
	"a new one that says session":     {false, []directory.OnReuse{"session", ""}, []directory.OnReuse{"session", "session"}},
	"a new one that changes its mind": {false, []directory.OnReuse{"", "session", "", "user", ""}, []directory.OnReuse{"user", "session", "session", "user", "user"}},
	"an old workspace":                {true, []directory.OnReuse{"", ""}, []directory.OnReuse{"", ""}},
	"an old one that says user":       {true, []directory.OnReuse{"user", ""}, []directory.OnReuse{"user", "user"}},
	"an old one that says session":    {true, []directory.OnReuse{"session", "", "user"}, []directory.OnReuse{"session", "session", "user"}},
}

func saying(t *testing.T, choice directory.OnReuse) directory.Desired {
	t.Helper()
	d := file(t, acmeAndGlobex)
	d.Workspace.OnReuse = choice
	return d
}

// TestOnlyANewWorkspaceEndsAllOfAPersonsSessionsUnasked: an existing one keeps its
// setting until its file sets another.
func TestOnlyANewWorkspaceEndsAllOfAPersonsSessionsUnasked(t *testing.T) {
	for name, is := range onReuses {
		t.Run(name, func(t *testing.T) {
			onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
				if is.old {
					older(t, store)
				}
				for i, says := range is.says {
					if _, err := store.Apply(t.Context(), saying(t, says), applied); err != nil {
						t.Fatal(err)
					}
					if got := onReuse(t, store); got != is.is[i] {
						t.Errorf("step %d: %q, want %q", i, got, is.is[i])
					}
					if again, err := store.Apply(t.Context(), saying(t, says), applied); err != nil || !again.None() {
						t.Errorf("applied again, %+v changes: %v", again, err)
					}
				}
			})
		})
	}
}

// TestAScriptKeepsOnReuse as Apply does, also of a workspace with a claim of that name.
func TestAScriptKeepsOnReuse(t *testing.T) {
	for name, is := range onReuses {
		t.Run(name, func(t *testing.T) {
			db := database(t)
			store := sqlstore.New(db, sqlstore.SQLite)
			if is.old {
				older(t, store)
			}
			for i, says := range is.says {
				d := saying(t, says)
				d.Workspace.Apps[0].Claims = map[string]string{"on_reuse": "user"}
				revision := int64(-1)
				for range 2 { // the second time changes nothing
					runScript(t, db, d)
					if got := onReuse(t, store); got != is.is[i] {
						t.Errorf("step %d: %q, want %q", i, got, is.is[i])
					}
					if now := revisionOf(t, db); revision != -1 && now != revision {
						t.Errorf("step %d: the revision went from %d to %d", i, revision, now)
					}
					revision = revisionOf(t, db)
				}
				if changes, err := store.Apply(t.Context(), d, applied); err != nil || changes.Workspace {
					t.Errorf("step %d: applied as well, %+v changes: %v", i, changes, err)
				}
			}
		})
	}
}

// older makes a document like one written by the release before on_reuse.
func older(t *testing.T, store *sqlstore.Store) {
	t.Helper()
	if _, err := store.Apply(t.Context(), saying(t, directory.EndUser), applied); err != nil {
		t.Fatal(err)
	}
	w, err := store.Workspace(t.Context())
	if err == nil {
		w.OnReuse = ""
		err = store.SetWorkspacePolicy(t.Context(), *w, w.Policy)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func onReuse(t *testing.T, store *sqlstore.Store) directory.OnReuse {
	t.Helper()
	w, err := store.Workspace(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return w.OnReuse
}

func revisionOf(t *testing.T, db *sql.DB) (revision int64) {
	t.Helper()
	if err := db.QueryRow(`SELECT revision FROM workspace`).Scan(&revision); err != nil {
		t.Fatal(err)
	}
	return revision
}
