package serverapi_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/serverapi/adminapi"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
)

func TestASlugNamesOneOrganization(t *testing.T) {
	w := newBackend(t, nil)
	var group sync.WaitGroup
	made := make([]answer, 8)
	for i := range made {
		group.Go(func() { made[i] = w.ask("POST", "/organizations", someOrganization, w.whole) })
	}
	group.Wait()
	created := 0
	for _, got := range made {
		if got.Status == http.StatusCreated {
			created++
		} else {
			w.wants(got, http.StatusConflict, api.AlreadyExists)
		}
	}
	if created != 1 {
		t.Errorf("%d were made", created)
	}
	w.wants(w.ask("PATCH", "/organizations/acme", `{"slug":"initech"}`, w.whole), http.StatusConflict, api.AlreadyExists)
}

// TestAConnectionIsAnsweredAsItIsPut: an empty list of scopes differs from a missing one.
func TestAConnectionIsAnsweredAsItIsPut(t *testing.T) {
	w := newBackend(t, nil)
	for scopes, want := range map[string]string{`"scopes":[],`: `"scopes":[]`, `"scopes":["email"],`: `"scopes":["email"]`, "": ""} {
		got := w.ask("POST", "/organizations/acme/connections", `{"issuer":"https://id.acme.example",`+scopes+`"client_id":"tabard","client_secret":"hush"}`, w.acme)
		if got.Status != http.StatusCreated || !strings.Contains(got.Body, want) || want == "" && strings.Contains(got.Body, "scopes") {
			t.Errorf("%s: %d %s", scopes, got.Status, got.Body)
		}
	}
}

// TestAWrongLinkIsTakenAway at the providers of one organization, all of them.
func TestAWrongLinkIsTakenAway(t *testing.T) {
	w := newBackend(t, nil)
	alice := w.userID("alice")
	of := map[string][]string{"acme": nil, "globex": nil}
	for slug := range of {
		for range 2 {
			var c admin.Connection
			w.does("POST", "/organizations/"+slug+"/connections", someConnection, w.whole, &c)
			w.must(nil, w.Store.Link(t.Context(), c.ID, "a.martin", alice, w.Now().Unix()))
			of[slug] = append(of[slug], c.ID)
		}
	}
	w.Pass(time.Second)
	for range 2 { // which is no error
		w.does("DELETE", "/organizations/acme/members/"+alice+"/links", "", w.acme, nil)
	}
	for slug, all := range of {
		for _, id := range all {
			if _, err := w.Store.Linked(t.Context(), id, "a.martin"); (err == nil) != (slug == "globex") {
				t.Errorf("%s: %v", slug, err)
			}
		}
	}
	if e := w.trail()[0]; e.Action != audit.UnlinkIdentity || e.UserID != alice || e.OrganizationID != "org_acme" || e.Outcome != audit.Done {
		t.Errorf("the trail says %+v", e)
	}
}

func TestADeletedOrganizationsIDIsNeverUsedAgain(t *testing.T) {
	w := newBackend(t, nil)
	w.does("DELETE", "/organizations/acme", "", w.whole, nil)
	w.wants(w.ask("GET", "/organizations/org_acme", "", w.whole), http.StatusNotFound, api.NotFound)
	w.wants(w.ask("GET", "/organizations/acme/policy", "", w.acme), http.StatusUnauthorized, api.AdminKeyRequired) // its keys ended
	var again admin.Organization
	w.does("POST", "/organizations", `{"slug":"acme","name":"Acme"}`, w.whole, &again)
	if again.ID == "org_acme" {
		t.Error("the id came back")
	}
	var members admin.List[admin.Member]
	w.does("GET", "/organizations/acme/members", "", w.whole, &members)
	if len(members.Items) != 0 {
		t.Errorf("the new one has %v", members.Items)
	}
	w.refused(w.mint(w.signedIn("alice"), "acme"), api.OrganizationAccessDenied)
	if _, err := w.Store.Apply(t.Context(), desired(), w.Now().Unix()); err == nil {
		t.Error("a workspace file gave the id to another")
	}
}

