package browserapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/browser_test/kit/backendtest"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// TestP2Origins_HandOver checks that a session joins at the origin of each organization, by
// one sign-in, and that each mints for its own organization.
func TestP2Origins_HandOver(t *testing.T) {
	w := newMany(t)
	home := w.at(manyHome)
	w.signInAt(home, manyHome, "alice")
	first := w.mint(home, "initech")
	acme := w.handOver(home, "acme")
	globex := w.handOver(acme, "globex") // by a sibling that joined itself
	for organization, page := range map[string]*httpbrowser.Browser{"acme": acme, "globex": globex} {
		got := w.mint(page, organization)
		if got.Organization.Slug != organization || got.Session != first.Session || !got.DeviceBound {
			t.Errorf("%s: %+v, want the session %s", organization, got, first.Session)
		}
		stored := w.sessionsOf(originOf(organization))
		if len(stored) != 1 || stored[0].Parent.String() != first.Session || stored[0].Holder != session.Joined ||
			stored[0].ConfinedTo != "org_"+organization || stored[0].ExpiresAt != w.sessionsOf("")[0].ExpiresAt {
			t.Errorf("%s: %+v", organization, stored)
		}
	}
	w.mint(home, "acme") // goes on
	if n := len(sessionCookies(home)); n != 3 {
		t.Errorf("the browser keeps %d cookies of sessions, want 3", n)
	}
	for range 3 { // each rotates by itself
		w.Pass(time.Hour)
		for _, page := range []*httpbrowser.Browser{home, acme, globex} {
			if got := page.Post("/token", `{"organization":"`+map[*httpbrowser.Browser]string{home: "initech", acme: "acme", globex: "globex"}[page]+`"}`); got.Status != http.StatusOK {
				t.Fatalf("%d %s", got.Status, got.Body)
			}
		}
	}
}

// TestP10Origins_SignOut checks that a sign-out at one origin ends the sessions of all.
func TestP10Origins_SignOut(t *testing.T) {
	for _, at := range []string{"home", "acme", "globex"} {
		t.Run(at, func(t *testing.T) {
			w := newMany(t)
			pages := map[string]*httpbrowser.Browser{"acme": w.at(originOf("acme"))}
			w.signInAt(pages["acme"], originOf("acme"), "alice")
			pages["globex"] = w.handOver(pages["acme"], "globex")
			pages["home"] = w.at(manyHome, pages["acme"])
			w.silently(pages["home"], manyHome)
			for name, organization := range map[string]string{"home": "acme", "acme": "acme", "globex": "globex"} {
				w.mint(pages[name], organization)
			}
			before := pages[at].Copy()
			if got := pages[at].Post("/logout", `{"scope":"session"}`); got.Status != http.StatusOK || !strings.Contains(got.Body, "end_session_url") {
				t.Fatalf("%d %s", got.Status, got.Body)
			}
			w.Pass(time.Second)
			for name, organization := range map[string]string{"home": "acme", "acme": "acme", "globex": "globex"} {
				got := pages[name].Post("/token", `{"organization":"`+organization+`","enter":true}`)
				if got.Status != http.StatusUnauthorized || got.Code() != string(api.LoginRequired) {
					t.Errorf("%s: %d %s", name, got.Status, got.Body)
				}
				// An answer of before the sign-out that comes late brings the cookies back.
				late := pages[name].Sharing(before.Copy())
				if got := late.Post("/token", `{"organization":"`+organization+`","enter":true}`); got.Status != http.StatusUnauthorized || got.Code() == string(api.OriginNotJoined) {
					t.Errorf("%s, late: %d %s", name, got.Status, got.Body)
				}
			}
		})
	}
}

// TestP10Origins_LeaveBesideALaterSignIn checks that a person who signed in anew at one origin,
// whose page has not come back from that, leaves an organization for good at another.
func TestP10Origins_LeaveBesideALaterSignIn(t *testing.T) {
	w := newMany(t)
	acme := w.at(originOf("acme"))
	w.signInAt(acme, originOf("acme"), "alice")
	home := w.at(manyHome, acme)
	w.silently(home, manyHome)
	w.mint(home, "acme")
	w.Pass(2 * time.Second)
	w.signInAt(acme, originOf("acme"), "alice")
	if got := home.Post("/logout", `{"scope":"organization","organization":"acme"}`); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	w.wants(acme.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.OrganizationSessionExpired)
}

