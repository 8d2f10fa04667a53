package serverapi_test

import (
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/administration"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/store/storetest"
	"github.com/tabard-auth/tabard/browser_test/httpbrowser"
)

const acmesMembers = "/organizations/acme/members"

// named is the body that names a person of the workspace's provider.
func named(sub string) string {
	return `{"iss":"` + issuer + `","sub":"` + sub + `","name":"Whoever","email":"whoever@acme.example","roles":["viewer"]}`
}

// invites invites a person of the workspace's provider to acme, by acme's own key.
func (w *world) invites(sub string) administration.Member {
	w.Helper()
	var m administration.Member
	w.does("POST", acmesMembers, named(sub), w.acme, &m)
	return m
}

// ofGlobex returns a browser in which somebody has signed in who belongs to globex alone.
func (w *world) ofGlobex(sub string) *httpbrowser.Browser {
	w.Helper()
	w.does("POST", "/organizations/globex/members", `{"iss":"`+issuer+`","sub":"`+sub+`","roles":["editor"]}`, w.whole, nil)
	return w.signedIn(sub)
}

// listed are acme's members as its own key lists them.
func (w *world) listed() []administration.Member {
	w.Helper()
	var all administration.List[administration.Member]
	w.does("GET", acmesMembers+"?limit=200", "", w.acme, &all)
	return all.Items
}

// TestInvitation_KeyLearnsNothingOfStrangers sends every request of an organization's key
// that can name a person, about people that the workspace knows and about one whom it
// does not: the answers and the trail are the same.
func TestInvitation_KeyLearnsNothingOfStrangers(t *testing.T) {
	known := map[string]func(*world, string){
		"member of another organization": func(w *world, sub string) { w.ofGlobex(sub) },
		"pending":                        func(w *world, sub string) { w.signedIn(sub) },
		"disabled": func(w *world, sub string) {
			w.ofGlobex(sub)
			w.does("POST", "/users/"+w.userID(sub)+"/disable", "", w.whole, nil)
		},
		"staff elsewhere": func(w *world, sub string) {
			w.signedIn(sub)
			w.does("POST", "/organizations/globex/staff", `{"user_id":"`+w.userID(sub)+`","reason":"r","expires_in":3600}`, w.whole, nil)
		},
		"former staff": func(w *world, sub string) {
			w.signedIn(sub)
			w.does("POST", "/organizations/acme/staff", `{"user_id":"`+w.userID(sub)+`","reason":"r","expires_in":60}`, w.whole, nil)
			w.pass(time.Hour)
		},
	}
	for name, known := range known {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			known(w, "carol")
			w.pass(time.Second)
			stranger, carol := w.answersAbout("nobody", "usr_nobody"), w.answersAbout("carol", w.userID("carol"))
			if len(carol) != len(stranger) {
				t.Fatalf("%d answers and entries, want %d", len(carol), len(stranger))
			}
			for i := range carol {
				if carol[i] != stranger[i] {
					t.Errorf("%s\nof somebody unknown: %s", carol[i], stranger[i])
				}
			}
		})
	}
}

