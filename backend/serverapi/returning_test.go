package serverapi_test

import (
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// applied changes acme in the workspace file, and applies it.
func (w *crossed) applied(change func(acme *directory.DesiredOrganization)) {
	w.Helper()
	d := desired()
	change(&d.Organizations[0])
	w.must(w.Store.Apply(w.Context(), d, w.Now().Unix()))
}

func asBefore(*directory.DesiredOrganization) {}

func withoutAlice(acme *directory.DesiredOrganization) { acme.Members = acme.Members[1:] }

const acmePath, memberPath = "/organizations/acme", "/organizations/acme/members/"

// wayBack takes alice's access to acme away, and gives it back.
type wayBack struct {
	away, back func(*crossed)
	everywhere bool // globex is taken away too
	everybody  bool // and of bob
}

var waysBack = map[string]wayBack{
	"a member disabled and enabled": {
		away: func(w *crossed) { w.does("POST", memberPath+w.uid+"/disable", "", w.acme, nil) },
		back: func(w *crossed) { w.does("POST", memberPath+w.uid+"/enable", "", w.acme, nil) },
	},
	"a member of the file, which names her again": {
		away: func(w *crossed) { w.applied(withoutAlice) },
		back: func(w *crossed) { w.applied(asBefore) },
	},
	"a member of the file, whom an administrator admits": {
		away: func(w *crossed) { w.applied(withoutAlice) },
		back: func(w *crossed) { w.does("PUT", memberPath+w.uid, `{"roles":["viewer"]}`, w.whole, nil) },
	},
	"the organization disabled and enabled": {
		away:      func(w *crossed) { w.does("POST", acmePath+"/disable", "", w.whole, nil) },
		back:      func(w *crossed) { w.does("POST", acmePath+"/enable", "", w.whole, nil) },
		everybody: true,
	},
	"the organization disabled by the file": {
		away:      func(w *crossed) { w.applied(func(acme *directory.DesiredOrganization) { acme.Disabled = true }) },
		back:      func(w *crossed) { w.applied(asBefore) },
		everybody: true,
	},
	"the person disabled and enabled": {
		away:       func(w *crossed) { w.does("POST", "/users/"+w.uid+"/disable", "", w.whole, nil) },
		back:       func(w *crossed) { w.does("POST", "/users/"+w.uid+"/enable", "", w.whole, nil) },
		everywhere: true,
	},
}

// TestWhatWasTakenAwayDoesNotComeBack: a person that is admitted again finds no
// organization session going on. A server's has ended for good; in a browser the person
// enters anew by choice, and needs no sign-in.
func TestWhatWasTakenAwayDoesNotComeBack(t *testing.T) {
	for name, way := range waysBack {
		t.Run(name, func(t *testing.T) {
			w := newCrossed(t)
			refresh := w.entered(w.enter()).Refresh
			reports := w.handedOver()
			bob := w.signedIn("bob")
			w.minted(w.mint(bob, "acme"))
			asked := w.alice.Copy()
			way.away(w)
			w.renews(refresh) // a request in the meantime makes no difference
			if got := w.renew(asked, "acme"); got.Status == http.StatusOK {
				t.Fatalf("taken away, it answers %s", got.Body)
			}
			way.back(w)

			ended := func(what string, got answer) {
				t.Helper()
				if got.Status != http.StatusUnauthorized || got.code() != string(api.OrganizationSessionExpired) {
					t.Errorf("%s: %d %s", what, got.Status, got.Body)
				}
			}
			in := func(got httpbrowser.Response) answer { return answer{got.Status, got.Header, got.Body} }
			for range 2 {
				ended("a server's session", w.renews(refresh))
				ended("her own", in(w.renew(w.alice, "acme")))
				ended("in the other app", in(w.renew(reports, "acme")))
			}
			w.minted(w.mint(w.alice, "acme"))
			w.minted(w.renew(w.alice, "acme"))
			w.minted(w.mint(reports, "acme"))
			ended("a server's session, once she is back", w.renews(refresh))
			if got := w.renew(w.alice, "globex"); (got.Status == http.StatusOK) == way.everywhere {
				t.Errorf("globex answers %d %s", got.Status, got.Body)
			}
			if got := w.renew(bob, "acme"); (got.Status == http.StatusOK) == way.everybody {
				t.Errorf("bob is answered %d %s", got.Status, got.Body)
			}
		})
	}
}
