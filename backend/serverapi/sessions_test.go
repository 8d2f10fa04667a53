package serverapi_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/jws"
	"github.com/tabard-auth/tabard/backend/serverapi/crossapp"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/token"
)

func TestWhoIsSignedInToOneAppGetsASessionInAnother(t *testing.T) {
	w := newCrossed(t)
	w.Pass(time.Minute)
	got := w.entered(w.enter())
	claims := w.claims(got.Access)
	own := w.forgedClaims()
	if claims.OrganizationID != "org_acme" || claims.ClientID != "reports" || claims.Subject != w.uid ||
		claims.SessionID == w.session || claims.AuthTime != own.AuthTime || !slices.Equal(claims.Roles, []string{"editor"}) {
		t.Errorf("%+v", claims)
	}
	parent := w.stored(w.session)
	if got.UserID != w.uid || got.KeyID == "" || got.KeyID == w.keyID || got.CSRF == "" || got.Refresh == "" ||
		w.unix(got.AccessExpiresAt) != claims.Expires || claims.Expires > own.Expires || w.unix(got.RefreshExpiresAt) != parent.ExpiresAt {
		t.Errorf("%+v", got)
	}
	child := w.stored(claims.SessionID)
	if child.Parent != parent.ID || child.ConfinedTo != "org_acme" || child.SignIn.Time != parent.SignIn.Time || child.Holder != session.AppServer {
		t.Errorf("%+v", child)
	}
	if e := w.trail()[0]; e.Action != audit.EnterApp || e.Outcome != audit.Done || e.Actor != got.KeyID || e.App != "reports" ||
		e.SessionID != claims.SessionID || e.OrganizationID != "org_acme" || e.UserID != w.uid {
		t.Errorf("%+v", e)
	}
	w.Pass(time.Minute)
	renewed := w.entered(w.renews(got.Refresh))
	if again := w.claims(renewed.Access); again.SessionID != claims.SessionID || again.OrganizationID != "org_acme" || again.AuthTime != claims.AuthTime ||
		again.Expires <= claims.Expires || renewed.CSRF != got.CSRF || renewed.Refresh != "" {
		t.Errorf("%+v %+v", again, renewed)
	}
}

// TestSessions_AnswerAsTheInterfaceTheyFollow: every answer has status 200, and times in
// ISO 8601 with an offset.
func TestSessions_AnswerAsTheInterfaceTheyFollow(t *testing.T) {
	w := newCrossed(t)
	opened := w.enter()
	session := w.entered(opened)
	for name, got := range map[string]answer{"session": opened, "renewal": w.renews(session.Refresh)} {
		for _, member := range []string{"access_expires_at", "refresh_expires_at"} {
			if !regexp.MustCompile(`"` + member + `":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00"`).MatchString(got.Body) {
				t.Errorf("%s has no %s in ISO 8601: %s", name, member, got.Body)
			}
		}
		if got.Status != http.StatusOK {
			t.Errorf("%s: status %d", name, got.Status)
		}
	}
	w.code(w.begins(w.alice))
}

func TestTheBareTokenIsTakenToo(t *testing.T) {
	w := newCrossed(t)
	for _, header := range []string{w.subject.AccessToken, "Bearer " + w.subject.AccessToken, "bearer " + w.subject.AccessToken} {
		r := w.request("POST", "", `{"app_id":"reports"}`, w.key)
		r.URL.Path = "/auth" + sessionsPath
		r.Header.Set("X-Authorization", header)
		w.entered(w.send(r))
	}
	r := w.request("POST", "", `{"app_id":"reports"}`, w.key)
	r.URL.Path = "/auth" + sessionsPath
	r.Header["X-Authorization"] = []string{w.subject.AccessToken, w.subject.AccessToken}
	w.denies(w.send(r), "wrong_audience")
}

// sessionRequests has an example of every route of the API.
func (w *crossed) sessionRequests() map[string]string {
	refresh := w.entered(w.enter()).Refresh
	bodies := map[string]string{
		"/workspaces/{workspace_id}/sessions":         `{"app_id":"reports"}`,
		"/workspaces/{workspace_id}/sessions/refresh": `{"refresh":"` + refresh + `"}`,
	}
	all := map[string]string{}
	for _, r := range crossapp.Routes {
		if bodies[r.Path] == "" {
			w.Fatalf("%s has no example", r.Path)
		}
		all[crossapp.Path+strings.Replace(r.Path, "{workspace_id}", "default", 1)] = bodies[r.Path]
	}
	return all
}

