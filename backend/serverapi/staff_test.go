package serverapi_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/jws"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

const acmesStaff = "/organizations/acme/staff"

// grant asks for staff access to acme for zoe, a member of no organization.
func (w *backend) grant(seconds int64, key string) answer {
	w.Helper()
	return w.ask("POST", acmesStaff, `{"user_id":"`+w.userID("zoe")+`","roles":["viewer"],"reason":"ticket 4711","expires_in":`+
		strconv.FormatInt(seconds, 10)+`}`, key)
}

// staffed is a browser in which zoe has signed in, with staff access to acme for an hour.
func (w *backend) staffed() *httpbrowser.Browser {
	w.Helper()
	if got := w.grant(3600, w.whole); got.Status != http.StatusCreated {
		w.Fatalf("%d %s", got.Status, got.Body)
	}
	return w.signedIn("zoe")
}

// said are the claims of a token.
func (w *backend) said(raw string) token.Claims {
	w.Helper()
	message, err := jws.Parse(raw, 8<<10)
	w.must(message, err)
	var said struct {
		token.Claims
		Audience string `json:"aud"`
	}
	w.must(nil, json.Unmarshal(message.Payload, &said))
	return said.Claims
}

// enters tells whether GET /session lists acme.
func (w *backend) enters(b *httpbrowser.Browser) bool {
	w.Helper()
	var s api.SessionResponse
	b.Get("/session").JSON(w, &s)
	for _, o := range s.Organizations {
		if o.Slug == "acme" {
			return true
		}
	}
	return false
}

// keptOut fails the test unless a person is refused as in an organization that does not
// exist, on every path.
func (w *backend) keptOut(b *httpbrowser.Browser) {
	w.Helper()
	nowhere := w.mint(b, "nowhere")
	for _, got := range []httpbrowser.Response{w.renew(b, "acme"), w.mint(b, "acme"), w.mint(b, "org_acme")} {
		w.refused(got, api.OrganizationAccessDenied)
		if got.Status != http.StatusForbidden || got.Body != nowhere.Body {
			w.Errorf("%d %s, want %s", got.Status, got.Body, nowhere.Body)
		}
	}
	if w.enters(b) {
		w.Error("GET /session tells of acme")
	}
}

func TestStaffActAsSuchUntilTheirAccessEnds(t *testing.T) {
	w := newBackend(t, nil)
	zoe := w.staffed()
	until := w.Now().Unix() + 3600
	claims := w.said(w.minted(w.mint(zoe, "acme")).AccessToken)
	if claims.Actor == nil || claims.Actor.Subject != w.userID("zoe") || claims.Actor.Actor != nil || !claims.ByStaff() {
		t.Errorf("act is %+v", claims.Actor)
	}
	if claims.Subject != w.userID("zoe") || claims.OrganizationID != "org_acme" || len(claims.Roles) != 1 || claims.Roles[0] != "viewer" {
		t.Errorf("%+v", claims)
	}
	if !w.enters(zoe) {
		t.Error("GET /session does not tell of acme")
	}
	w.refused(w.mint(zoe, "globex"), api.OrganizationAccessDenied)
	if member := w.said(w.minted(w.mint(w.signedIn("alice"), "acme")).AccessToken); member.Actor != nil || member.ByStaff() {
		t.Errorf("a member's act is %+v", member.Actor)
	}

	w.Pass(3600*time.Second - 2*time.Second)
	got := w.minted(w.renew(zoe, "acme"))
	if end := w.said(got.AccessToken).Expires; end != until || got.OrganizationSession.ExpiresIn != 2 {
		t.Errorf("the token ends %d s after the access, the organization session in %d s", end-until, got.OrganizationSession.ExpiresIn)
	}
	w.Pass(2 * time.Second)
	w.keptOut(zoe)
	w.wants(w.ask("GET", acmesStaff+"/"+w.userID("zoe"), "", w.whole), http.StatusNotFound, api.NotFound)
}