// TestTheWorkspaceFileAndAdministrationLeaveEachOthersAlone: the file has the last word on
// its members' roles, administration on disabled members.
func TestTheWorkspaceFileAndAdministrationLeaveEachOthersAlone(t *testing.T) {
	w := newBackend(t, nil)
	alice, member := w.userID("alice"), "/organizations/acme/members/"+w.userID("alice")
	w.wants(w.ask("PUT", member, `{"roles":[]}`, w.acme), http.StatusConflict, api.ManagedByFile)
	w.wants(w.ask("DELETE", member, "", w.acme), http.StatusConflict, api.ManagedByFile)
	w.does("POST", member+"/disable", "", w.acme, nil)
	w.does("POST", "/organizations/globex/disable", "", w.whole, nil)
	w.does("POST", "/organizations", someOrganization, w.whole, nil)
	w.does("PUT", "/organizations/initech/members/"+alice, `{"roles":["viewer"]}`, w.whole, nil)
	for range 2 {
		if changes, err := w.Store.Apply(t.Context(), desired(), w.Now().Unix()); err != nil || !changes.None() {
			t.Errorf("%+v: %v", changes, err)
		}
	}
	b := w.signedIn("alice")
	w.refused(w.mint(b, "acme"), api.OrganizationAccessDenied)
	w.refused(w.mint(b, "globex"), api.OrganizationAccessDenied)
	w.minted(w.mint(b, "initech"))
	w.does("POST", "/organizations/globex/enable", "", w.whole, nil)
	w.minted(w.mint(b, "globex"))
}

// TestEveryChangeIsInTheTrail with its actor, object, address and outcome; refused ones
// too.
func TestEveryChangeIsInTheTrail(t *testing.T) {
	onEveryRoute(t, func(r *tried) {
		if r.Method == "GET" {
			return
		}
		before := len(r.trail())
		r.Pass(time.Second)
		r.does(r.Method, r.path("acme"), r.body, r.whole, nil)
		after := r.trail()
		if len(after) != before+1 {
			r.Fatalf("%d events were written", len(after)-before)
		}
		e := after[0]
		if e.Outcome != audit.Done || e.At != r.Now().Unix() || e.Address != "192.0.2.1:1234" || e.ActorName != "the workspace's" || e.Actor[:4] != "key_" {
			r.Errorf("%+v", e)
		}
		if named := r.Path[:min(len(r.Path), 15)] == "/organizations/"; named && e.OrganizationID != "org_acme" {
			r.Errorf("the organization is %q", e.OrganizationID)
		}
		r.Pass(time.Second)
		r.ask(r.Method, r.path("acme"), r.body, r.globex)
		refused := r.trail()
		if f := refused[0]; len(refused) != len(after)+1 || f.ActorName != "globex's" || f.Outcome != audit.Refused ||
			f.Action != e.Action || f.Reason == "" || f.OrganizationID != "org_globex" {
			r.Errorf("a refused attempt: %+v", f)
		}
	})
}

// TestAnAttemptToReadWhatIsNotYoursIsInTheTrail of the organization whose key it was,
// alike for an object that exists and one that does not.
func TestAnAttemptToReadWhatIsNotYoursIsInTheTrail(t *testing.T) {
	for _, path := range []string{"/organizations/globex", "/organizations/nowhere/members", "/users"} {
		w := newBackend(t, nil)
		w.Pass(time.Second)
		w.ask("GET", path, "", w.acme)
		if e := w.trail()[0]; e.ActorName != "acme's" || e.Outcome != audit.Refused || e.OrganizationID != "org_acme" {
			t.Errorf("%s: %+v", path, e)
		}
		w.ask("GET", "/organizations/acme/members/usr_nobody", "", w.acme)
		w.ask("GET", "/organizations/acme", "", w.acme)
		if all := w.trail(); all[0].ActorName != "acme's" || all[0].Reason == "" || len(all) != 3 {
			t.Errorf("reading one's own is in the trail: %+v", all)
		}
	}
}

