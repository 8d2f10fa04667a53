//go:build long

package replicas_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// change is a way in which a person's token ends.
type change struct {
	name    string
	reasons []string // of the endings that the feed has of it
	// prepare makes of a person in acme one whose token the change ends. Nil does nothing.
	prepare func(*trial, *member)
	make    func(*trial, *member)
	// ofSession is set where a commit can be paused in place of it, or a mint of the
	// session be overtaken by it.
	ofSession bool
	// goesOn is set where the person still enters afterwards.
	goesOn bool
}

var changes = []change{
	{name: "signed out", reasons: []string{"signed_out"}, make: logout(`{"scope":"session"}`), ofSession: true},
	{name: "everywhere", reasons: []string{"signed_out"}, make: logout(`{"scope":"everywhere"}`), ofSession: true},
	{name: "left the organization", reasons: []string{"signed_out"}, make: logout(`{"scope":"organization","organization":"acme"}`), ofSession: true},
	{name: "administrator", reasons: []string{"administrator"}, make: func(w *trial, m *member) { w.admin("DELETE", "/sessions/"+m.claims.SessionID, "") }, ofSession: true},
	{name: "administrator of the organization", reasons: []string{"revoked"}, make: func(w *trial, m *member) {
		w.admin("DELETE", "/organizations/acme/sessions/"+m.claims.SessionID, "")
	}, ofSession: true},
	{name: "member removed", reasons: []string{"member_removed"}, prepare: (*trial).joinUmbra, make: func(w *trial, m *member) {
		w.admin("DELETE", "/organizations/umbra/members/"+m.claims.Subject, "")
	}},
	{name: "roles changed", reasons: []string{"roles_changed"}, prepare: (*trial).joinUmbra, make: func(w *trial, m *member) {
		w.admin("PUT", "/organizations/umbra/members/"+m.claims.Subject, `{"roles":["editor"]}`)
	}, goesOn: true},
	{name: "person disabled", reasons: []string{"person_disabled"}, make: func(w *trial, m *member) { w.admin("POST", "/users/"+m.claims.Subject+"/disable", "") }},
	{name: "parent signed out", reasons: []string{"parent"}, prepare: func(w *trial, m *member) { m.claims = w.childOf(m) }, make: logout(`{"scope":"session"}`)},
	{name: "theft", reasons: []string{"reuse"}, prepare: (*trial).copyCookies, make: (*trial).replay},
	{name: "superseded", reasons: []string{"superseded"}, prepare: (*trial).signInAgain, make: func(w *trial, m *member) {
		w.post(m.browser, "/token", `{"organization":"acme","enter":true}`)
	}},
	{name: "provider logout", reasons: []string{"provider_logout"}, make: (*trial).providerLogout},
	{name: "limit of browsers", reasons: []string{"session_limit"}, prepare: (*trial).signInEarlier, make: func(w *trial, m *member) { w.elsewhere(m) }},
	{name: "limit of the organization", reasons: []string{"superseded"}, prepare: func(w *trial, m *member) {
		m.claims, m.other = w.mint(m.browser, "narrow"), w.elsewhere(m)
	}, make: func(w *trial, m *member) { w.post(m.other, "/token", `{"organization":"narrow","enter":true}`) }},
	{name: "staff ended", reasons: []string{"staff_ended", "revoked"}, prepare: (*trial).becomeStaff, make: func(w *trial, m *member) {
		w.admin("DELETE", "/organizations/umbra/staff/"+m.claims.Subject, "")
	}},
	{name: "connection disabled", reasons: []string{"connection_disabled"}, prepare: (*trial).ownConnection, make: func(w *trial, m *member) {
		w.admin("POST", "/organizations/"+m.claims.OrganizationID+"/connections/"+m.connection+"/disable", "")
	}},
	{name: "key withdrawn", reasons: []string{"key_withdrawn"}, prepare: (*trial).ownKey, make: func(w *trial, m *member) {
		w.command("signing-keys", "retire", keyOf(w, m.raw), "--database", w.Database)
	}},
}

// wideChanges are those that end the tokens of many at once.
var wideChanges = []change{
	{name: "app disabled", reasons: []string{"app_changed"}, prepare: func(w *trial, m *member) { m.claims = w.childOf(m) }, make: func(w *trial, _ *member) {
		w.applyApps(true, "notes:read", "notes:write")
	}},
	{name: "role narrowed", reasons: []string{"roles_changed"}, make: func(w *trial, _ *member) { w.applyApps(true, "notes:read") }},
}

func logout(scope string) func(*trial, *member) {
	return func(w *trial, m *member) { w.post(m.browser, "/logout", scope) }
}

// post sends a request of a person's browser, again while the server fails.
func (w *trial) post(b *httpbrowser.Browser, path, body string) {
	w.again(func() (int, string) {
		answer := b.Post(path, body)
		return answer.Status, answer.Body
	})
}

func (w *trial) joinUmbra(m *member) {
	w.admin("PUT", "/organizations/umbra/members/"+m.claims.Subject, `{"roles":["viewer"]}`)
	m.claims = w.mint(m.browser, "umbra")
}

func (w *trial) becomeStaff(m *member) {
	w.admin("POST", "/organizations/umbra/staff", `{"user_id":"`+m.claims.Subject+`","roles":["viewer"],"reason":"ticket 1","expires_in":3600}`)
	m.claims = w.mint(m.browser, "umbra")
}

// signInAgain signs a person in once more in the same browser, seconds later: within the
// same one a sign-in counts for all tabs that began it.
func (w *trial) signInAgain(m *member) {
	pg.Exec(w.test, w.DSN, "UPDATE sessions SET created_at = created_at - 10 WHERE id = '"+m.claims.SessionID+"'")
	m.browser.SignIn(m.person)
}

