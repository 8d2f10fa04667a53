package serverapi_test

import (
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/backend/serverapi/crossapp"
)

// TestHandOver_ToAnOrganizationsOrigin checks that a code leads to the origin of its own
// organization, whose session the browser gets, and to no other organization's.
func TestHandOver_ToAnOrganizationsOrigin(t *testing.T) {
	w := newCrossed(t)
	w.landing()
	w.Hosts["acme.localhost:8090"] = w.Hosts["localhost:8090"]
	w.Change(`UPDATE workspace SET revision = revision + 1, document = replace(document, '"` + reportsOrigin + `"', '"` + reportsOrigin + `","http://:organization.localhost:8090"')`)
	code := func(to string) (made crossapp.Code) {
		got := w.calls(sessionsPath, `{"app_id":"reports","response_type":"code","code_challenge":"`+w.begins(w.alice)+`","return_to":"`+to+`"}`, w.web, w.subject.AccessToken)
		if got.Status != http.StatusOK {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
		got.into(w, &made)
		return made
	}
	for _, other := range []string{"http://globex.localhost:8090/month", "http://nobody.localhost:8090/month"} {
		w.refusesCode(redeems(w.alice.Tab(), code(other)))
	}
	const acme = "http://acme.localhost:8090"
	if got := redeems(w.alice.Tab(), code(acme+"/month")); got.Status != http.StatusOK || got.URL.String() != acme+"/month" {
		t.Fatalf("%d %s %s", got.Status, got.URL, got.Body)
	}
	if n := w.Count(`SELECT COUNT(*) FROM sessions WHERE app = 'reports' AND origin = '` + acme + `' AND confined_to = 'org_acme'`); n != 1 {
		t.Errorf("%d sessions of the origin", n)
	}
}
