package serverapi_test

import (
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
)

// TestInvitation_OfAnotherOrganizationsConnection is refused like one of none, by either
// kind of key.
func TestInvitation_OfAnotherOrganizationsConnection(t *testing.T) {
	w := newBackend(t, nil)
	connection := func(slug string) string {
		var c admin.Connection
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
	if invited := w.listed()[0]; invited.Issuer != acme || invited.Status != admin.StatusInvited {
		t.Errorf("%+v", invited)
	}
}

// TestInvitation_IsAdministered: read, listed, changed by inviting again and by its id,
// and removed.
func TestInvitation_IsAdministered(t *testing.T) {
	w := newBackend(t, nil)
	first := w.invites("carol")
	path := acmesMembers + "/" + first.InvitationID
	w.Pass(time.Hour)
	var again admin.Member
	w.does("POST", acmesMembers, `{"iss":"`+issuer+`","sub":"carol","roles":["editor"]}`, w.acme, &again)
	if again.InvitationID != first.InvitationID || again.CreatedAt != first.CreatedAt || again.ExpiresAt != first.ExpiresAt+3600 ||
		again.Name != "Whoever" || !slices.Equal(again.Roles, []string{"editor"}) {
		t.Errorf("invited twice: %+v", again)
	}
	w.does("PUT", path, `{"roles":["viewer","editor"]}`, w.acme, &again)
	var got admin.Member
	w.does("GET", path, "", w.acme, &got)
	if !slices.Equal(got.Roles, []string{"viewer", "editor"}) || !slices.Equal(again.Roles, got.Roles) || got.InvitationID != first.InvitationID {
		t.Errorf("%+v", got)
	}
	all := w.listed()
	if len(all) != 3 || all[0].InvitationID != first.InvitationID || all[1].Status != admin.StatusMember {
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

// TestInvitation_OfAMember gives a member other roles, as a key always could. The roles of
// the workspace file stay.
func TestInvitation_OfAMember(t *testing.T) {
	w := newBackend(t, nil)
	w.wants(w.ask("POST", acmesMembers, named("bob"), w.acme), http.StatusConflict, api.ManagedByFile)
	w.does("POST", acmesMembers, `{"iss":"`+issuer+`","sub":"carol","roles":[]}`, w.whole, nil)
	w.signedIn("carol")
	var m admin.Member
	w.does("POST", acmesMembers, named("carol"), w.acme, &m)
	if m.Status != admin.StatusMember || m.UserID != w.userID("carol") || m.Name == "Whoever" || !slices.Equal(m.Roles, []string{"viewer"}) {
		t.Errorf("%+v", m)
	}
	w.does("POST", acmesMembers, `{"user_id":"`+m.UserID+`","roles":["editor"]}`, w.acme, &m)
	if !slices.Equal(m.Roles, []string{"editor"}) {
		t.Errorf("%+v", m)
	}
}

// TestInvitation_ByTheWorkspace: a key to the workspace admits people at once, and
// invites them where it says so.
func TestInvitation_ByTheWorkspace(t *testing.T) {
	w := newBackend(t, nil)
	var m admin.Member
	w.does("POST", acmesMembers, named("dora"), w.whole, &m)
	if m.Status != admin.StatusMember || m.UserID == "" {
		t.Errorf("%+v", m)
	}
	w.does("POST", acmesMembers, strings.Replace(named("dave"), "{", `{"invite":true,`, 1), w.whole, &m)
	if m.Status != admin.StatusInvited || m.Subject != "dave" {
		t.Errorf("%+v", m)
	}
	w.wants(w.ask("POST", acmesMembers, `{"invite":true,"user_id":"`+w.userID("dora")+`"}`, w.whole), http.StatusBadRequest, api.InvalidRequest)
}

// TestInvitation_ListedByPages with the members, each once.
func TestInvitation_ListedByPages(t *testing.T) {
	w := newBackend(t, nil)
	for _, sub := range []string{"p", "q", "r"} {
		w.invites(sub)
	}
	whole := w.listed()
	for limit := 1; limit <= len(whole); limit++ {
		var paged []admin.Member
		for after, more := "", true; more; {
			var page admin.List[admin.Member]
			w.does("GET", acmesMembers+"?limit="+strconv.Itoa(limit)+"&after="+after, "", w.acme, &page)
			paged, after, more = append(paged, page.Items...), page.Next, page.Next != ""
		}
		if !reflect.DeepEqual(paged, whole) || len(whole) != 5 {
			t.Errorf("by pages of %d: %v\nat once: %v", limit, paged, whole)
		}
	}
}