func TestEverySessionRouteRefusesAKeyThatIsNone(t *testing.T) {
	w := newCrossed(t)
	gone, id := w.serverKey("")
	w.must(w.service.RevokeKey(t.Context(), commandLine, id))
	soon, err := w.service.CreateKey(t.Context(), commandLine, admin.NewKey{Kind: admin.WorkspaceAPI, Name: "soon", ExpiresIn: 1})
	w.must(soon, err)
	w.Pass(time.Second)
	bodies := map[string]bool{}
	for path, body := range w.sessionRequests() {
		for name, key := range map[string]string{
			"none": "", "unknown": gone[:len(gone)-4] + "AAAA", "revoked": gone, "expired": soon.Secret, "of administration": w.whole,
		} {
			got := w.calls(path, body, key, w.subject.AccessToken)
			if w.wants(got, http.StatusUnauthorized, api.WorkspaceAPIKeyRequired); got.Header.Get("WWW-Authenticate") != "Bearer" || strings.Contains(got.Body, "eyJ") {
				t.Errorf("%s: %v %s", name, got.Header, got.Body)
			}
			bodies[got.Body] = true
		}
		w.entered(w.calls(path, body, w.key, w.subject.AccessToken))
	}
	if len(bodies) != 1 {
		t.Errorf("the answers differ: %v", bodies)
	}
	w.wants(w.ask("GET", "/policy", "", w.key), http.StatusUnauthorized, api.AdminKeyRequired) // nor the other way round
}

func TestEverySessionRouteRefusesBrowsersAndForeignWorkspaces(t *testing.T) {
	w := newCrossed(t)
	for path, body := range w.sessionRequests() {
		for _, name := range []string{"Origin", "Sec-Fetch-Site", "Sec-Fetch-Dest"} {
			r := w.request("POST", "", body, w.key)
			r.URL.Path = "/auth" + path
			r.Header.Set("X-Authorization", w.subject.AccessToken)
			r.Header.Set(name, origin)
			got := w.send(r)
			if w.wants(got, http.StatusForbidden, api.OriginNotAllowed); got.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%v", got.Header)
			}
		}
		w.denies(w.calls(strings.Replace(path, "default", "another", 1), body, w.key, w.subject.AccessToken), "wrong_workspace")
	}
}

// TestASubjectIsOursForThisAppAndAlive tries every kind of token that is not.
func TestASubjectIsOursForThisAppAndAlive(t *testing.T) {
	w := newCrossed(t)
	b := w.signedIn("alice")
	reports := w.entered(w.enter())
	for name, tried := range map[string]struct{ subject, reason string }{
		"none":            {"", "wrong_audience"},
		"garbage":         {"garbage", "wrong_audience"},
		"opaque":          {w.web, "wrong_audience"},
		"a refresh token": {reports.Refresh, "wrong_audience"},
		"an identity token": {w.Provider.LogoutToken("JWT", map[string]any{
			"iss": issuer, "sub": "alice", "aud": "tabard", "client_id": "web", "exp": w.Now().Unix() + 60}), "wrong_type"},
		"another workspace's":       {w.forged(w.Secret, func(c *token.Claims) { c.Issuer = "https://elsewhere.example" }), "wrong_issuer"},
		"a changed one":             {w.subject.AccessToken[:len(w.subject.AccessToken)-6] + "AAAAAA", "bad_signature"},
		"another app's":             {w.forged(w.Secret, func(c *token.Claims) { c.Audience = []string{reportsOrigin + "/api"} }), "wrong_audience"},
		"of an app that is none":    {w.forged(w.Secret, func(c *token.Claims) { c.ClientID = "none" }), "wrong_audience"},
		"from the future":           {w.forged(w.Secret, func(c *token.Claims) { c.IssuedAt += 3600 }), "not_yet_valid"},
		"of no session":             {w.forged(w.Secret, func(c *token.Claims) { c.SessionID = "ses_none" }), "missing_claim"},
		"of a session that is none": {w.forged(w.Secret, func(c *token.Claims) { c.SessionID = session.NewID().String() }), "session_expired"},
		"of somebody else":          {w.forged(w.Secret, func(c *token.Claims) { c.Subject = w.userID("bob") }), "wrong_audience"},
		"of another organization":   {w.forged(w.Secret, func(c *token.Claims) { c.OrganizationID = "org_none" }), "organization_access_denied"},
		"never entered":             {w.forged(w.Secret, func(c *token.Claims) { c.SessionID = w.minted(w.mint(b, "globex")).Session }), "organization_session_expired"},
		"bound to a key":            {w.forged(w.Secret, func(c *token.Claims) { c.Confirmation = &token.Confirmation{JKT: "x"} }), "proof_required"},
		"of a session entered":      {reports.Access, "wrong_audience"}, // reports' own: another key's
	} {
		t.Run(name, func(t *testing.T) {
			w.Pass(time.Second)
			before := len(w.trail())
			w.denies(w.calls(sessionsPath, `{"app_id":"reports"}`, w.web, tried.subject), tried.reason)
			trail := w.trail()
			if e := trail[0]; len(trail) != before+1 || e.Action != audit.EnterApp || e.Outcome != audit.Refused || e.Reason != tried.reason {
				t.Errorf("%d %+v", len(trail)-before, e)
			}
		})
	}
	w.denies(w.calls(sessionsPath, `{"app_id":"web"}`, w.reports, reports.Access), "entered_session")
	w.denies(w.calls(sessionsPath, `{"app_id":"reports"}`, w.reports, w.subject.AccessToken), "wrong_audience") // web's token by reports' key
}

