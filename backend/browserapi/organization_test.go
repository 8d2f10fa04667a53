package browserapi_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/session"
)

func TestToken_UnknownOrganizationLikeForeignOne(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice").With("X-Request-Id", "one") // each request has another otherwise
	foreign := b.Post("/token", `{"organization":"umbrella","enter":true}`)
	w.wants(foreign, http.StatusForbidden, api.OrganizationAccessDenied)
	for _, ref := range []string{"org_umbrella", "nowhere", "org_nowhere", "hooli", "org_hooli", "ACME", "org_", "Acme", "acme ", "acme'--", "%", "*", strings.Repeat("a", 64)} {
		for _, enter := range []bool{false, true} {
			got := b.Post("/token", fmt.Sprintf(`{"organization":%s,"enter":%t}`, quote(ref), enter))
			if got.Status != foreign.Status || got.Body != foreign.Body || fmt.Sprint(got.Header) != fmt.Sprint(foreign.Header) {
				t.Errorf("%q: %d %s %v\nwant %d %s %v", ref, got.Status, got.Body, got.Header, foreign.Status, foreign.Body, foreign.Header)
			}
		}
		out := b.Post("/logout", `{"scope":"organization","organization":`+quote(ref)+`}`)
		w.wants(out, http.StatusForbidden, api.OrganizationAccessDenied)
		if out.Body != foreign.Body {
			t.Errorf("signing out of %q: %s", ref, out.Body)
		}
	}
}

// TestToken_ForeignOrganizationSameStatements checks that the time of an answer does
// not reveal whether an organization exists.
func TestToken_ForeignOrganizationSameStatements(t *testing.T) {
	w := newBackend(t, nil)
	faulty := w.Failing()
	b := w.signedIn("bob") // a member of acme only
	asked := map[string][]string{}
	for _, organization := range []string{"nowhere", "globex", "org_nowhere", "org_globex", "hooli"} {
		for _, path := range []string{"/token", "/logout"} {
			faulty.Fail(0, false)
			w.wants(b.Post(path, `{"organization":"`+organization+`"`+map[string]string{"/logout": `,"scope":"organization"`}[path]+`}`),
				http.StatusForbidden, api.OrganizationAccessDenied)
			if calls := faulty.Calls(); asked[path] != nil && !slices.Equal(calls, asked[path]) {
				t.Errorf("%s of %s asks the store for %v, of others for %v", path, organization, calls, asked[path])
			}
			asked[path] = faulty.Calls()
		}
	}
}

func TestToken_InvalidOrganizationName(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	for _, ref := range []string{strings.Repeat("a", 65), "a\x00", "\x00", "a\nb", "acmé", "\x7f", "\u2028"} {
		w.wants(b.Post("/token", `{"organization":`+quote(ref)+`}`), http.StatusBadRequest, api.InvalidRequest)
		w.wants(b.Post("/logout", `{"scope":"organization","organization":`+quote(ref)+`}`), http.StatusBadRequest, api.InvalidRequest)
	}
}

func TestToken_SeveralOrganizationsNoneNamed(t *testing.T) {
	w := newBackend(t, nil)
	for _, body := range []string{`{}`, `{"organization":""}`, `{"organization":null}`, `{"enter":true}`} {
		w.wants(w.signedIn("alice").Post("/token", body), http.StatusBadRequest, api.OrganizationRequired)
		w.wants(w.signedIn("zoe").Post("/token", body), http.StatusBadRequest, api.OrganizationRequired)
	}
}

func TestToken_OnlyOrganizationNotNamed(t *testing.T) {
	w := newBackend(t, nil)
	var minted api.TokenResponse
	w.signedIn("bob").Post("/token", `{}`).JSON(t, &minted)
	if minted.Organization.ID != "org_acme" || !slices.Equal(minted.Roles, []string{"viewer"}) || !slices.Equal(minted.Permissions, []string{"notes:read"}) {
		t.Errorf("minted %+v", minted)
	}
}

func TestToken_OnlyBodyNamesOrganization(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	name, value := w.theSession(b)
	b = b.With("X-Organization", "globex").With("X-Org", "globex").With("Tenant", "globex").With("Cookie", name+"="+value+"; organization=globex; org=globex")
	var minted api.TokenResponse
	b.Post("/token?organization=globex&org=globex", `{"organization":"acme"}`).JSON(t, &minted)
	if minted.Organization.ID != "org_acme" {
		t.Errorf("minted for %s", minted.Organization.ID)
	}
	w.wants(b.Post("/token?organization=globex", `{}`), http.StatusBadRequest, api.OrganizationRequired)
}

