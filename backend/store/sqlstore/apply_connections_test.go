package sqlstore_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// withConnections returns acme with connections, each "ID SECRET" and perhaps
// "disabled".
func withConnections(t *testing.T, all ...string) directory.Desired {
	t.Helper()
	d := file(t, `
- {id: org_acme, slug: acme, name: Acme}
- {id: org_globex, slug: globex, name: Globex}
`)
	for _, text := range all {
		words := strings.Fields(text)
		c := directory.Connection{
			ID: words[0], Issuer: "https://" + words[0] + ".example", ClientID: "tabard", SealedSecret: words[1],
			Enabled: len(words) == 2, FromFile: true,
		}
		d.Organizations[0].Connections = append(d.Organizations[0].Connections, directory.DesiredConnection{Connection: c, Line: 7})
	}
	return d
}

// own returns acme's connections, by id, and the enabled one.
func own(t *testing.T, store *sqlstore.Store) string {
	t.Helper()
	all, err := store.ConnectionsOf(t.Context(), "org_acme", "", 10)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, c := range all {
		word := c.ID + " " + c.SealedSecret
		if c.Enabled {
			word += " enabled"
		}
		if !c.FromFile {
			word += " admin"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

func TestApplyFollowsTheFilesConnections(t *testing.T) {
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		for _, step := range []struct {
			wanted  []string
			changes directory.Count
			left    string
		}{
			{[]string{"con_a s"}, directory.Count{Added: 1}, "con_a s enabled"},
			{[]string{"con_a s"}, directory.Count{}, "con_a s enabled"},
			{[]string{"con_a t"}, directory.Count{Changed: 1}, "con_a t enabled"},
			{[]string{"con_a t", "con_b s disabled"}, directory.Count{Added: 1}, "con_a t enabled, con_b s"},
			{[]string{"con_a t disabled", "con_b s"}, directory.Count{Changed: 2}, "con_a t, con_b s enabled"},
			{[]string{"con_a t"}, directory.Count{Changed: 1, Removed: 1}, "con_a t enabled, con_b s admin"},
			{nil, directory.Count{Removed: 1}, "con_a t admin, con_b s admin"},
			{nil, directory.Count{}, "con_a t admin, con_b s admin"},
			{[]string{"con_b s"}, directory.Count{Changed: 1}, "con_a t admin, con_b s enabled"},
		} {
			changes, err := store.Apply(t.Context(), withConnections(t, step.wanted...), applied)
			if err != nil || changes.Connections != step.changes {
				t.Errorf("%v: %+v, %v, want %+v", step.wanted, changes.Connections, err, step.changes)
			}
			if got := own(t, store); got != step.left {
				t.Errorf("%v leaves %s, want %s", step.wanted, got, step.left)
			}
		}
	})
}

func TestAnAdministratorsConnectionGivesWayToTheFilesOnly(t *testing.T) {
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		apply := func(wanted ...string) {
			if _, err := store.Apply(t.Context(), withConnections(t, wanted...), applied); err != nil {
				t.Fatal(err)
			}
		}
		apply()
		mine := directory.Connection{ID: "con_mine", OrganizationID: "org_acme", Issuer: "https://mine.example", SealedSecret: "s"}
		if err := errors.Join(store.CreateConnection(t.Context(), mine, applied), store.EnableConnection(t.Context(), "org_acme", "con_mine")); err != nil {
			t.Fatal(err)
		}
		apply("con_a s disabled")
		if got := own(t, store); got != "con_a s, con_mine s enabled admin" {
			t.Error(got)
		}
		apply("con_a s")
		if got := own(t, store); got != "con_a s enabled, con_mine s admin" {
			t.Error(got)
		}
		for _, change := range []error{
			store.UpdateConnection(t.Context(), directory.Connection{ID: "con_a", OrganizationID: "org_acme", Issuer: "https://con_a.example"}),
			store.DeleteConnection(t.Context(), "org_acme", "con_a", applied),
		} {
			if !errors.Is(change, directory.ErrFromFile) {
				t.Error(change)
			}
		}
		if err := store.DisableConnection(t.Context(), "org_acme", "con_a"); err != nil { // at once, until the file is applied again
			t.Error(err)
		}
	})
}

func TestAConflictOfConnectionsAppliesNothing(t *testing.T) {
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		if _, err := store.Apply(t.Context(), withConnections(t, "con_a s"), applied); err != nil {
			t.Fatal(err)
		}
		deleted := directory.Connection{ID: "con_gone", OrganizationID: "org_acme", Issuer: "https://con_gone.example"}
		if err := errors.Join(store.CreateConnection(t.Context(), deleted, applied), store.DeleteConnection(t.Context(), "org_acme", "con_gone", applied)); err != nil {
			t.Fatal(err)
		}
		moved, gone, foreign := withConnections(t, "con_a s"), withConnections(t, "con_gone s"), withConnections(t, "con_a s")
		moved.Organizations[0].Connections[0].Issuer = "https://elsewhere.example"
		foreign.Organizations[0].Connections, foreign.Organizations[1].Connections = nil, foreign.Organizations[0].Connections
		for name, d := range map[string]directory.Desired{"another issuer": moved, "a deleted id": gone, "another organization's": foreign} {
			d.Organizations[0].Name = "Renamed"
			_, err := store.Apply(t.Context(), d, applied)
			var conflicts directory.Conflicts
			if !errors.As(err, &conflicts) || len(conflicts) != 1 || conflicts[0].Line != 7 {
				t.Errorf("%s: %v", name, err)
			}
			if again, err := store.Apply(t.Context(), withConnections(t, "con_a s"), applied); err != nil || !again.None() {
				t.Errorf("%s: something was applied: %+v, %v", name, again, err)
			}
		}
	})
}

func TestTheTrailTellsWhatTheFileDidToConnections(t *testing.T) {
	onEmptyStores(t, func(t *testing.T, store *sqlstore.Store) {
		var told []string
		for i, wanted := range [][]string{{"con_a s"}, {"con_a s"}, {"con_a t"}, nil} {
			if _, err := store.Apply(t.Context(), withConnections(t, wanted...), applied+int64(i)); err != nil {
				t.Fatal(err)
			}
		}
		events, err := store.Events(t.Context(), audit.Query{OrganizationID: "org_acme", Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if told = append(told, string(e.Action)); e.Actor != audit.WorkspaceFile || e.Target != "con_a" {
				t.Errorf("%+v", e)
			}
		}
		if len(told) != 4 || told[0] != "connection.disable" || told[1] != "connection.update" {
			t.Errorf("%v", told)
		}
	})
}
