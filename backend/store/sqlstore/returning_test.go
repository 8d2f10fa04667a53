package sqlstore_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// without is acmeAndGlobex without alice in acme.
const without = `
- {id: org_acme, slug: acme, name: Acme, members: [{sub: bob, roles: [viewer]}]}
- {id: org_globex, slug: globex, name: Globex, members: [{sub: alice, roles: [viewer]}]}
`

// TestAScriptBringsNoOrganizationSessionBack: on D1 a file is applied by a script. A
// person that it admits again begins anew there as well.
func TestAScriptBringsNoOrganizationSessionBack(t *testing.T) {
	disabled := `
- {id: org_acme, slug: acme, name: Acme, disabled: true, members: [{sub: alice, roles: [editor]}, {sub: bob, roles: [viewer]}]}
- {id: org_globex, slug: globex, name: Globex, members: [{sub: alice, roles: [viewer]}]}
`
	connected := func(organizations string, all ...string) directory.Desired {
		d := file(t, organizations)
		d.Organizations[0].Connections = withConnections(t, all...).Organizations[0].Connections
		return d
	}
	for name, way := range map[string]struct {
		away       directory.Desired
		ends, bobs bool
	}{
		"a file that names the same":   {connected(acmeAndGlobex, "con_a s"), false, false},
		"a file without her":           {connected(without, "con_a s"), true, false},
		"the organization disabled":    {connected(disabled, "con_a s"), true, true},
		"the connection disabled":      {connected(acmeAndGlobex, "con_a s disabled"), true, true},
		"another connection meanwhile": {connected(acmeAndGlobex, "con_b s"), true, true},
	} {
		t.Run(name, func(t *testing.T) {
			db := database(t)
			store := sqlstore.New(db, sqlstore.SQLite)
			runs := func(d directory.Desired) { runScript(t, db, d) }
			runs(connected(acmeAndGlobex, "con_a s"))
			alice, bob := entered(t, store, "alice"), entered(t, store, "bob")
			runs(way.away)
			runs(connected(acmeAndGlobex, "con_a s"))
			if o := alice("acme"); o.Live() == way.ends || way.ends && o.EndReason != policy.Removed {
				t.Errorf("alice's: %+v", o)
			}
			if o := bob("acme"); o.Live() == way.bobs {
				t.Errorf("bob's: %+v", o)
			}
			if o := alice("globex"); !o.Live() {
				t.Errorf("alice's at globex: %+v", o)
			}
		})
	}
}

func runScript(t *testing.T, db *sql.DB, d directory.Desired) {
	t.Helper()
	script, err := sqlstore.Script(d, applied)
	if err == nil {
		_, err = db.Exec(script)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// entered makes a person enter acme by its connection con_a and the other organizations
// that admit them, and returns their organization sessions.
func entered(t *testing.T, store *sqlstore.Store, sub string) func(slug string) policy.OrganizationSession {
	t.Helper()
	u, err := store.SignIn(t.Context(), directory.User{ID: directory.NewID("usr_"), Issuer: "https://id.test", Subject: sub}, applied)
	if err != nil {
		t.Fatal(err)
	}
	token, _ := beginFor(t, store, u.ID)
	all, err := store.Memberships(t.Context(), token.Session, 100, applied)
	for _, m := range all {
		o := policy.OrganizationSession{StartedAt: applied, ActiveAt: applied}
		if m.Organization.Slug == "acme" {
			o.Authentication.Connection = "con_a"
		}
		if err == nil {
			err = store.Enter(t.Context(), token.Session, m.Organization.ID, o)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return func(slug string) policy.OrganizationSession {
		t.Helper()
		s, err := store.Subject(t.Context(), token.Session, slug, applied)
		if err != nil || s.Membership == nil {
			t.Fatal(fmt.Errorf("%s: %v", slug, err))
		}
		return s.Membership.OrganizationSession
	}
}

// TestWhoLeavesByTheFileIsInvitedNoMore: invitations from before the file named the
// person have ended.
func TestWhoLeavesByTheFileIsInvitedNoMore(t *testing.T) {
	for _, scripted := range []bool{false, true} {
		db := database(t)
		store := sqlstore.New(db, sqlstore.SQLite)
		applies := func(organizations string) {
			if scripted {
				runScript(t, db, file(t, organizations))
			} else if _, err := store.Apply(t.Context(), file(t, organizations), applied); err != nil {
				t.Fatal(err)
			}
		}
		applies(without)
		u, err := store.SignIn(t.Context(), directory.User{ID: "usr_1", Issuer: "https://id.test", Subject: "alice"}, applied)
		if err == nil {
			_, err = store.Invite(t.Context(), directory.Invitation{
				ID: "inv_1", OrganizationID: "org_acme", Issuer: u.Issuer, Subject: u.Subject, CreatedAt: applied, ExpiresAt: applied + 100,
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		applies(acmeAndGlobex)
		applies(without)
		if i, err := store.Invited(t.Context(), u.ID, "", "acme", applied); err != directory.ErrNoInvitation {
			t.Errorf("scripted: %t: %+v, %v", scripted, i, err)
		}
	}
}