// silently joins an origin by a sign-in without a prompt, as the refusal tells.
func (w *many) silently(b *httpbrowser.Browser, origin string) {
	w.Helper()
	got := b.Post("/token", `{"organization":"acme"}`)
	w.wants(got, http.StatusUnauthorized, api.OriginNotJoined)
	var refused api.Error
	got.JSON(w, &refused)
	before := len(sessionCookies(b))
	if got := b.Begin(refused.LoginURL + "&return_to=" + url.QueryEscape(origin+"/")); len(sessionCookies(b)) != before+1 {
		w.Fatalf("not joined: %d %s %s", got.Status, got.URL, got.Body)
	}
}

// TestOrigins_SilentSignIn checks that an origin without a sibling's code joins by a silent
// sign-in as the same person, and otherwise does not join.
func TestOrigins_SilentSignIn(t *testing.T) {
	w := newMany(t)
	home := w.at(manyHome)
	w.signInAt(home, manyHome, "alice")
	first := w.mint(home, "acme").Session
	acme := w.at(originOf("acme"), home)
	w.silently(acme, originOf("acme"))
	if got := w.mint(acme, "acme").Session; got != first {
		t.Errorf("the session is %s, want %s", got, first)
	}
	if n := w.Count(`SELECT COUNT(*) FROM sessions WHERE holder = 'joined' AND upstream_sid = ''`); n != 1 {
		t.Errorf("%d sessions joined", n)
	}
	other := w.at(originOf("globex"), home)
	other.Begin(manyURL + "/login?prompt=none&return_to=" + url.QueryEscape(originOf("globex")+"/")) // as signIn does
	if got := w.mint(other, "globex").Session; got != first {
		t.Errorf("the session is %s, want %s", got, first)
	}
	initech := w.at(originOf("initech"), home)
	w.Provider.AlwaysPrompt = true
	var refused api.Error
	initech.Post("/token", `{"organization":"initech"}`).JSON(t, &refused)
	before := len(sessionCookies(home))
	asked := initech.Begin(strings.Replace(refused.LoginURL, "prompt=none", "x=", 1) + "&return_to=" + url.QueryEscape(originOf("initech")+"/"))
	if got := initech.Choose(asked, "bob"); got.URL.Query().Get(api.ParamError) != string(api.AccountMismatch) || len(sessionCookies(home)) != before {
		t.Errorf("somebody else joins: %s", got.URL)
	}
	w.mint(acme, "acme") // goes on
	w.Pass(time.Second)
	other = w.at(originOf("globex"), home)
	w.signInAt(other, originOf("globex"), "bob") // the provider has another person now
	w.wants(other.Post("/token", `{"organization":"globex","enter":true}`), http.StatusForbidden, api.OrganizationAccessDenied)
	if n := w.Count(`SELECT COUNT(*) FROM sessions WHERE holder = 'joined' AND user_id <> '` + w.userID("alice") + `'`); n != 0 {
		t.Errorf("another person joined: %d", n)
	}
	w.wants(acme.Post("/token", `{"organization":"acme","user":"`+w.userID("alice")+`"}`), http.StatusUnauthorized, api.OriginNotJoined) // one person a browser
}

// TestP6Origins_NotJoined checks the refusal of an origin without a session: it is no
// sign-out, ends nothing, and is only for browsers that are signed in elsewhere.
func TestP6Origins_NotJoined(t *testing.T) {
	w := newMany(t)
	w.wants(w.at(originOf("acme")).Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.LoginRequired)
	home := w.at(manyHome)
	w.signInAt(home, manyHome, "alice")
	w.mint(home, "acme")
	acme := w.at(originOf("acme"), home)
	for range 3 {
		got := acme.Post("/token?quiet=1", `{"organization":"acme"}`)
		var refused api.Error
		got.JSON(t, &refused)
		if got.Status != http.StatusOK || refused.Code != api.OriginNotJoined || refused.SignedIn == nil || !*refused.SignedIn || refused.Code.Action() != api.StepUp {
			t.Errorf("%d %s", got.Status, got.Body)
		}
		w.mint(home, "acme")
	}
	lost := w.handOver(home, "acme")
	w.mint(lost, "acme")
	again := w.at(originOf("acme"), home) // its storage was cleared: a new key
	w.wants(again.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.OriginNotJoined)
	again = w.handOver(home, "acme")
	w.mint(again, "acme")
}

