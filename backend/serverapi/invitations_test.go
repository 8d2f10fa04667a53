package serverapi_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

const acmesMembers = "/organizations/acme/members"

// named is the body that names a person of the workspace's provider.
func named(sub string) string {
	return `{"iss":"` + issuer + `","sub":"` + sub + `","name":"Whoever","email":"whoever@acme.example","roles":["viewer"]}`
}

// invites invites a person of the workspace's provider to acme, by acme's own key.
func (w *backend) invites(sub string) admin.Member {
	w.Helper()
	var m admin.Member
	w.does("POST", acmesMembers, named(sub), w.acme, &m)
	return m
}

// ofGlobex returns a browser in which a person has signed in that belongs to globex alone.
func (w *backend) ofGlobex(sub string) *httpbrowser.Browser {
	w.Helper()
	w.does("POST", "/organizations/globex/members", `{"iss":"`+issuer+`","sub":"`+sub+`","roles":["editor"]}`, w.whole, nil)
	return w.signedIn(sub)
}

// listed are acme's members as its own key lists them.
func (w *backend) listed() []admin.Member {
	w.Helper()
	var all admin.List[admin.Member]
	w.does("GET", acmesMembers+"?limit=200", "", w.acme, &all)
	return all.Items
}

// TestInvitation_ChangesNothingUntilAccepted: neither tokens without a named organization,
// nor the list of organizations, nor the person's profile.
func TestInvitation_ChangesNothingUntilAccepted(t *testing.T) {
	w := newBackend(t, nil)
	faulty := w.Failing()
	carol := w.ofGlobex("carol")
	before := carol.Get("/session").Body
	w.minted(w.mint(carol, "globex"))
	faulty.Fail(0, false)
	w.minted(carol.Post("/token", `{}`))
	steady := faulty.Calls()
	invited := w.invites("carol")
	if invited.Status != admin.StatusInvited || invited.UserID != "" || invited.Name != "Whoever" || invited.Email != "whoever@acme.example" ||
		invited.Subject != "carol" || !slices.Equal(invited.Roles, []string{"viewer"}) {
		t.Errorf("the key is answered %+v", invited)
	}
	if got := carol.Get("/session").Body; strings.Contains(got, "acme") || len(got) != len(strings.Replace(before, "available", "active", 1)) {
		t.Errorf("GET /session says %s\nbefore the invitation: %s", got, before)
	}
	for range 2 { // renewals, reloads and routes never accept
		faulty.Fail(0, false)
		if got := w.minted(carol.Post("/token", `{}`)); got.Organization.ID != "org_globex" {
			t.Errorf("the only organization is %v", got.Organization)
		}
		if got := faulty.Calls(); !slices.Equal(got, steady) {
			t.Errorf("a mint calls the store for %v, want %v", got, steady)
		}
		faulty.Fail(0, false)
		w.refused(w.renew(carol, "acme"), api.OrganizationAccessDenied)
		if slices.Contains(faulty.Calls(), "Invited") {
			t.Error("a renewal looks for an invitation")
		}
	}

	w.Pass(time.Second)
	got := w.minted(w.mint(carol, "acme"))
	if !slices.Equal(got.Roles, []string{"viewer"}) || got.User.Name == "Whoever" || got.User.Email == "whoever@acme.example" {
		t.Errorf("the token says %v of %v", got.Roles, got.User)
	}
	w.minted(w.renew(carol, "acme"))
	w.refused(carol.Post("/token", `{}`), api.OrganizationRequired)
	var member admin.Member
	w.does("GET", acmesMembers+"/"+got.User.ID, "", w.acme, &member)
	if member.Status != admin.StatusMember || member.InvitationID != "" || member.Source != directory.FromAdmin || member.Subject != "carol" {
		t.Errorf("who accepted is %+v", member)
	}
	if slices.ContainsFunc(w.listed(), func(m admin.Member) bool { return m.InvitationID != "" }) {
		t.Error("an invitation that was accepted is listed")
	}
	w.wants(w.ask("GET", acmesMembers+"/"+invited.InvitationID, "", w.acme), http.StatusNotFound, api.NotFound)
	trail := w.trail()
	i := slices.IndexFunc(trail, func(e audit.Event) bool { return e.Action == audit.AcceptInvitation })
	if i < 0 || trail[i].UserID != got.User.ID || trail[i].Actor != got.User.ID || trail[i].OrganizationID != "org_acme" || trail[i].Target != invited.InvitationID {
		t.Errorf("the trail says %+v", trail)
	}
}