func TestAnExpiredTokenOpensNothing(t *testing.T) {
	w := newCrossed(t)
	expires := w.forgedClaims().Expires
	w.Pass(time.Duration(expires-1-w.Now().Unix()) * time.Second)
	if got := w.entered(w.enter()); w.unix(got.AccessExpiresAt) != expires {
		t.Errorf("it lives until %s, and the person's until %d", got.AccessExpiresAt, expires)
	}
	for _, later := range []time.Duration{time.Second, time.Hour} {
		w.Pass(later)
		w.denies(w.enter(), "expired")
	}
}

func TestASubjectThatHasEndedOpensNothing(t *testing.T) {
	for name, tried := range map[string]struct {
		end    func(*crossed)
		reason string
	}{
		"signed out":                  {func(w *crossed) { w.logout(`{"scope":"session"}`) }, "session_revoked"},
		"signed out everywhere":       {func(w *crossed) { w.logout(`{"scope":"everywhere"}`) }, "session_revoked"},
		"signed out of it":            {func(w *crossed) { w.logout(`{"scope":"organization","organization":"acme"}`) }, "organization_session_expired"},
		"ended by an administrator":   {func(w *crossed) { w.does("DELETE", "/sessions/"+w.session, "", w.whole, nil) }, "session_revoked"},
		"a disabled person":           {func(w *crossed) { w.does("POST", "/users/"+w.uid+"/disable", "", w.whole, nil) }, "session_revoked"},
		"a member no more":            {func(w *crossed) { w.does("POST", "/organizations/acme/members/"+w.uid+"/disable", "", w.whole, nil) }, "organization_access_denied"},
		"an organization that is off": {func(w *crossed) { w.does("POST", "/organizations/acme/disable", "", w.whole, nil) }, "organization_access_denied"},
		"a stricter policy":           {func(w *crossed) { w.does("PUT", "/organizations/acme/policy", `{"acr":["more"]}`, w.whole, nil) }, "insufficient_user_authentication"},
		"a device key demanded":       {func(w *crossed) { w.does("PUT", "/policy", `{"device_key_required":true}`, w.whole, nil) }, "device_key_required"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCrossed(t)
			tried.end(w)
			w.Pass(time.Second)
			w.denies(w.enter(), tried.reason)
			if e := w.trail()[0]; e.Outcome != audit.Refused || e.Reason != tried.reason {
				t.Errorf("%+v", e)
			}
		})
	}
}