// answersAbout are the answers to all that acme's own key can ask about a person who is
// not in acme, and what acme's trail says of it, without what names the person or tells
// the time.
func (w *world) answersAbout(sub, id string) (all []string) {
	w.Helper()
	began := w.now().Unix()
	ask := func(method, path, body string) {
		got := w.ask(method, strings.ReplaceAll(path, "{user}", id), strings.ReplaceAll(body, "{user}", id), w.acme)
		all = append(all, method+" "+path+" "+http.StatusText(got.Status)+" "+got.Body)
	}
	ask("POST", acmesMembers, named(sub))
	ask("POST", acmesMembers, named(sub))
	ask("POST", acmesMembers, `{"user_id":"{user}","roles":["viewer"]}`)
	for _, method := range []string{"GET", "DELETE"} {
		for _, path := range []string{acmesMembers, acmesStaff} {
			ask(method, path+"/{user}", "")
		}
	}
	ask("PUT", acmesMembers+"/{user}", `{"roles":["viewer"]}`)
	ask("POST", acmesMembers+"/{user}/disable", "")
	ask("POST", acmesMembers+"/{user}/enable", "")
	ask("DELETE", acmesMembers+"/{user}/sessions", "")
	ask("DELETE", acmesMembers+"/{user}/links", "")
	ask("POST", acmesStaff, `{"user_id":"{user}","reason":"r","expires_in":3600}`)
	ask("GET", "/organizations/acme/sessions?user={user}", "")
	ask("GET", acmesMembers, "")
	w.does("DELETE", acmesMembers+"/"+w.listed()[0].InvitationID, "", w.acme, nil)
	var trail administration.List[administration.Event]
	w.does("GET", "/organizations/acme/audit?limit=200&since="+strconv.FormatInt(began, 10), "", w.acme, &trail)
	for _, e := range trail.Items {
		all = append(all, strings.Join([]string{e.Action, e.Outcome, e.Reason, e.UserID, e.Target, e.Note}, "|"))
	}
	slices.Sort(all[len(all)-len(trail.Items):])
	w.pass(time.Second)
	varies := regexp.MustCompile(`inv_\w+|_at":\d+`)
	for i, text := range all {
		text = varies.ReplaceAllString(text, "…")
		all[i] = strings.NewReplacer(id, "usr_…", `"`+sub+`"`, "…", sub+" of", "… of").Replace(text)
	}
	return all
}