func TestToken_DecidedAtEachMint(t *testing.T) {
	for name, change := range map[string]func(*directory.Desired){
		"the person left":               func(d *directory.Desired) { d.Organizations[0].Members = d.Organizations[0].Members[1:] },
		"the organization was disabled": func(d *directory.Desired) { d.Organizations[0].Disabled = true },
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			b := w.signedIn("alice")
			w.mint(b, "acme")
			d := desired()
			change(&d)
			w.Apply(d)
			w.wants(b.Post("/token", `{"organization":"acme"}`), http.StatusForbidden, api.OrganizationAccessDenied)
			w.mint(b, "globex")
		})
	}
}

func TestToken_CurrentRoles(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	if minted := w.mint(b, "acme"); !slices.Equal(minted.Permissions, []string{"notes:read", "notes:write"}) {
		t.Errorf("permissions %v", minted.Permissions)
	}
	d := desired()
	d.Organizations[0].Members[0].Roles = []string{"viewer"}
	w.Apply(d)
	if minted := w.mint(b, "acme"); !slices.Equal(minted.Roles, []string{"viewer"}) || !slices.Equal(minted.Permissions, []string{"notes:read"}) {
		t.Errorf("after the change: %v %v", minted.Roles, minted.Permissions)
	}
	d.Workspace.Roles["viewer"] = []string{}
	w.Apply(d)
	if minted := w.mint(b, "acme"); len(minted.Permissions) != 0 {
		t.Errorf("after the role's change: %v", minted.Permissions)
	}
}

func TestToken_OtherUsersTab(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	alice := w.mint(b, "acme").User.ID
	expects := `{"organization":"acme","user":"` + alice + `"}`
	w.Pass(time.Second)
	w.signIn(b, "alice") // a new session of the same user
	if got := b.Post("/token", expects); got.Status != http.StatusOK {
		t.Errorf("the same person: %d %s", got.Status, got.Body)
	}
	w.Pass(time.Second)
	w.signIn(b, "bob")
	got := b.Post("/token", expects)
	w.wants(got, http.StatusConflict, api.IdentityChanged)
	if strings.Contains(got.Body, "bob") || strings.Contains(got.Body, "access_token") {
		t.Errorf("the refusal tells %s", got.Body)
	}
	w.wants(b.Post("/logout", `{"scope":"session","user":"`+alice+`"}`), http.StatusConflict, api.IdentityChanged)
	if minted := w.mint(b, "acme"); minted.User.Subject != "bob" {
		t.Errorf("minted for %s", minted.User.Subject)
	}
}

func TestSession_UserAndOrganizations(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	w.mint(b, "globex")
	var got api.SessionResponse
	b.Get("/session").JSON(t, &got)
	var told []string
	for _, o := range got.Organizations {
		told = append(told, o.Slug+" "+o.State)
	}
	if !slices.Equal(told, []string{"acme available", "globex active", "initech available"}) {
		t.Errorf("organizations %v", told)
	}
	if got.App != "web" || got.User.Subject != "alice" || got.ExpiresIn != 86400 || got.ServerTime != w.Now().Unix() || got.DeviceBound {
		t.Errorf("%+v", got)
	}
}

func TestSession_UserWithoutOrganization(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("zoe")
	got := b.Get("/session")
	var told api.SessionResponse
	got.JSON(t, &told)
	if !strings.Contains(got.Body, `"organizations":[]`) || told.User.Issuer != issuer || told.User.Subject != "zoe" {
		t.Errorf("%s", got.Body)
	}
}

func TestSignIn_SameEMailAtTwoProviders(t *testing.T) {
	w := newBackend(t, nil)
	w.Provider.People = map[string]map[string]any{"alice": {"email": "a@example.com"}, "mallory": {"email": "a@example.com"}}
	alice, mallory := w.signedIn("alice"), w.signedIn("mallory")
	w.mint(alice, "acme")
	w.wants(mallory.Post("/token", `{"organization":"acme"}`), http.StatusForbidden, api.OrganizationAccessDenied)
}

