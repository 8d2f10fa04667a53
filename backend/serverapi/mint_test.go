package serverapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// change is something that administration does between two mints.
type change struct {
	key          func(*backend) string
	method, path string
	body         string
}

func asAcme(w *backend) string      { return w.acme }
func asWorkspace(w *backend) string { return w.whole }

// deeds remove a condition of a mint, and restore it where that is possible.
var deeds = map[string]struct {
	taken, given change
	code         api.Code
	elsewhere    bool // globex is taken away too
	anew         bool // given back, the organization has to be entered again
}{
	"a member who is disabled": {
		taken: change{asAcme, "POST", "/organizations/acme/members/{alice}/disable", ""},
		given: change{asAcme, "POST", "/organizations/acme/members/{alice}/enable", ""},
		code:  api.OrganizationAccessDenied, anew: true,
	},
	"a member who is removed": {
		taken: change{asAcme, "DELETE", "/organizations/acme/members/{alice}", ""},
		given: change{asWorkspace, "PUT", "/organizations/acme/members/{alice}", `{"roles":["viewer"]}`},
		code:  api.OrganizationAccessDenied, anew: true,
	},
	"an organization that is disabled": {
		taken: change{asWorkspace, "POST", "/organizations/acme/disable", ""},
		given: change{asWorkspace, "POST", "/organizations/acme/enable", ""},
		code:  api.OrganizationAccessDenied, anew: true,
	},
	"an organization that is deleted": {
		taken: change{asWorkspace, "DELETE", "/organizations/acme", ""},
		code:  api.OrganizationAccessDenied,
	},
	"a person who is disabled": {
		taken: change{asWorkspace, "POST", "/users/{alice}/disable", ""},
		given: change{asWorkspace, "POST", "/users/{alice}/enable", ""},
		code:  api.SessionRevoked, elsewhere: true, anew: true,
	},
	"a rule that the organization makes": {
		taken: change{asAcme, "PUT", "/organizations/acme/policy", `{"acr":["mfa"]}`},
		given: change{asAcme, "PUT", "/organizations/acme/policy", `{}`},
		code:  api.InsufficientUserAuthentication,
	},
	"a rule that the workspace makes": {
		taken: change{asWorkspace, "PUT", "/policy", `{"device_key_required":true}`},
		given: change{asWorkspace, "PUT", "/policy", `{}`},
		code:  api.DeviceKeyRequired, elsewhere: true,
	},
	"a session that is ended": {
		taken: change{asWorkspace, "DELETE", "/sessions/{session}", ""},
		code:  api.SessionRevoked, elsewhere: true,
	},
	"all of a person's sessions": {
		taken: change{asWorkspace, "DELETE", "/users/{alice}/sessions", ""},
		code:  api.SessionRevoked, elsewhere: true,
	},
}

// TestWhatAdministrationTakesAwayIsGoneAtTheNextMint, on every path. Once it is given
// back, entering works again, and a removed rule refuses no renewal.
func TestWhatAdministrationTakesAwayIsGoneAtTheNextMint(t *testing.T) {
	for name, deed := range deeds {
		t.Run(name, func(t *testing.T) {
			w, b, do := administered(t)
			do(deed.taken)
			copies := []*httpbrowser.Browser{b.Copy(), b.Copy(), b.Copy(), b.Copy()}
			w.refused(w.renew(copies[0], "acme"), deed.code)
			w.refused(w.mint(copies[1], "acme"), deed.code)
			w.refused(w.mint(copies[2], "org_acme"), deed.code)
			if deed.elsewhere {
				w.refused(w.mint(copies[3], "globex"), deed.code)
			} else {
				w.minted(w.renew(copies[3], "globex"))
			}
			if deed.given.method != "" {
				do(deed.given)
				if deed.anew {
					w.refused(w.renew(b, "acme"), api.OrganizationSessionExpired)
					w.minted(w.mint(b, "acme"))
				}
				w.minted(w.renew(b, "acme"))
			}
		})
	}
}

// administered returns a backend in which alice acts for acme and globex, which an
// administrator admitted her to, and a function that changes it.
func administered(t *testing.T) (w *backend, alice *httpbrowser.Browser, do func(change)) {
	t.Helper()
	w = newBackend(t, nil)
	for _, slug := range []string{"acme", "globex"} {
		w.does("POST", "/organizations/"+slug+"/members", `{"iss":"`+issuer+`","sub":"carol","roles":["editor"]}`, w.whole, nil)
	}
	alice = w.signedIn("carol")
	session := w.minted(w.mint(alice, "acme")).Session
	w.minted(w.mint(alice, "globex"))
	names := map[string]string{"{alice}": w.userID("carol"), "{session}": session}
	return w, alice, func(c change) {
		t.Helper()
		path := c.path
		for name, value := range names {
			path = strings.ReplaceAll(path, name, value)
		}
		w.does(c.method, path, c.body, c.key(w), nil)
	}
}

func TestOtherRolesAreInTheNextToken(t *testing.T) {
	w, b, do := administered(t)
	do(change{asAcme, "PUT", "/organizations/acme/members/{alice}", `{"roles":["viewer"]}`})
	if got := w.minted(w.renew(b, "acme")); len(got.Roles) != 1 || got.Roles[0] != "viewer" || len(got.Permissions) != 1 {
		t.Errorf("%v %v", got.Roles, got.Permissions)
	}
	if got := w.minted(w.renew(b, "globex")); got.Roles[0] != "editor" {
		t.Errorf("globex: %v", got.Roles)
	}
}

// TestAnAdministratorOfOneOrganizationEndsSessionsInItOnly: a renewal and an entry without
// a new authentication are both refused there, and globex goes on.
func TestAnAdministratorOfOneOrganizationEndsSessionsInItOnly(t *testing.T) {
	for name, ending := range map[string]change{
		"one session":       {asAcme, "DELETE", "/organizations/acme/sessions/{session}", ""},
		"all of a member's": {asAcme, "DELETE", "/organizations/acme/members/{alice}/sessions", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w, b, do := administered(t)
			bystander := w.signedIn("bob")
			w.minted(w.mint(bystander, "acme"))
			w.Pass(2 * time.Second)
			do(ending)
			got := w.renew(b, "acme")
			w.refused(got, api.OrganizationSessionExpired)
			var e api.Error
			if got.JSON(t, &e); e.Reason != "revoked" {
				t.Errorf("the reason is %q", e.Reason)
			}
			w.refused(w.mint(b, "acme"), api.InsufficientUserAuthentication)
			w.minted(w.renew(b, "globex"))
			w.minted(w.renew(bystander, "acme"))
			w.Pass(2 * time.Second)
			b.SignIn("carol")
			w.minted(w.mint(b, "acme"))
		})
	}
}