// TestHandOver_OriginCode checks what a code is good for: one origin, once, a minute, beside
// the session that asked for it, with a device key.
func TestHandOver_OriginCode(t *testing.T) {
	w := newMany(t)
	home := w.at(manyHome)
	w.signInAt(home, manyHome, "alice")
	w.mint(home, "acme")
	refused := func(b *httpbrowser.Browser, code string) {
		t.Helper()
		got := b.Post("/handover/join", `{"code":"`+code+`"}`)
		if got.Status != http.StatusBadRequest || len(w.sessionsSet(got)) > 0 {
			t.Errorf("%d %s %v", got.Status, got.Body, got.Cookies())
		}
	}
	led := w.led(home, "acme")
	if led.Origin != originOf("acme") || led.ExpiresIn != 60 {
		t.Errorf("%+v", led)
	}
	refused(w.at(originOf("globex"), home), led.Code)             // another origin
	refused(w.at(manyHome, home), led.Code)                       // one that names none
	refused(w.at(originOf("acme")), led.Code)                     // another browser: whoever read the code
	refused(w.at(originOf("acme"), home), led.Code[1:])           // altered
	refused(w.withoutKey(w.at(originOf("acme"), home)), led.Code) // without a proof
	victim := w.at(manyHome)
	w.signInAt(victim, manyHome, "bob")
	refused(w.at(originOf("acme"), victim), led.Code) // an attacker's code
	w.Pass(time.Minute)
	acme := w.at(originOf("acme"), home)
	if got := acme.Post("/handover/join", `{"code":"`+led.Code+`"}`); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	refused(w.at(originOf("acme"), home), led.Code) // used
	late := w.led(home, "globex")
	w.Pass(61 * time.Second)
	refused(w.at(originOf("globex"), home), late.Code)
	ended := w.led(acme, "globex")
	home.Post("/logout", `{"scope":"session"}`)
	refused(w.at(originOf("globex"), home), ended.Code)
	if !w.recorded(audit.JoinOrigin, audit.Done) || !w.recorded(audit.JoinOrigin, audit.Refused) {
		t.Error("the audit log misses it")
	}
}

func (w *many) withoutKey(b *httpbrowser.Browser) *httpbrowser.Browser { return b.Without("DPoP") }

func (w *many) sessionsSet(got httpbrowser.Response) (set []string) {
	for _, c := range got.Cookies() {
		if strings.HasPrefix(c.Name, "__Host-Http-tabard.") && c.MaxAge >= 0 {
			set = append(set, c.Name)
		}
	}
	return set
}

func (w *many) recorded(action audit.Action, outcome audit.Outcome) bool {
	return w.Count(`SELECT COUNT(*) FROM audit WHERE action = '`+string(action)+`' AND outcome = '`+string(outcome)+`'`) > 0
}

// TestP3Origins_RefusedBeforeLeaving checks that a page learns before it leaves that an
// organization does not admit the person, and that asking changes nothing.
func TestP3Origins_RefusedBeforeLeaving(t *testing.T) {
	w := newMany(t)
	acme := w.at(originOf("acme"))
	w.signInAt(acme, originOf("acme"), "alice")
	w.mint(acme, "acme")
	for _, organization := range []string{"umbrella", "hooli", "nobody"} {
		w.wants(acme.Post("/handover/origin", `{"organization":"`+organization+`"}`), http.StatusForbidden, api.OrganizationAccessDenied)
	}
	w.wants(acme.Post("/handover/origin", `{"organization":"globex","user":"usr_other"}`), http.StatusConflict, api.IdentityChanged)
	w.wants(w.withoutKey(acme).Post("/handover/origin", `{"organization":"globex"}`), http.StatusUnauthorized, api.DeviceKeyRequired)
	w.wants(acme.Copy().Post("/handover/origin", `{"organization":"globex"}`), http.StatusUnauthorized, api.DeviceKeyRequired)
	before := w.Count(`SELECT COUNT(*) FROM organization_sessions`)
	w.led(acme, "globex")
	if after := w.Count(`SELECT COUNT(*) FROM organization_sessions`); after != before {
		t.Error("asking entered the organization")
	}
	w.mint(acme, "acme")
	d := ruled(map[string]policy.Rules{"": mfa, "globex": {ACR: []string{"other"}}}) // no authentication has both
	d.Workspace.Apps[0].Origins = []string{manyHome, pattern}
	w.Apply(d)
	w.restart()
	if got := acme.Post("/handover/origin", `{"organization":"globex"}`); got.Status != http.StatusForbidden {
		t.Errorf("into rules that contradict each other: %d %s", got.Status, got.Body)
	}
}