func TestMembershipClaim_Applied(t *testing.T) {
	w := newBackend(t, nil)
	d := desired()
	d.Workspace.MembershipClaim = &directory.MembershipClaim{Claim: "groups", Roles: []string{"viewer"}}
	w.Apply(d)
	w.Provider.People = map[string]map[string]any{"zoe": {"groups": []string{"globex", "unknown", "hooli"}}}
	b := w.signedIn("zoe")
	if minted := w.mint(b, "globex"); !slices.Equal(minted.Roles, []string{"viewer"}) {
		t.Errorf("roles %v", minted.Roles)
	}
	w.wants(b.Post("/token", `{"organization":"hooli"}`), http.StatusForbidden, api.OrganizationAccessDenied)

	w.Provider.People["zoe"]["groups"] = map[string]any{"umbrella": "admin", "acme": []string{}}
	again := w.signedIn("zoe")
	if minted := w.mint(again, "umbrella"); !slices.Equal(minted.Roles, []string{"admin"}) {
		t.Errorf("roles %v", minted.Roles)
	}
	w.wants(again.Post("/token", `{"organization":"globex"}`), http.StatusForbidden, api.OrganizationAccessDenied)

	delete(w.Provider.People["zoe"], "groups") // without the claim, memberships do not change
	w.mint(w.signedIn("zoe"), "umbrella")
	w.Provider.People["zoe"]["groups"] = []string{}
	w.wants(w.signedIn("zoe").Post("/token", `{"organization":"umbrella"}`), http.StatusForbidden, api.OrganizationAccessDenied)
	w.mint(w.signedIn("alice"), "acme") // a membership from the file is kept
}

// TestMembershipClaim_Audited checks each organization's audit log: one event for each
// change.
func TestMembershipClaim_Audited(t *testing.T) {
	w := newBackend(t, nil)
	d := desired()
	d.Workspace.MembershipClaim = &directory.MembershipClaim{Claim: "groups", Roles: []string{"viewer"}}
	w.Apply(d)
	seen := map[string]bool{}
	for _, step := range []struct {
		groups any
		want   []string
	}{
		{[]string{"globex", "umbrella", "unknown"}, []string{"member.admit org_globex", "member.admit org_umbrella"}},
		{[]string{"globex", "umbrella"}, nil},
		{map[string]any{"globex": []string{"admin"}, "umbrella": []string{"viewer"}}, []string{"member.update org_globex"}},
		{[]string{}, []string{"member.remove org_globex", "member.remove org_umbrella"}},
		{[]string{}, nil},
		{[]string{"acme"}, []string{"member.admit org_acme"}},
	} {
		w.Provider.People = map[string]map[string]any{"zoe": {"groups": step.groups}, "alice": {"groups": step.groups}}
		w.signedIn("zoe")
		var got []string
		for _, action := range []audit.Action{audit.AdmitMember, audit.UpdateMember, audit.RemoveMember} {
			for _, e := range w.events(action) {
				if !seen[e.ID] {
					got = append(got, string(e.Action)+" "+e.OrganizationID)
				}
				if seen[e.ID] = true; e.Actor != audit.Server || e.UserID == "" || e.Outcome != audit.Done {
					t.Errorf("%+v", e)
				}
			}
		}
		if slices.Sort(got); !slices.Equal(got, step.want) {
			t.Errorf("%v: the trail has %v, want %v", step.groups, got, step.want)
		}
	}
	before := len(w.events(audit.AdmitMember))
	w.signedIn("alice") // a member of acme by the file
	if got := len(w.events(audit.AdmitMember)); got != before {
		t.Errorf("%d more events of a member of the file", got-before)
	}
}

// disablingStore is a store in which all users are disabled.
type disablingStore struct {
	host.Store
	on bool
}

func (d *disablingStore) Subject(ctx context.Context, id session.ID, ref string, now int64) (directory.Subject, error) {
	subject, err := d.Store.Subject(ctx, id, ref, now)
	subject.User.Disabled = d.on
	return subject, err
}

func (d *disablingStore) SignIn(ctx context.Context, u directory.User, now int64) (directory.User, error) {
	user, err := d.Store.SignIn(ctx, u, now)
	user.Disabled = d.on
	return user, err
}

func TestDisabledUser_MayOnlySignOut(t *testing.T) {
	store := &disablingStore{}
	w := newBackend(t, func(s host.Store) host.Store { store.Store = s; return store })
	b := w.signedIn("alice")
	w.mint(b, "acme")
	store.on = true
	w.wants(b.Post("/token", `{"organization":"acme","enter":true}`), http.StatusUnauthorized, api.SessionRevoked)
	w.wants(b.Get("/session"), http.StatusUnauthorized, api.SessionRevoked)
	again := w.browser()
	w.wants(again.SignIn("alice"), http.StatusForbidden, api.SessionRevoked)
	if len(sessionCookies(again)) != 0 {
		t.Errorf("the sign-in left %v", again.Cookies())
	}
	kept := b.Copy()
	if out := b.Post("/logout", `{"scope":"session"}`); len(cleared(out)) != 1 {
		t.Errorf("signing out: %d %s", out.Status, out.Body)
	}
	store.on = false
	w.wants(kept.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.SessionRevoked)
}