// TestAnOrganizationWithKeysOfItsOwnIsEnteredByThem, and another one's keys are not its.
func TestAnOrganizationWithKeysOfItsOwnIsEnteredByThem(t *testing.T) {
	w := newCrossed(t)
	before := w.enter
	w.does("PUT", "/organizations/acme/policy", `{"dedicated_signing_key":true}`, w.whole, nil)
	w.entered(before()) // by a token from before
	w.subject = w.minted(w.renew(w.alice, "acme"))
	own := publicURL + "/o/org_acme"
	if iss := w.forgedClaims().Issuer; iss != own {
		t.Fatalf("the issuer is %s", iss)
	}
	got := w.entered(w.enter())
	message, err := jws.Parse(got.Access, 8<<10)
	w.must(message, err)
	if !strings.Contains(string(message.Payload), `"iss":"`+own+`"`) {
		t.Errorf("%s", message.Payload)
	}
	w.entered(w.renews(got.Refresh))
	for name, change := range map[string]func(*token.Claims){
		"the workspace's key under its issuer":  func(*token.Claims) {},
		"its issuer, for another organization":  func(c *token.Claims) { c.OrganizationID = "org_globex" },
		"an issuer of an organization of no id": func(c *token.Claims) { c.Issuer, c.OrganizationID = publicURL+"/o/", "" },
	} {
		got := w.calls(sessionsPath, `{"app_id":"reports"}`, w.web, w.forged(w.Secret, change))
		if w.wants(got, http.StatusForbidden, api.WorkspaceAccessDenied); strings.Contains(got.Body, "eyJ") {
			t.Errorf("%s: %s", name, got.Body)
		}
	}
}

func TestAnAppOutsideTheWorkspaceIsNotEntered(t *testing.T) {
	w := newCrossed(t)
	app := func(id string) answer {
		return w.calls(sessionsPath, `{"app_id":"`+id+`"}`, w.web, w.subject.AccessToken)
	}
	for _, id := range []string{"none", "", "Reports", "../web"} {
		w.wants(app(id), http.StatusNotFound, api.AppNotInWorkspace)
	}
	w.denies(app("web"), "wrong_app") // a person in the app needs no second session
	change := func(change func(*directory.App)) {
		d := desired()
		change(&d.Workspace.Apps[1])
		w.must(w.Store.Apply(t.Context(), d, w.Now().Unix()))
	}
	change(func(a *directory.App) { a.Disabled = true })
	w.wants(app("reports"), http.StatusNotFound, api.AppNotInWorkspace)
	change(func(a *directory.App) { a.EnteredFrom = []string{"none"} })
	w.denies(app("reports"), "wrong_app")
	change(func(a *directory.App) { a.EnteredFrom = []string{"web"} })
	w.entered(app("reports"))
}

func TestAKeyOfOneOrganizationOpensNoOther(t *testing.T) {
	w := newCrossed(t)
	k, err := w.service.CreateKey(t.Context(), commandLine, admin.NewKey{Kind: admin.WorkspaceAPI, Name: "globex's", Organization: "globex"})
	w.must(k, err)
	w.denies(w.calls(sessionsPath, `{"app_id":"reports"}`, k.Secret, w.subject.AccessToken), "organization_access_denied")
	refresh := w.entered(w.enter()).Refresh
	w.denies(w.calls(sessionsPath+"/refresh", `{"refresh":"`+refresh+`"}`, k.Secret, ""), "wrong_app")
	w.denies(w.calls(sessionsPath+"/refresh", `{"refresh":"`+refresh+`"}`, w.web, ""), "wrong_app") // web's server asked, and is not to have it
	w.entered(w.renews(refresh))

	// Nor does it learn of the person's sessions elsewhere.
	w.logout(`{"scope":"session"}`)
	w.denies(w.calls(sessionsPath, `{"app_id":"reports"}`, k.Secret, w.subject.AccessToken), "organization_access_denied")
	w.denies(w.enter(), "session_revoked")
}

func (w *crossed) logout(body string) {
	w.Helper()
	if got := w.alice.Post("/logout", body); got.Status != http.StatusOK {
		w.Fatalf("%d %s", got.Status, got.Body)
	}
}

func (w *crossed) stored(id string) session.Session {
	w.Helper()
	parsed, err := session.ParseID(id)
	w.must(parsed, err)
	s, err := w.Store.Session(w.Context(), parsed)
	w.must(s, err)
	return s
}

// forgedClaims are those of alice's own token.
func (w *crossed) forgedClaims() (claims token.Claims) {
	w.forged(w.Secret, func(c *token.Claims) { claims = *c })
	return claims
}