// TestInvitation_ChangesNothingUntilAccepted: neither what the person may mint without
// naming an organization, nor what they are told of, nor who they are.
func TestInvitation_ChangesNothingUntilAccepted(t *testing.T) {
	faulty := &storetest.Faulty{}
	w := newWorld(t, func(s host.Store) host.Store { faulty.Store = s; return faulty })
	carol := w.ofGlobex("carol")
	before := carol.Get("/session").Body
	w.minted(w.mint(carol, "globex"))
	faulty.Fail(0, false)
	w.minted(carol.Post("/token", `{}`))
	steady := faulty.Calls()
	invited := w.invites("carol")
	if invited.Status != administration.StatusInvited || invited.UserID != "" || invited.Name != "Whoever" || invited.Email != "whoever@acme.example" ||
		invited.Subject != "carol" || !slices.Equal(invited.Roles, []string{"viewer"}) {
		t.Errorf("the key is answered %+v", invited)
	}
	if got := carol.Get("/session").Body; strings.Contains(got, "acme") || len(got) != len(strings.Replace(before, "available", "active", 1)) {
		t.Errorf("GET /session says %s\nbefore the invitation: %s", got, before)
	}
	for range 2 { // a renewal, a reload or a route that is followed accepts nothing
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

	w.pass(time.Second)
	got := w.minted(w.mint(carol, "acme"))
	if !slices.Equal(got.Roles, []string{"viewer"}) || got.User.Name == "Whoever" || got.User.Email == "whoever@acme.example" {
		t.Errorf("the token says %v of %v", got.Roles, got.User)
	}
	w.minted(w.renew(carol, "acme"))
	w.refused(carol.Post("/token", `{}`), api.OrganizationRequired)
	var member administration.Member
	w.does("GET", acmesMembers+"/"+got.User.ID, "", w.acme, &member)
	if member.Status != administration.StatusMember || member.InvitationID != "" || member.Source != directory.FromAdmin || member.Subject != "carol" {
		t.Errorf("who accepted is %+v", member)
	}
	if slices.ContainsFunc(w.listed(), func(m administration.Member) bool { return m.InvitationID != "" }) {
		t.Error("an invitation that was accepted is listed")
	}
	w.wants(w.ask("GET", acmesMembers+"/"+invited.InvitationID, "", w.acme), http.StatusNotFound, api.NotFound)
	trail := w.trail()
	i := slices.IndexFunc(trail, func(e audit.Event) bool { return e.Action == audit.AcceptInvitation })
	if i < 0 || trail[i].UserID != got.User.ID || trail[i].Actor != got.User.ID || trail[i].OrganizationID != "org_acme" || trail[i].Target != invited.InvitationID {
		t.Errorf("the trail says %+v", trail)
	}
}

// TestInvitation_AcceptedBySigningIn for the organization: by whoever comes from the
// app's own page, and not by whom a foreign page sends or whom nobody asked.
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
			return b.With("Sec-Fetch-Site", "cross-site").Login("organization=acme")
		}, false},
		"unasked": {func(b *httpbrowser.Browser) httpbrowser.Response {
			return b.Login("organization=acme&prompt=none")
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			b := w.ofGlobex("carol")
			w.invites("carol")
			w.pass(time.Second)
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
	w := newWorld(t, nil)
	w.invites("dora")
	b := httpbrowser.New(w, origin, publicURL)
	b.Transport, b.Now = w.hosts, w.now
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

// TestInvitation_OfAnotherOrganizationsConnection is refused like one of none, whoever
// invites.
func TestInvitation_OfAnotherOrganizationsConnection(t *testing.T) {
	w := newWorld(t, nil)
	connection := func(slug string) string {
		var c administration.Connection
		w.does("POST", "/organizations/"+slug+"/connections", someConnection, w.whole, &c)
		return c.ID
	}
	globex, acme := connection("globex"), connection("acme")
	of := func(iss string) string { return `{"iss":"` + iss + `","sub":"a.martin","roles":[]}` }
	for _, key := range []string{w.acme, w.whole} {
		unknown := w.ask("POST", acmesMembers, of("con_none"), key)
		w.wants(unknown, http.StatusNotFound, api.NotFound)
		for _, iss := range []string{globex, "con_", "con_NONE", "con_" + strings.Repeat("a", 100)} {
			if got := w.ask("POST", acmesMembers, of(iss), key); got.Status != unknown.Status || got.Body != unknown.Body {
				t.Errorf("%s: %d %s, want %d %s", iss, got.Status, got.Body, unknown.Status, unknown.Body)
			}
		}
	}
	w.does("POST", acmesMembers, of(acme), w.acme, nil)
	if invited := w.listed()[0]; invited.Issuer != acme || invited.Status != administration.StatusInvited {
		t.Errorf("%+v", invited)
	}
}

// TestInvitation_IsAdministered: read, listed, changed by inviting again and by its id,
// and removed.
func TestInvitation_IsAdministered(t *testing.T) {
	w := newWorld(t, nil)
	first := w.invites("carol")
	path := acmesMembers + "/" + first.InvitationID
	w.pass(time.Hour)
	var again administration.Member
	w.does("POST", acmesMembers, `{"iss":"`+issuer+`","sub":"carol","roles":["editor"]}`, w.acme, &again)
	if again.InvitationID != first.InvitationID || again.CreatedAt != first.CreatedAt || again.ExpiresAt != first.ExpiresAt+3600 ||
		again.Name != "Whoever" || !slices.Equal(again.Roles, []string{"editor"}) {
		t.Errorf("invited twice: %+v", again)
	}
	w.does("PUT", path, `{"roles":["viewer","editor"]}`, w.acme, &again)
	var got administration.Member
	w.does("GET", path, "", w.acme, &got)
	if !slices.Equal(got.Roles, []string{"viewer", "editor"}) || !slices.Equal(again.Roles, got.Roles) || got.InvitationID != first.InvitationID {
		t.Errorf("%+v", got)
	}
	all := w.listed()
	if len(all) != 3 || all[0].InvitationID != first.InvitationID || all[1].Status != administration.StatusMember {
		t.Errorf("%+v", all)
	}
	w.wants(w.ask("PUT", path, `{"roles":["owner"]}`, w.acme), http.StatusBadRequest, api.InvalidRequest)
	w.wants(w.ask("POST", acmesMembers, `{"iss":"https://id.example","sub":"x","roles":["owner"]}`, w.acme), http.StatusBadRequest, api.InvalidRequest)
	w.wants(w.ask("POST", acmesMembers, `{"iss":"https://id.example","sub":"a\u0000b"}`, w.acme), http.StatusBadRequest, api.InvalidRequest)
	globex := w.key("globex's", "globex")
	for method, body := range map[string]string{"GET": "", "PUT": `{"roles":["viewer"]}`, "DELETE": ""} {
		foreign := strings.Replace(path, "/acme/", "/globex/", 1)
		w.wants(w.ask(method, foreign, body, globex), http.StatusNotFound, api.NotFound)
	}
	for _, deed := range []string{"/disable", "/enable"} {
		w.wants(w.ask("POST", path+deed, "", w.acme), http.StatusNotFound, api.NotFound)
	}
	w.does("DELETE", path, "", w.acme, nil)
	w.wants(w.ask("DELETE", path, "", w.acme), http.StatusNotFound, api.NotFound)
	w.refused(w.mint(w.ofGlobex("carol"), "acme"), api.OrganizationAccessDenied)
}

// TestInvitation_Ends after thirty days, or with its organization.
func TestInvitation_Ends(t *testing.T) {
	w := newWorld(t, nil)
	invited := w.invites("carol")
	if invited.ExpiresAt != invited.CreatedAt+directory.InvitationLife {
		t.Errorf("%+v", invited)
	}
	w.pass(directory.InvitationLife * time.Second)
	if all := w.listed(); len(all) != 2 {
		t.Errorf("%+v", all)
	}
	w.wants(w.ask("GET", acmesMembers+"/"+invited.InvitationID, "", w.acme), http.StatusNotFound, api.NotFound)
	b := w.ofGlobex("carol")
	w.refused(w.mint(b, "acme"), api.OrganizationAccessDenied)
	w.invites("carol")
	w.pass(time.Second)
	w.minted(w.mint(b, "acme"))
}

// TestInvitation_NotAcceptedBy somebody else, or where nobody enters.
func TestInvitation_NotAcceptedBy(t *testing.T) {
	disable := func(path string) func(*world, *httpbrowser.Browser) {
		return func(w *world, _ *httpbrowser.Browser) {
			w.does("POST", strings.Replace(path, "{carol}", w.userID("carol"), 1)+"/disable", "", w.whole, nil)
		}
	}
	for name, refused := range map[string]struct {
		because func(*world, *httpbrowser.Browser)
		code    api.Code
	}{
		"disabled person":       {disable("/users/{carol}"), api.SessionRevoked},
		"disabled organization": {disable("/organizations/acme"), api.OrganizationAccessDenied},
		"deleted organization": {func(w *world, _ *httpbrowser.Browser) {
			w.does("DELETE", "/organizations/acme", "", w.whole, nil)
		}, api.OrganizationAccessDenied},
		"somebody else": {func(w *world, b *httpbrowser.Browser) {
			w.pass(time.Second)
			b.SignIn("dave")
		}, api.OrganizationAccessDenied},
		"disabled member": {func(w *world, _ *httpbrowser.Browser) {
			w.does("POST", acmesMembers, named("carol"), w.whole, nil)
			w.does("POST", acmesMembers+"/"+w.userID("carol")+"/disable", "", w.acme, nil)
		}, api.OrganizationAccessDenied},
		"removed member": {func(w *world, _ *httpbrowser.Browser) {
			w.does("POST", acmesMembers, named("carol"), w.whole, nil)
			w.does("DELETE", acmesMembers+"/"+w.userID("carol"), "", w.acme, nil)
		}, api.OrganizationAccessDenied},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			b := w.ofGlobex("carol")
			w.invites("carol")
			refused.because(w, b)
			w.refused(w.mint(b, "acme"), refused.code)
			w.refused(w.renew(b, "acme"), refused.code)
		})
	}
}