// leaving is a store during whose change the client leaves.
type leaving struct {
	host.Store
	leave context.CancelFunc
}

func (l *leaving) SetUserDisabled(ctx context.Context, id string, blocked bool, now int64) error {
	l.leave()
	return l.Store.SetUserDisabled(ctx, id, blocked, now)
}

func TestWhoeverLeavesBeforeTheAnswerIsInTheTrail(t *testing.T) {
	l := &leaving{}
	w := newBackend(t, func(s host.Store) host.Store { l.Store = s; return l })
	alice := w.signedIn("alice")
	r := w.request("POST", "/users/"+w.userID("alice")+"/disable", "", w.whole)
	ctx, leave := context.WithCancel(t.Context())
	l.leave = leave
	w.Pass(time.Second)
	if got := w.send(r.WithContext(ctx)); got.Status != http.StatusOK {
		t.Errorf("%d %s\n%s", got.Status, got.Body, w.Logged)
	}
	if e := w.trail()[0]; e.Action != audit.DisableUser || e.Outcome != audit.Done {
		t.Errorf("%+v", e)
	}
	w.refused(w.mint(alice, "acme"), api.SessionRevoked)
}

func TestARevokedKeysUseIsInTheTrail(t *testing.T) {
	w := newBackend(t, nil)
	var k admin.CreatedKey
	w.does("POST", "/keys", `{"name":"lost"}`, w.whole, &k)
	w.does("DELETE", "/keys/"+k.ID, "", w.whole, nil)
	w.ask("GET", "/users", "", k.Secret)
	e := w.trail()
	if i := slices.IndexFunc(e, func(e audit.Event) bool { return e.Action == audit.UseKey }); i < 0 || e[i].Reason != "revoked" || e[i].Actor != k.ID {
		t.Errorf("%+v", e)
	}
}

// TestNoFaultOfTheStorageIsTakenForSuccess lets every call of the store fail in turn,
// one before its effect and the next after it. The answer is that the request may have
// failed: a change that was not stored, or not recorded, is never reported as done.
// TestNoFaultOfTheStorageEitherWay lets each call fail in both ways.
func TestNoFaultOfTheStorageIsTakenForSuccess(t *testing.T) {
	noFaultIsTakenForSuccess(t, func(call int) []bool { return []bool{call%2 == 1} })
}

func noFaultIsTakenForSuccess(t *testing.T, ways func(call int) []bool) {
	t.Helper()
	for _, route := range adminapi.Routes {
		t.Run(route.Method+" "+route.Path, func(t *testing.T) {
			w := newBackend(t, nil)
			w.resolving()
			faulty := w.Failing()
			r := &tried{backend: w, Route: route, example: examples[route.Method+" "+route.Path], of: map[string]map[string]string{}}
			calls := r.underFault(faulty, 0, false, func(got answer) {
				if got.Status >= 300 {
					t.Fatalf("without a fault: %d %s", got.Status, got.Body)
				}
			})
			for i := range calls {
				for _, lost := range ways(i) {
					r.underFault(faulty, i+1, lost, func(got answer) {
						if w.wants(got, http.StatusServiceUnavailable, api.TemporarilyUnavailable); got.Header.Get("Retry-After") == "" {
							t.Errorf("%v", got.Header)
						}
					})
				}
			}
		})
	}
}

// underFault sends the route's request about an organization of its own to a backend
// without caches, and returns how often it called the store.
func (r *tried) underFault(faulty *lite.Faulty, at int, lost bool, then func(answer)) int {
	r.Helper()
	faulty.Fail(0, false)
	slug := fmt.Sprintf("o%d", len(r.of))
	r.does("POST", "/organizations", `{"slug":"`+slug+`","name":"O"}`, r.whole, nil)
	r.of[slug] = r.furnish(slug, slug)
	r.Through = faulty
	r.Restart()
	faulty.Fail(at, lost)
	then(r.ask(r.Method, r.path(slug), strings.ReplaceAll(r.body, "initech", "of-"+slug), r.whole))
	return len(faulty.Calls())
}
