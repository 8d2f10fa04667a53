package serverapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
)

// lists are the paths of lists, with the field that names an item.
var lists = map[string]string{
	"/organizations": "slug", "/organizations/acme/members": "user_id", "/organizations/acme/connections": "id",
	"/organizations/acme/sessions": "session_id", "/organizations/acme/audit": "id", "/users": "id",
	"/users/{alice}/sessions": "id", "/audit": "id", "/keys": "id",
}

// populated returns a backend with five of everything, and the path of a list there.
func populated(t *testing.T) (*backend, func(string) string) {
	w := newBackend(t, nil)
	alice := w.userID("alice")
	for i := range 5 {
		w.does("POST", "/organizations", fmt.Sprintf(`{"slug":"org%d","name":"O"}`, i), w.whole, nil)
		w.does("POST", "/organizations/acme/members", fmt.Sprintf(`{"iss":"https://id.example","sub":"p%d"}`, i), w.whole, nil)
		w.does("POST", "/organizations/acme/connections", someConnection, w.acme, nil)
		w.key("one more", "")
		w.minted(w.mint(w.signedIn("alice"), "acme"))
	}
	return w, func(path string) string { return strings.Replace(path, "{alice}", alice, 1) }
}

func TestListsAreReadByPagesWithNothingTwiceAndNothingLeftOut(t *testing.T) {
	w, at := populated(t)
	for path, name := range lists {
		whole := w.names(at(path)+"?limit=200", name)
		if len(whole) < 5 {
			t.Errorf("%s has only %v", path, whole)
		}
		var paged []string
		for next, pages := "?limit=2", 0; next != ""; pages++ {
			got := w.ask("GET", at(path)+next, "", w.whole)
			var list admin.List[map[string]any]
			got.into(t, &list)
			if next = ""; list.Next != "" {
				next = strings.TrimSuffix(strings.TrimPrefix(got.Header.Get("Link"), "<"), `>; rel="next"`)
			}
			for _, item := range list.Items {
				paged = append(paged, item[name].(string))
			}
			if pages > 50 {
				t.Fatalf("%s does not end", path)
			}
		}
		if !slices.Equal(paged, whole) {
			t.Errorf("%s by pages: %v\nat once: %v", path, paged, whole)
		}
	}
}

// names returns the names of a page's items.
func (w *backend) names(path, name string) (all []string) {
	w.Helper()
	var list admin.List[map[string]any]
	w.does("GET", path, "", w.whole, &list)
	for _, item := range list.Items {
		all = append(all, item[name].(string))
	}
	return all
}

func TestAForgedPlaceIsRefusedAndReachesNoStatement(t *testing.T) {
	w, at := populated(t)
	for path := range lists {
		for _, query := range []string{
			"after=" + url.QueryEscape(`' OR 1=1--`), "after=%00", "after=%ff", "after=" + strings.Repeat("a", 101), "after=A",
			"limit=0", "limit=201", "limit=-1", "limit=x", "limit=1&limit=2", "offset=3", "after=a&after=b", "%zz",
		} {
			w.wants(w.ask("GET", at(path)+"?"+query, "", w.whole), http.StatusBadRequest, api.InvalidRequest)
		}
	}
	for _, query := range []string{"after=x", "after=1", "after=1.", "after=-1.a", "after=99999999999999999999.a", "since=x", "until=-1", "actor=%00"} {
		w.wants(w.ask("GET", "/audit?"+query, "", w.whole), http.StatusBadRequest, api.InvalidRequest)
	}
}

func TestTheTrailIsFiltered(t *testing.T) {
	w, _ := populated(t)
	alice := w.userID("alice")
	now := w.Now().Unix()
	for query, want := range map[string]int{
		"action=organization.create": 5, "action=organization.enter&user=" + alice: 5, "action=no.such": 0,
		"actor=command+line": 7, fmt.Sprintf("since=%d", now+1): 0, fmt.Sprintf("until=%d", now-1): 0,
		fmt.Sprintf("action=member.admit&since=%d&until=%d", now, now): 5, "user=usr_nobody": 0,
	} {
		if got := w.names("/audit?limit=200&"+query, "id"); len(got) != want {
			t.Errorf("%s: %d events, want %d", query, len(got), want)
		}
	}
	for _, action := range w.names("/organizations/acme/audit?limit=200", "action") {
		if action == "organization.create" {
			t.Error("acme's trail tells of another organization")
		}
	}
}