// TestInvitation_OfAMember gives a member other roles, as a key always could; what the
// workspace file says stays.
func TestInvitation_OfAMember(t *testing.T) {
	w := newWorld(t, nil)
	w.wants(w.ask("POST", acmesMembers, named("bob"), w.acme), http.StatusConflict, api.ManagedByFile)
	w.does("POST", acmesMembers, `{"iss":"`+issuer+`","sub":"carol","roles":[]}`, w.whole, nil)
	w.signedIn("carol")
	var m administration.Member
	w.does("POST", acmesMembers, named("carol"), w.acme, &m)
	if m.Status != administration.StatusMember || m.UserID != w.userID("carol") || m.Name == "Whoever" || !slices.Equal(m.Roles, []string{"viewer"}) {
		t.Errorf("%+v", m)
	}
	w.does("POST", acmesMembers, `{"user_id":"`+m.UserID+`","roles":["editor"]}`, w.acme, &m)
	if !slices.Equal(m.Roles, []string{"editor"}) {
		t.Errorf("%+v", m)
	}
}

// TestInvitation_OfStaff is accepted when their access is over, and not before.
func TestInvitation_OfStaff(t *testing.T) {
	w := newWorld(t, nil)
	zoe := w.signedIn("zoe")
	w.does("POST", acmesStaff, `{"user_id":"`+w.userID("zoe")+`","roles":["editor"],"reason":"r","expires_in":3600}`, w.whole, nil)
	w.invites("zoe")
	w.pass(time.Second)
	if got := w.said(w.minted(w.mint(zoe, "acme")).AccessToken); !got.ByStaff() {
		t.Errorf("%+v", got)
	}
	w.pass(time.Hour)
	w.refused(w.renew(zoe, "acme"), api.OrganizationAccessDenied)
	if got := w.said(w.minted(w.mint(zoe, "acme")).AccessToken); got.ByStaff() || !slices.Equal(got.Roles, []string{"viewer"}) {
		t.Errorf("%+v", got)
	}
}