// copyCookies keeps a copy of a person's cookies from before a rotation that ended so long
// ago that no browser can still hold them.
func (w *trial) copyCookies(m *member) {
	const long = "1000"
	m.other = m.browser.Copy()
	pg.Exec(w.test, w.DSN, "UPDATE sessions SET cur_at = cur_at - "+long+", cur_last = cur_last - "+long+" WHERE id = '"+m.claims.SessionID+"'")
	w.mint(m.browser, "acme") // brings a successor
	m.claims = w.mint(m.browser, "acme")
	pg.Exec(w.test, w.DSN, "UPDATE sessions SET cur_at = cur_at - "+long+" WHERE id = '"+m.claims.SessionID+"'")
}

// replay presents the copy.
func (w *trial) replay(m *member) {
	w.again(func() (int, string) {
		answer := m.other.Post("/token", `{"organization":"acme"}`)
		if answer.Code() == "refresh_token_reused" {
			return http.StatusOK, ""
		}
		return answer.Status, answer.Body
	})
}

func (w *trial) providerLogout(m *member) {
	w.again(func() (int, string) {
		answer, err := http.PostForm(w.Origin+"/auth/backchannel-logout", map[string][]string{"logout_token": {w.LogoutToken(m.person)}})
		if err != nil {
			return http.StatusServiceUnavailable, err.Error()
		}
		defer answer.Body.Close()
		return answer.StatusCode, answer.Status
	})
}

// elsewhere signs a person in in another browser.
func (w *trial) elsewhere(m *member) *httpbrowser.Browser {
	var b *httpbrowser.Browser
	w.again(func() (int, string) {
		b = httpbrowser.New(w.test, w.Origin, w.Origin+"/auth")
		answer := b.SignIn(m.person)
		if answer.Status == http.StatusOK && answer.URL.Path == "/" {
			return http.StatusOK, ""
		}
		return http.StatusServiceUnavailable, answer.Body
	})
	return b
}

// signInEarlier signs a person in in a second browser, a while after the first.
func (w *trial) signInEarlier(m *member) {
	pg.Exec(w.test, w.DSN, "UPDATE sessions SET created_at = created_at - 60 WHERE id = '"+m.claims.SessionID+"'")
	w.elsewhere(m)
}

// ownConnection makes an organization with a provider of its own, which is not the only
// way in, and has a person enter it.
func (w *trial) ownConnection(m *member) {
	slug := "own-" + m.person
	w.create("/organizations", `{"slug":"`+slug+`","name":"Own"}`)
	m.connection = w.create("/organizations/"+slug+"/connections", `{"issuer":"https://login.`+slug+`.example","client_id":"tabard","client_secret":"a secret"}`)
	w.admin("POST", "/organizations/"+slug+"/connections/"+m.connection+"/enable", "")
	w.admin("PUT", "/organizations/"+slug+"/members/"+m.claims.Subject, `{"roles":["viewer"]}`)
	m.claims = w.mint(m.browser, slug)
}

// ownKey makes an organization with a signing key of its own, and has a person enter it.
func (w *trial) ownKey(m *member) {
	slug := "own-" + m.person
	w.create("/organizations", `{"slug":"`+slug+`","name":"Own"}`)
	w.admin("PUT", "/organizations/"+slug+"/policy", `{"dedicated_signing_key":true}`)
	w.admin("PUT", "/organizations/"+slug+"/members/"+m.claims.Subject, `{"roles":["viewer"]}`)
	m.raw = w.minted(m.browser, slug)
	claims, err := w.verifier.Verify(w.Context(), m.raw)
	w.must(err)
	m.claims = claims
}

// create creates something by the administration API, and returns its id.
func (w *trial) create(path, body string) string {
	status, text := w.call("POST", "/admin/v1"+path, w.adminKey, "", body)
	if status != http.StatusCreated {
		w.Fatalf("%s: %d %s", path, status, text)
	}
	return decoded[struct{ ID string }](w, text).ID
}

// command runs an operator's command, again while it fails.
func (w *trial) command(args ...string) {
	w.again(func() (int, string) {
		out, err := exec.CommandContext(w.Context(), program.Path(w.test, "tabard"), args...).CombinedOutput()
		switch text := string(out); {
		case err == nil:
			return http.StatusOK, ""
		case strings.Contains(text, "was retired before"):
			return http.StatusConflict, text
		default:
			return http.StatusServiceUnavailable, text
		}
	})
}

// applyApps applies the workspace's apps, the second of which may be disabled, and its
// roles. Organizations stay as they are.
func (w *trial) applyApps(disabled bool, editor ...string) {
	w.applyFile(w.workspace(disabled, editor))
}

func (w *trial) applyFile(workspace map[string]any) {
	text, err := json.Marshal(workspace)
	w.must(err)
	file := filepath.Join(w.TempDir(), "workspace.json")
	w.must(os.WriteFile(file, text, 0o600))
	w.command("apply", file, "--database", w.Database)
}

func (w *trial) workspace(disabled bool, editor []string) map[string]any {
	return map[string]any{
		"apps": []any{
			map[string]any{"id": "demo", "name": "Demo", "origins": []string{w.Origin}, "audience": w.Origin + "/api"},
			map[string]any{"id": "reports", "name": "Reports", "origins": []string{"https://reports.example.com"}, "audience": w.Origin + "/reports", "disabled": disabled},
		},
		"roles":   map[string]any{"viewer": []string{"notes:read"}, "editor": editor},
		"sign_in": map[string]any{"max_sessions": 2},
	}
}

// keyOf returns the id of the key that signed a token.
func keyOf(w *trial, raw string) string {
	header, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[0])
	w.must(err)
	return decoded[struct{ Kid string }](w, string(header)).Kid
}