// TestP4Origins_OneTruth checks that all origins of a browser share its organization
// sessions: what ends, idles or is limited counts for all.
func TestP4Origins_OneTruth(t *testing.T) {
	w := newMany(t)
	home := w.at(manyHome)
	w.signInAt(home, manyHome, "alice")
	w.mint(home, "acme")
	w.mint(home, "globex")
	acme := w.handOver(home, "acme")
	w.mint(acme, "acme")
	if got := acme.Post("/logout", `{"scope":"organization","organization":"acme"}`); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	for _, page := range []*httpbrowser.Browser{home, acme} {
		w.wants(page.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.OrganizationSessionExpired)
	}
	w.mint(home, "globex") // another organization goes on
	w.mint(acme, "acme")   // entered anew
	if got := home.Post("/token", `{"organization":"acme"}`); got.Status != http.StatusOK {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	if n := w.Count(`SELECT COUNT(*) FROM organization_sessions`); n != 2 {
		t.Errorf("%d organization sessions, want those of acme and globex", n)
	}
}

// TestOrigins_LabelOfAnotherOrganization checks that an origin whose label names another
// organization than before joins anew, for that one.
func TestOrigins_LabelOfAnotherOrganization(t *testing.T) {
	w := newMany(t)
	home := w.at(manyHome)
	w.signInAt(home, manyHome, "alice")
	w.mint(home, "acme")
	page := w.handOver(home, "acme")
	w.mint(page, "acme")
	w.Change(`UPDATE organizations SET slug = 'former' WHERE id = 'org_acme'`)
	w.Change(`UPDATE organizations SET slug = 'acme' WHERE id = 'org_initech'`)
	w.wants(page.Post("/token", `{"organization":"acme","enter":true}`), http.StatusUnauthorized, api.OriginNotJoined)
	w.wants(page.Post("/handover/join", `{"code":"`+w.led(home, "acme").Code+`"}`), http.StatusOK, "")
	if got := w.mint(page, "acme").Organization.ID; got != "org_initech" {
		t.Error(got)
	}
	w.mint(w.handOver(home, "former"), "former")
}

// TestOrigins_OneAppAsBefore checks that an app without a pattern gets cookies as before.
func TestOrigins_OneAppAsBefore(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	name, _ := w.theSession(b)
	if strings.Contains(name, "~") {
		t.Error(name)
	}
	w.wants(b.Post("/handover/origin", `{"organization":"acme"}`), http.StatusBadRequest, api.InvalidRequest)
	w.wants(w.Browser(backendtest.Origin).Post("/token", `{}`), http.StatusUnauthorized, api.LoginRequired)
}

// TestHandOver_Home checks that a session comes from an organization's origin to the app's
// own, which acts for all organizations, and to an origin that the app lists as it is.
func TestHandOver_Home(t *testing.T) {
	w := newMany(t)
	acme := w.at(originOf("acme"))
	w.signInAt(acme, originOf("acme"), "alice")
	first := w.mint(acme, "acme")
	if want := (api.Origins{Home: manyHome, Pattern: pattern}); first.Origins == nil || *first.Origins != want {
		t.Errorf("a token says that the pages are at %+v", first.Origins)
	}
	elsewhere := w.at(originOf("globex"), acme)
	led := w.led(acme, "")
	w.wants(elsewhere.Post("/handover/join", `{"code":"`+led.Code+`"}`), http.StatusBadRequest, api.InvalidRequest)
	home := w.handOver(acme, "")
	for _, organization := range []string{"acme", "globex"} {
		if got := w.mint(home, organization); got.Session != first.Session {
			t.Errorf("the session is %s, want %s", got.Session, first.Session)
		}
	}
	var listed api.SessionResponse
	home.Get("/session").JSON(t, &listed)
	if len(listed.Organizations) < 3 || listed.Origins == nil {
		t.Errorf("%+v", listed)
	}
	if got := home.Post("/logout", `{"scope":"session"}`); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	w.wants(acme.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.LoginRequired)

	d := desired()
	d.Workspace.Apps[0].Origins = []string{manyHome, originOf("globex"), pattern}
	w.Apply(d)
	w.restart()
	w.signInAt(acme, originOf("acme"), "alice")
	w.mint(acme, "acme")
	w.mint(w.handOver(acme, "globex"), "globex")
}

// TestP6Origins_LostKeyOfFirst checks that a code makes no second session at the origin of
// the browser's first one, whose page has lost its device key: the newer would end the first,
// and all that joined it.
func TestP6Origins_LostKeyOfFirst(t *testing.T) {
	for name, origin := range map[string]string{"acme": originOf("acme"), "": manyHome} {
		w := newMany(t)
		first := w.at(origin)
		w.signInAt(first, origin, "alice")
		w.mint(first, "acme")
		globex := w.handOver(first, "globex")
		lost := w.at(origin, first)
		w.wants(lost.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.OriginNotJoined)
		w.wants(lost.Post("/handover/join", `{"code":"`+w.led(globex, name).Code+`"}`), http.StatusBadRequest, api.InvalidRequest)
		w.wants(lost.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.OriginNotJoined)
		w.mint(globex, "globex")
		w.mint(first, "acme")
	}
}
