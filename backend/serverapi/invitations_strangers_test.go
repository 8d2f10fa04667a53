package serverapi_test

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
)

// TestInvitation_KeyLearnsNothingOfStrangers sends every request of an organization's key
// that can name a person, about people that the workspace knows and about one unknown to
// it: the answers and the trail are the same.
func TestInvitation_KeyLearnsNothingOfStrangers(t *testing.T) {
	known := map[string]func(*backend, string){
		"member of another organization": func(w *backend, sub string) { w.ofGlobex(sub) },
		"pending":                        func(w *backend, sub string) { w.signedIn(sub) },
		"disabled": func(w *backend, sub string) {
			w.ofGlobex(sub)
			w.does("POST", "/users/"+w.userID(sub)+"/disable", "", w.whole, nil)
		},
		"staff elsewhere": func(w *backend, sub string) {
			w.signedIn(sub)
			w.does("POST", "/organizations/globex/staff", `{"user_id":"`+w.userID(sub)+`","reason":"r","expires_in":3600}`, w.whole, nil)
		},
		"former staff": func(w *backend, sub string) {
			w.signedIn(sub)
			w.does("POST", "/organizations/acme/staff", `{"user_id":"`+w.userID(sub)+`","reason":"r","expires_in":60}`, w.whole, nil)
			w.Pass(time.Hour)
		},
	}
	for name, known := range known {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			known(w, "carol")
			w.Pass(time.Second)
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

// answersAbout are the answers to all that acme's own key can ask about a person that is
// not in acme, and acme's trail of it, without names of the person and times.
func (w *backend) answersAbout(sub, id string) (all []string) {
	w.Helper()
	began := w.Now().Unix()
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
	var trail admin.List[admin.Event]
	w.does("GET", "/organizations/acme/audit?limit=200&since="+strconv.FormatInt(began, 10), "", w.acme, &trail)
	for _, e := range trail.Items {
		all = append(all, strings.Join([]string{e.Action, e.Outcome, e.Reason, e.UserID, e.Target, e.Note}, "|"))
	}
	slices.Sort(all[len(all)-len(trail.Items):])
	w.Pass(time.Second)
	varies := regexp.MustCompile(`inv_\w+|_at":\d+`)
	for i, text := range all {
		text = varies.ReplaceAllString(text, "…")
		all[i] = strings.NewReplacer(id, "usr_…", `"`+sub+`"`, "…", sub+" of", "… of").Replace(text)
	}
	return all
}