func TestABodyIsOneJSONObjectOfWhatTheDocumentSays(t *testing.T) {
	w := newBackend(t, nil)
	for body, status := range map[string]int{
		``: http.StatusUnsupportedMediaType, `[]`: 400, `{`: 400, `{} {}`: 400, `{"slug":"a"}`: 400, `{"slug":"A","name":"a"}`: 400,
		`{"slug":"a","name":"a","id":"org_mine"}`: 400, `{"slug":"a","slug":"b","name":"a"}`: 400, `{"slug":"a","Name":"a"}`: 400,
		`{"slug":1,"name":"a"}`: 400, `{"slug":"a","name":"a\nb"}`: 400, `{"slug":"org_a","name":"a"}`: 400,
		`{"slug":"a","name":"` + strings.Repeat("a", 201) + `"}`:   400,
		`{"slug":"a","name":"` + strings.Repeat("a", 20000) + `"}`: http.StatusRequestEntityTooLarge,
	} {
		w.wants(w.ask("POST", "/organizations", body, w.whole), status, api.InvalidRequest)
	}
	r := w.request("POST", "/organizations", someOrganization, w.whole)
	r.Header.Set("Content-Type", "text/plain")
	w.wants(w.send(r), http.StatusUnsupportedMediaType, api.InvalidRequest)
	if got := w.names("/organizations", "slug"); !slices.Equal(got, []string{"acme", "globex"}) {
		t.Errorf("made: %v", got)
	}
}

func TestWhatTheContractDoesNotNameIsRefused(t *testing.T) {
	w := newBackend(t, nil)
	for path, body := range map[string]string{
		"/organizations/acme/members":     `{"roles":["viewer"]}`,
		"/organizations/acme/members ":    `{"user_id":"usr_a","iss":"https://id.example","sub":"a"}`,
		"/keys":                           `{"name":""}`,
		"/keys ":                          `{"name":"a","expires_in":-1}`,
		"/organizations/acme/connections": `{"issuer":"http://id.example","client_id":"a","client_secret":"s"}`,
	} {
		w.wants(w.ask("POST", strings.TrimSpace(path), body, w.whole), http.StatusBadRequest, api.InvalidRequest)
	}
	for _, policy := range []string{`{"access_ttl":5}`, `{"acr":[]}`, `{"amr":["a b"]}`, `{"idle_timeout":-1}`, `{"session_age":600}`, `{"connection":"con_none"}`, `{"max_sessions":1001}`} {
		w.wants(w.ask("PUT", "/organizations/acme/policy", policy, w.acme), http.StatusBadRequest, api.InvalidRequest)
	}
	w.wants(w.ask("PUT", "/policy", `{"connection":"con_a"}`, w.whole), http.StatusBadRequest, api.InvalidRequest)
	w.wants(w.ask("PUT", "/organizations/acme/members/"+w.userID("dora"), `{"roles":["owner"]}`, w.acme), http.StatusBadRequest, api.InvalidRequest)
	for _, body := range []string{`{}`, `{"roles":null}`} {
		w.wants(w.ask("PUT", "/organizations/acme/members/"+w.userID("dora"), body, w.acme), http.StatusBadRequest, api.InvalidRequest)
	}
	w.wants(w.ask("GET", "/nothing", "", w.whole), http.StatusNotFound, api.NotFound)
	got := w.ask("DELETE", "/organizations", "", w.whole)
	if w.wants(got, http.StatusMethodNotAllowed, api.InvalidRequest); got.Header.Get("Allow") != "GET, POST" {
		t.Errorf("%v", got.Header)
	}
}