// TestInvitation_ByTheWorkspace: a key to the workspace admits people at once, and
// invites them where it says so.
func TestInvitation_ByTheWorkspace(t *testing.T) {
	w := newWorld(t, nil)
	var m administration.Member
	w.does("POST", acmesMembers, named("dora"), w.whole, &m)
	if m.Status != administration.StatusMember || m.UserID == "" {
		t.Errorf("%+v", m)
	}
	w.does("POST", acmesMembers, strings.Replace(named("dave"), "{", `{"invite":true,`, 1), w.whole, &m)
	if m.Status != administration.StatusInvited || m.Subject != "dave" {
		t.Errorf("%+v", m)
	}
	w.wants(w.ask("POST", acmesMembers, `{"invite":true,"user_id":"`+w.userID("dora")+`"}`, w.whole), http.StatusBadRequest, api.InvalidRequest)
}

// TestInvitation_AcceptedInARace makes one member and is recorded once, however many
// tabs enter at once.
func TestInvitation_AcceptedInARace(t *testing.T) {
	w := newWorld(t, nil)
	b := w.ofGlobex("carol")
	w.invites("carol")
	w.pass(time.Second)
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

// TestInvitation_ListedByPages with the members, nothing twice and nothing left out.
func TestInvitation_ListedByPages(t *testing.T) {
	w := newWorld(t, nil)
	for _, sub := range []string{"p", "q", "r"} {
		w.invites(sub)
	}
	whole := w.listed()
	for limit := 1; limit <= len(whole); limit++ {
		var paged []administration.Member
		for after, more := "", true; more; {
			var page administration.List[administration.Member]
			w.does("GET", acmesMembers+"?limit="+strconv.Itoa(limit)+"&after="+after, "", w.acme, &page)
			paged, after, more = append(paged, page.Items...), page.Next, page.Next != ""
		}
		if !reflect.DeepEqual(paged, whole) || len(whole) != 5 {
			t.Errorf("by pages of %d: %v\nat once: %v", limit, paged, whole)
		}
	}
}

// TestInvitation_AcceptedUnderFault lets every call of the store fail in turn, before it
// does anything and after: who asks again enters.
func TestInvitation_AcceptedUnderFault(t *testing.T) {
	faulty := &storetest.Faulty{}
	w := newWorld(t, func(s host.Store) host.Store { faulty.Store = s; return faulty })
	calls := 1
	for at := 0; at <= calls; at++ {
		for _, lost := range []bool{false, true} {
			sub := "p" + string(rune('a'+at)) + map[bool]string{false: "x", true: "y"}[lost]
			b := w.ofGlobex(sub)
			w.invites(sub)
			w.pass(time.Second)
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