// TestInvitation_AcceptedBySigningIn for the organization: from the app's own page, not
// from a foreign page, and not without an invitation.
func TestInvitation_AcceptedBySigningIn(t *testing.T) {
	for name, sign := range map[string]struct {
		in       func(*httpbrowser.Browser) httpbrowser.Response
		accepted bool
	}{
		"by slug":   {func(b *httpbrowser.Browser) httpbrowser.Response { return b.Login("organization=acme") }, true},
		"by id":     {func(b *httpbrowser.Browser) httpbrowser.Response { return b.Login("organization=org_acme") }, true},
		"elsewhere": {func(b *httpbrowser.Browser) httpbrowser.Response { return b.Login("organization=globex") }, false},
		"nowhere":   {func(b *httpbrowser.Browser) httpbrowser.Response { return b.Login("") }, false},
		"from a foreign page": {func(b *httpbrowser.Browser) httpbrowser.Response {
			asks := b.With("Sec-Fetch-Site", "cross-site").Login("organization=acme")
			on := regexp.MustCompile(`<li><a href="([^"]*)"`).FindStringSubmatch(asks.Body)
			return b.Follow(strings.ReplaceAll(on[1], "&amp;", "&"))
		}, false},
		"unasked": {func(b *httpbrowser.Browser) httpbrowser.Response {
			return b.Login("organization=acme&prompt=none")
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			b := w.ofGlobex("carol")
			w.invites("carol")
			w.Pass(time.Second)
			b.Choose(sign.in(b), "carol")
			if !sign.accepted {
				w.refused(w.renew(b, "acme"), api.OrganizationAccessDenied)
				w.minted(b.Post("/token", `{}`))
				w.minted(w.mint(b, "acme"))
				return
			}
			w.minted(w.renew(b, "acme"))
			w.refused(b.Post("/token", `{}`), api.OrganizationRequired)
		})
	}
}

// TestInvitation_OfSomebodyNew makes the person a member at their first sign-in for the
// organization, under the name that their provider gives.
func TestInvitation_OfSomebodyNew(t *testing.T) {
	w := newBackend(t, nil)
	w.invites("dora")
	b := w.Browser(origin)
	b.Choose(b.Login("organization=acme"), "dora")
	got := w.minted(w.renew(b, "acme"))
	if got.User.Name == "Whoever" || !slices.Equal(got.Roles, []string{"viewer"}) {
		t.Errorf("%+v", got)
	}
	for _, m := range w.listed() {
		if m.Subject == "dora" && (m.UserID != got.User.ID || m.Name == "Whoever") {
			t.Errorf("%+v", m)
		}
	}
}

// TestInvitation_Ends after thirty days, or with its organization.
func TestInvitation_Ends(t *testing.T) {
	w := newBackend(t, nil)
	invited := w.invites("carol")
	if invited.ExpiresAt != invited.CreatedAt+directory.InvitationLife {
		t.Errorf("%+v", invited)
	}
	w.Pass(directory.InvitationLife * time.Second)
	if all := w.listed(); len(all) != 2 {
		t.Errorf("%+v", all)
	}
	w.wants(w.ask("GET", acmesMembers+"/"+invited.InvitationID, "", w.acme), http.StatusNotFound, api.NotFound)
	b := w.ofGlobex("carol")
	w.refused(w.mint(b, "acme"), api.OrganizationAccessDenied)
	w.invites("carol")
	w.Pass(time.Second)
	w.minted(w.mint(b, "acme"))
}