func TestAnOrganizationForbidsStaffAccess(t *testing.T) {
	for name, where := range map[string]struct {
		path string
		key  func(*backend) string
	}{
		"the organization, by its own key": {"/organizations/acme/policy", asAcme},
		"the workspace":                    {"/policy", asWorkspace},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			zoe := w.staffed()
			w.minted(w.mint(zoe, "acme"))
			w.does("PUT", where.path, `{"no_staff":true}`, where.key(w), nil)
			w.keptOut(zoe)
			w.wants(w.grant(7200, w.whole), http.StatusForbidden, api.StaffForbidden)
			w.minted(w.mint(w.signedIn("alice"), "acme"))

			w.does("PUT", where.path, `{}`, where.key(w), nil)
			if got := w.said(w.minted(w.renew(zoe, "acme")).AccessToken); !got.ByStaff() {
				t.Errorf("act is %+v", got.Actor)
			}
			var kept admin.Staff
			if w.does("GET", acmesStaff+"/"+w.userID("zoe"), "", w.acme, &kept); kept.ExpiresAt != kept.CreatedAt+3600 {
				t.Errorf("what was refused counts: %+v", kept)
			}
		})
	}
}

func TestOnlyTheWorkspaceGrantsStaffAccessAndTheOrganizationEndsIt(t *testing.T) {
	w := newBackend(t, nil)
	w.wants(w.grant(3600, w.acme), http.StatusForbidden, api.AdminAccessDenied)
	zoe := w.signedIn("zoe")
	w.keptOut(zoe)

	zoe = w.staffed()
	w.minted(w.mint(zoe, "acme"))
	var list admin.List[admin.Staff]
	w.does("GET", acmesStaff, "", w.acme, &list)
	if len(list.Items) != 1 || list.Items[0].UserID != w.userID("zoe") || list.Items[0].Reason != "ticket 4711" || list.Items[0].ExpiresAt != w.Now().Unix()+3600 {
		t.Errorf("%+v", list)
	}
	w.does("DELETE", acmesStaff+"/"+w.userID("zoe"), "", w.acme, nil)
	w.keptOut(zoe)
	w.wants(w.ask("DELETE", acmesStaff+"/"+w.userID("zoe"), "", w.acme), http.StatusNotFound, api.NotFound)
}

