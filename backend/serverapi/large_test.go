package serverapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
)

// permitting gives roles so many permissions of 25 characters, each its own.
func (w *backend) permitting(roles map[string]int) {
	w.Helper()
	d := desired()
	for role, n := range roles {
		d.Workspace.Roles[role] = []string{}
		for i := range n {
			d.Workspace.Roles[role] = append(d.Workspace.Roles[role], fmt.Sprintf("%-18.18s:%06d", role+strings.Repeat("-", 18), i))
		}
	}
	w.must(w.Store.Apply(w.Context(), d, w.Now().Unix()))
}

// TestRolesWhoseTokensFitNoRequestAreGivenToNobody, alone or together; of those that are
// large the answer says how large.
func TestRolesWhoseTokensFitNoRequestAreGivenToNobody(t *testing.T) {
	w := newBackend(t, nil)
	w.permitting(map[string]int{"owner": 250, "left": 80, "right": 80})
	bob := "/organizations/globex/members/" + w.userID("bob")
	for roles, named := range map[string]string{`["owner"]`: `role \"owner\"`, `["left","right"]`: `roles [\"left\" \"right\"] together`} {
		got := w.ask("PUT", bob, `{"roles":`+roles+`}`, w.whole)
		w.wants(got, http.StatusBadRequest, api.InvalidRequest)
		if !strings.Contains(got.Body, named) {
			t.Errorf("%s: %s", roles, got.Body)
		}
		got = w.ask("POST", "/organizations/globex/members", `{"iss":"`+issuer+`","sub":"new","roles":`+roles+`}`, w.whole)
		w.wants(got, http.StatusBadRequest, api.InvalidRequest)
	}
	if got := w.ask("PUT", bob, `{"roles":["left"]}`, w.whole); got.Status != http.StatusOK || !strings.Contains(got.Body, `"token_bytes":4`) {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	if got := w.ask("PUT", bob, `{"roles":["viewer"]}`, w.whole); got.Status != http.StatusOK || strings.Contains(got.Body, "token_bytes") {
		t.Errorf("%d %s", got.Status, got.Body)
	}
}

// TestATokenThatItsVerifierRefusesIsMintedForNoServer, nor renewed.
func TestATokenThatItsVerifierRefusesIsMintedForNoServer(t *testing.T) {
	w := newCrossed(t)
	refresh := w.entered(w.enter()).Refresh
	w.permitting(map[string]int{"editor": 250})
	w.wants(w.enter(), http.StatusInternalServerError, api.ServerError)
	w.wants(w.renews(refresh), http.StatusInternalServerError, api.ServerError)
	w.permitting(nil)
	w.entered(w.renews(refresh))
}