// TestInvitation_NotAcceptedBy another person, or into an organization that admits none.
func TestInvitation_NotAcceptedBy(t *testing.T) {
	disable := func(path string) func(*backend, *httpbrowser.Browser) {
		return func(w *backend, _ *httpbrowser.Browser) {
			w.does("POST", strings.Replace(path, "{carol}", w.userID("carol"), 1)+"/disable", "", w.whole, nil)
		}
	}
	for name, refused := range map[string]struct {
		because func(*backend, *httpbrowser.Browser)
		code    api.Code
	}{
		"disabled person":       {disable("/users/{carol}"), api.SessionRevoked},
		"disabled organization": {disable("/organizations/acme"), api.OrganizationAccessDenied},
		"deleted organization": {func(w *backend, _ *httpbrowser.Browser) {
			w.does("DELETE", "/organizations/acme", "", w.whole, nil)
		}, api.OrganizationAccessDenied},
		"somebody else": {func(w *backend, b *httpbrowser.Browser) {
			w.Pass(time.Second)
			b.SignIn("dave")
		}, api.OrganizationAccessDenied},
		"disabled member": {func(w *backend, _ *httpbrowser.Browser) {
			w.does("POST", acmesMembers, named("carol"), w.whole, nil)
			w.does("POST", acmesMembers+"/"+w.userID("carol")+"/disable", "", w.acme, nil)
		}, api.OrganizationAccessDenied},
		"removed member": {func(w *backend, _ *httpbrowser.Browser) {
			w.does("POST", acmesMembers, named("carol"), w.whole, nil)
			w.does("DELETE", acmesMembers+"/"+w.userID("carol"), "", w.acme, nil)
		}, api.OrganizationAccessDenied},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			b := w.ofGlobex("carol")
			w.invites("carol")
			refused.because(w, b)
			w.refused(w.mint(b, "acme"), refused.code)
			w.refused(w.renew(b, "acme"), refused.code)
		})
	}
}

// TestInvitation_OfStaff is accepted when their access is over, and not before.
func TestInvitation_OfStaff(t *testing.T) {
	w := newBackend(t, nil)
	zoe := w.signedIn("zoe")
	w.does("POST", acmesStaff, `{"user_id":"`+w.userID("zoe")+`","roles":["editor"],"reason":"r","expires_in":3600}`, w.whole, nil)
	w.invites("zoe")
	w.Pass(time.Second)
	if got := w.said(w.minted(w.mint(zoe, "acme")).AccessToken); !got.ByStaff() {
		t.Errorf("%+v", got)
	}
	w.Pass(time.Hour)
	w.refused(w.renew(zoe, "acme"), api.OrganizationAccessDenied)
	if got := w.said(w.minted(w.mint(zoe, "acme")).AccessToken); got.ByStaff() || !slices.Equal(got.Roles, []string{"viewer"}) {
		t.Errorf("%+v", got)
	}
}

// TestInvitation_AcceptedInARace makes one member and is recorded once, however many
// tabs enter at once.
func TestInvitation_AcceptedInARace(t *testing.T) {
	w := newBackend(t, nil)
	b := w.ofGlobex("carol")
	w.invites("carol")
	w.Pass(time.Second)
	var group sync.WaitGroup
	for range 8 {
		tab := b.Tab()
		group.Go(func() { w.mint(tab, "acme") })
	}
	group.Wait()
	w.minted(w.mint(b, "acme"))
	accepted := 0
	for _, e := range w.trail() {
		if e.Action == audit.AcceptInvitation {
			accepted++
		}
	}
	if accepted != 1 {
		t.Errorf("%d times in the trail", accepted)
	}
}

// TestInvitation_AcceptedUnderFault lets every call of the store fail in turn, before its
// effect and after: the next request enters.
func TestInvitation_AcceptedUnderFault(t *testing.T) {
	w := newBackend(t, nil)
	faulty := w.Failing()
	calls := 1
	for at := 0; at <= calls; at++ {
		for _, lost := range []bool{false, true} {
			sub := "p" + string(rune('a'+at)) + map[bool]string{false: "x", true: "y"}[lost]
			b := w.ofGlobex(sub)
			w.invites(sub)
			w.Pass(time.Second)
			faulty.Fail(at, lost)
			got := w.mint(b, "acme")
			if at == 0 {
				calls = len(faulty.Calls())
				w.minted(got)
				continue
			}
			faulty.Fail(0, false)
			if got.Status != http.StatusOK && got.Status != http.StatusServiceUnavailable {
				t.Errorf("call %d: %d %s", at, got.Status, got.Body)
			}
			w.minted(w.mint(b, "acme"))
		}
	}
}