// TestStaffAccessHasALimitAndAReason: without both it is refused, and admits no person.
func TestStaffAccessHasALimitAndAReason(t *testing.T) {
	w := newBackend(t, nil)
	zoe := w.userID("zoe")
	for name, body := range map[string]string{
		"no end":           `{"user_id":"` + zoe + `","reason":"r"}`,
		"too long":         `{"user_id":"` + zoe + `","reason":"r","expires_in":43201}`,
		"too short":        `{"user_id":"` + zoe + `","reason":"r","expires_in":59}`,
		"negative":         `{"user_id":"` + zoe + `","reason":"r","expires_in":-3600}`,
		"no reason":        `{"user_id":"` + zoe + `","expires_in":3600}`,
		"a blank reason":   `{"user_id":"` + zoe + `","reason":" ","expires_in":3600}`,
		"a long reason":    `{"user_id":"` + zoe + `","reason":"` + strings.Repeat("r", 201) + `","expires_in":3600}`,
		"lines":            `{"user_id":"` + zoe + `","reason":"r\ns","expires_in":3600}`,
		"an unknown role":  `{"user_id":"` + zoe + `","reason":"r","expires_in":3600,"roles":["owner"]}`,
		"nobody":           `{"reason":"r","expires_in":3600}`,
		"an unknown field": `{"user_id":"` + zoe + `","reason":"r","expires_in":3600,"expires_at":1}`,
	} {
		if got := w.ask("POST", acmesStaff, body, w.whole); got.Status != http.StatusBadRequest || got.code() != string(api.InvalidRequest) {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
	}
	w.wants(w.ask("POST", acmesStaff, `{"user_id":"usr_nobody","reason":"r","expires_in":3600}`, w.whole), http.StatusNotFound, api.NotFound)
	w.keptOut(w.signedIn("zoe"))
	w.does("POST", acmesStaff, `{"user_id":"`+zoe+`","reason":"r","expires_in":43200}`, w.whole, nil)
}

// TestAMemberNeedsNoStaffAccess, not even a disabled one: it is no other way in.
func TestAMemberNeedsNoStaffAccess(t *testing.T) {
	w := newBackend(t, nil)
	bob := w.signedIn("bob")
	w.minted(w.mint(bob, "acme"))
	ask := func() answer {
		return w.ask("POST", acmesStaff, `{"user_id":"`+w.userID("bob")+`","reason":"r","expires_in":3600}`, w.whole)
	}
	w.wants(ask(), http.StatusConflict, api.Conflict)
	if got := w.said(w.minted(w.renew(bob, "acme")).AccessToken); got.ByStaff() {
		t.Errorf("%+v", got)
	}
	w.does("POST", "/organizations/acme/members/"+w.userID("bob")+"/disable", "", w.acme, nil)
	w.wants(ask(), http.StatusConflict, api.Conflict)
	w.keptOut(bob)
}

// TestTheOrganizationReadsOfStaffAccess in its own trail: of the grant with its actor,
// person, end and reason, of each entry, and of the end.
func TestTheOrganizationReadsOfStaffAccess(t *testing.T) {
	w := newBackend(t, nil)
	zoe := w.staffed()
	first := w.Now().Unix() + 3600
	w.Pass(time.Second)
	w.minted(w.mint(zoe, "acme"))
	w.minted(w.renew(zoe, "acme"))
	w.Pass(time.Hour) // it ends by itself
	if got := w.grant(600, w.whole); got.Status != http.StatusCreated {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	second := w.Now().Unix() + 600
	w.Pass(time.Second)
	w.refused(w.renew(zoe, "acme"), api.OrganizationSessionExpired) // the first entry is not repeated unseen
	w.refused(w.mint(zoe, "acme"), api.InsufficientUserAuthentication)
	zoe.SignIn("zoe")
	w.minted(w.mint(zoe, "acme"))
	w.Pass(time.Second)
	w.does("DELETE", acmesStaff+"/"+w.userID("zoe"), "", w.acme, nil)

	var trail admin.List[admin.Event]
	w.does("GET", "/organizations/acme/audit?user="+w.userID("zoe"), "", w.acme, &trail)
	type told struct {
		action, outcome, reason, note string
		until                         int64
		by                            string
	}
	var got []told
	for _, e := range trail.Items {
		if e.Action == "sign_out" || e.Action == "sign_in" {
			continue
		}
		got = append(got, told{e.Action, e.Outcome, e.Reason, e.Note, e.ExpiresAt, e.ActorName})
	}
	want := []told{
		{"staff.end", "done", "", "", 0, "acme's"},
		{"organization.enter", "done", "staff", "", 0, ""},
		{"staff.grant", "done", "", "ticket 4711", second, "the workspace's"},
		{"organization.enter", "done", "staff", "", 0, ""},
		{"staff.grant", "done", "", "ticket 4711", first, "the workspace's"},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
}

// TestStaffAccessIsNoMembership for administrators of members, nor for a workspace file,
// until that names the person.
func TestStaffAccessIsNoMembership(t *testing.T) {
	w := newBackend(t, nil)
	zoe := w.staffed()
	member := "/organizations/acme/members/" + w.userID("zoe")
	w.wants(w.ask("PUT", member, `{"roles":["editor"]}`, w.acme), http.StatusConflict, api.Conflict)
	w.wants(w.ask("POST", "/organizations/acme/members", `{"user_id":"`+w.userID("zoe")+`","roles":["editor"]}`, w.acme), http.StatusConflict, api.Conflict)
	for _, r := range []change{{method: "GET"}, {method: "DELETE"}, {method: "POST", path: "/disable"}, {method: "POST", path: "/enable"}} {
		w.wants(w.ask(r.method, member+r.path, "", w.acme), http.StatusNotFound, api.NotFound)
	}
	if changes, err := w.Store.Apply(t.Context(), desired(), w.Now().Unix()); err != nil || !changes.None() {
		t.Errorf("%+v: %v", changes, err)
	}
	if got := w.said(w.minted(w.mint(zoe, "acme")).AccessToken); !got.ByStaff() || got.Roles[0] != "viewer" {
		t.Errorf("%+v", got)
	}
	named := desired()
	named.Organizations[0].Members = append(named.Organizations[0].Members,
		directory.Member{User: directory.User{Issuer: issuer, Subject: "zoe"}, Roles: []string{"editor"}})
	w.must(w.Store.Apply(t.Context(), named, w.Now().Unix()))
	w.Pass(2 * time.Hour)
	if got := w.said(w.minted(w.renew(zoe, "acme")).AccessToken); got.ByStaff() || got.Roles[0] != "editor" {
		t.Errorf("%+v", got)
	}
}

// TestWhatKeepsEverybodyOutKeepsStaffOut: the person disabled, or the organization.
func TestWhatKeepsEverybodyOutKeepsStaffOut(t *testing.T) {
	w := newBackend(t, nil)
	zoe := w.staffed()
	w.minted(w.mint(zoe, "acme"))
	w.does("POST", "/organizations/acme/disable", "", w.whole, nil)
	w.keptOut(zoe)
	w.does("POST", "/organizations/acme/enable", "", w.whole, nil)
	w.minted(w.mint(zoe, "acme"))
	w.does("POST", "/users/"+w.userID("zoe")+"/disable", "", w.whole, nil)
	w.refused(w.renew(zoe, "acme"), api.SessionRevoked)
}

// TestATokenOfAnAppsServerNamesIt (RFC 8693 section 4.1), and staff behind it: the
// outermost actor acts now. A session that the browser was handed over to is the person's
// own.
func TestATokenOfAnAppsServerNamesIt(t *testing.T) {
	w := newCrossed(t)
	entered := w.entered(w.enter())
	for _, s := range []string{entered.Access, w.entered(w.renews(entered.Refresh)).Access} {
		if act := w.claims(s).Actor; act == nil || *act != (token.Actor{Subject: "reports"}) || w.claims(s).ByStaff() {
			t.Errorf("act is %+v", act)
		}
	}

	until := w.Now().Unix() + 3600
	w.subject = w.minted(w.mint(w.staffed(), "acme"))
	entered = w.entered(w.enter())
	w.Pass(3600*time.Second - 2*time.Second)
	last := w.claims(w.entered(w.renews(entered.Refresh)).Access)
	if act := last.Actor; act == nil || act.Subject != "reports" || act.Actor == nil || *act.Actor != (token.Actor{Subject: last.Subject}) || !last.ByStaff() {
		t.Errorf("act is %+v", act)
	}
	if last.Expires != until {
		t.Errorf("the token ends %d s after the access", last.Expires-until)
	}
	for _, e := range w.trail() {
		if e.Action == "app.enter" && e.UserID == last.Subject && e.Reason != "staff" {
			t.Errorf("%+v", e)
		}
	}
	w.Pass(2 * time.Second)
	w.wants(w.renews(entered.Refresh), http.StatusForbidden, api.OrganizationAccessDenied)
}

func TestNoStaffGetInToAnotherApp(t *testing.T) {
	w := newCrossed(t)
	w.subject = w.minted(w.mint(w.staffed(), "acme"))
	entered := w.entered(w.enter())
	w.does("PUT", "/organizations/acme/policy", `{"no_staff":true}`, w.acme, nil)
	w.denies(w.enter(), string(api.OrganizationAccessDenied))
	w.wants(w.renews(entered.Refresh), http.StatusForbidden, api.OrganizationAccessDenied)
}

// TestAnOrganizationsOwnIssuerNamesStaffToo.
func TestAnOrganizationsOwnIssuerNamesStaffToo(t *testing.T) {
	w := newBackend(t, nil)
	w.must(nil, w.Store.SetOrganizationPolicy(t.Context(), "org_acme", policy.Rules{DedicatedKey: true}))
	claims := w.said(w.minted(w.mint(w.staffed(), "acme")).AccessToken)
	if claims.Issuer != publicURL+"/o/org_acme" || !claims.ByStaff() {
		t.Errorf("%+v", claims)
	}
}
