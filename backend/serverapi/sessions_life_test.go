package serverapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// TestASessionEndsWithTheOneItWasEnteredFrom, for every reason of an end.
func TestASessionEndsWithTheOneItWasEnteredFrom(t *testing.T) {
	for name, ending := range map[string]struct {
		end  func(*crossed)
		code api.Code
	}{
		"signed out":                {func(w *crossed) { w.logout(`{"scope":"session"}`) }, api.SessionRevoked},
		"signed out everywhere":     {func(w *crossed) { w.logout(`{"scope":"everywhere"}`) }, api.SessionRevoked},
		"signed out of it":          {func(w *crossed) { w.logout(`{"scope":"organization","organization":"acme"}`) }, api.SessionRevoked},
		"ended by an administrator": {func(w *crossed) { w.does("DELETE", "/sessions/"+w.session, "", w.whole, nil) }, api.SessionRevoked},
		"ended in the organization": {func(w *crossed) { w.does("DELETE", "/organizations/acme/sessions/"+w.session, "", w.acme, nil) }, api.SessionRevoked},
		"all of a member's":         {func(w *crossed) { w.does("DELETE", "/organizations/acme/members/"+w.uid+"/sessions", "", w.acme, nil) }, api.SessionRevoked},
		"the provider's logout":     {func(w *crossed) { w.providerLogout() }, api.SessionRevoked},
		"the other's theft":         {func(w *crossed) { w.stolen() }, api.SessionRevoked},
		"its absolute end":          {func(w *crossed) { w.Pass(24 * time.Hour) }, api.SessionExpired},
		"another sign-in":           {func(w *crossed) { w.alice.SignIn("alice"); w.minted(w.mint(w.alice, "acme")) }, api.SessionRevoked},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCrossed(t)
			refresh := w.entered(w.enter()).Refresh
			browser := w.handedOver()
			w.Pass(2 * time.Second)
			ending.end(w)
			got := w.renews(refresh)
			if got.code() != string(ending.code) || strings.Contains(got.Body, "eyJ") {
				t.Errorf("the server's: %d %s, want %s", got.Status, got.Body, ending.code)
			}
			if ending.code == api.SessionExpired { // and its cookie with it
				ending.code = api.LoginRequired
			}
			w.refused(w.renew(browser, "acme"), ending.code)
		})
	}
}

func TestAnEnteredSessionsOwnEndIsNobodyElses(t *testing.T) {
	w := newCrossed(t)
	refresh := w.entered(w.enter()).Refresh
	browser := w.handedOver()
	if got := browser.Post("/logout", `{"scope":"session"}`); got.Status != http.StatusOK || strings.Contains(got.Body, "end_session_url") {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	w.refused(w.renew(browser, "acme"), api.LoginRequired)
	w.entered(w.renews(refresh))
	w.minted(w.renew(w.alice, "acme"))
}

// TestAnEnteredSessionOpensOneOrganization, however many its person belongs to.
func TestAnEnteredSessionOpensOneOrganization(t *testing.T) {
	w := newCrossed(t)
	browser := w.handedOver()
	w.refused(w.mint(browser, "globex"), api.OrganizationAccessDenied)
	w.refused(w.mint(browser, "org_globex"), api.OrganizationAccessDenied)
	if got := browser.Get("/session"); strings.Contains(got.Body, "globex") {
		t.Error(got.Body)
	}
	if claims := w.claims(w.minted(browser.Post("/token", `{}`)).AccessToken); claims.OrganizationID != "org_acme" {
		t.Errorf("%+v", claims)
	}
}

// TestItsOrganizationSessionGoesOn: it has the age and the authentication of the one
// that it was entered from.
func TestItsOrganizationSessionGoesOn(t *testing.T) {
	w := newCrossed(t)
	w.does("PUT", "/organizations/acme/policy", `{"organization_session_age":600,"idle_timeout":300}`, w.whole, nil)
	w.Pass(290 * time.Second)
	w.minted(w.alice.Post("/token", `{"organization":"acme","idle_seconds":0}`))
	w.subject = w.minted(w.renew(w.alice, "acme"))
	refresh := w.entered(w.enter()).Refresh
	w.Pass(200 * time.Second)
	w.entered(w.calls(sessionsPath+"/refresh", `{"refresh":"`+refresh+`","idle_seconds":0}`, w.reports, ""))
	w.Pass(105 * time.Second) // alice idled out at web; at reports she is active
	w.refused(w.renew(w.alice, "acme"), api.OrganizationSessionExpired)
	w.entered(w.renews(refresh))
	w.Pass(10 * time.Second) // 605 s after she entered acme
	w.wants(w.renews(refresh), http.StatusUnauthorized, api.OrganizationSessionExpired)
}

// due is the age at which every refresh token is replaced, in a browser and at a server.
var due = time.Duration(session.LimitsFor(true).R) * time.Second

// TestARefreshTokenRotatesAtAServerAsInABrowser, by the same verdict.
func TestARefreshTokenRotatesAtAServerAsInABrowser(t *testing.T) {
	t.Run("a lost answer is recovered", func(t *testing.T) {
		w := newCrossed(t)
		refresh := w.entered(w.enter()).Refresh
		for range 3 {
			w.Pass(due)
			if lost := w.entered(w.renews(refresh)); lost.Refresh == "" {
				t.Fatal("no successor")
			}
			second := w.entered(w.renews(refresh))
			refresh = second.Refresh
			w.entered(w.renews(refresh))
		}
	})
	t.Run("parallel redemptions are one client's", func(t *testing.T) {
		w := newCrossed(t)
		refresh := w.entered(w.enter()).Refresh
		w.Pass(due)
		var group sync.WaitGroup
		got := make([]answer, 8)
		for i := range got {
			group.Go(func() { got[i] = w.renews(refresh) })
		}
		group.Wait()
		seen := map[string]bool{}
		for _, a := range got {
			seen[w.entered(a).Refresh] = true
		}
		if len(seen) != len(got) {
			t.Errorf("%d successors of %d", len(seen), len(got))
		}
		for next := range seen {
			w.entered(w.renews(next))
		}
	})
}

func TestAReplayAtAServerEndsTheSession(t *testing.T) {
	w := newCrossed(t)
	stolen := w.entered(w.enter()).Refresh
	for range 3 {
		w.Pass(due)
		next := w.entered(w.renews(stolen)).Refresh
		w.entered(w.renews(next))
		w.Pass(due)
		w.entered(w.renews(next))
		w.Pass(due)
		got := w.renews(stolen)
		if got.Status == http.StatusUnauthorized {
			w.wants(got, http.StatusUnauthorized, api.RefreshTokenReused)
			w.wants(w.renews(next), http.StatusUnauthorized, api.RefreshTokenReused)
			w.minted(w.renew(w.alice, "acme")) // the theft of one is not the other's
			if !w.audited(audit.RefreshTokenReused) {
				t.Error("the trail does not say so")
			}
			return
		}
	}
	t.Error("nobody noticed")
}

func TestARenewalThatTookTooLongIsRefusedBeforeItCounts(t *testing.T) {
	w := newCrossed(t)
	r := w.request("POST", "", `{"refresh":"`+w.entered(w.enter()).Refresh+`"}`, w.reports)
	r.URL.Path = "/auth" + sessionsPath + "/refresh"
	r.Header.Set("Tabard-Time", fmt.Sprint(w.Now().Unix()-31))
	w.wants(w.send(r), http.StatusConflict, api.RequestTooOld)
}

// TestTheRefreshTokensOfBrowsersAndServersAreTwoKinds: neither works where the other
// is redeemed, and neither is ended there.
func TestTheRefreshTokensOfBrowsersAndServersAreTwoKinds(t *testing.T) {
	w := newCrossed(t)
	got := w.entered(w.enter())
	browser := w.handedOver()
	name := func(id string) string { return "__Host-Http-tabard.reports." + strings.TrimPrefix(id, "ses_")[:8] }
	thief := w.atReports(w.signedIn("bob"))
	asCookie := thief.With("Cookie", name(w.claims(got.Access).SessionID)+"="+got.Refresh)
	w.refused(w.mint(asCookie, "acme"), api.LoginRequired)
	w.refused(asCookie.Get("/session"), api.LoginRequired)
	if out := asCookie.Post("/logout", `{"scope":"session"}`); out.Status != http.StatusOK {
		t.Errorf("%d %s", out.Status, out.Body)
	}
	w.entered(w.renews(got.Refresh))
	value := ""
	for name, kept := range browser.Cookies() {
		if strings.HasPrefix(name, "__Host-Http-tabard.reports.") {
			value = kept
		}
	}
	w.wants(w.renews(value), http.StatusUnauthorized, api.LoginRequired)
	w.minted(w.renew(browser, "acme"))
	for i := range got.Refresh {
		w.wants(w.renews(got.Refresh[:i]), http.StatusUnauthorized, api.LoginRequired)
	}
}

// TestNothingIsGrantedThatIsNotStored lets every call of the store fail in turn.
func TestNothingIsGrantedThatIsNotStored(t *testing.T) {
	var faulty *lite.Faulty
	prepared := func(ask func(*crossed) func() answer) (*crossed, func() answer) {
		w := &crossed{backend: newBackend(t, nil)}
		faulty = w.Failing()
		w.sign()
		return w, ask(w)
	}
	for name, ask := range map[string]func(*crossed) func() answer{
		"enter": func(w *crossed) func() answer { return w.enter },
		"code": func(w *crossed) func() answer {
			challenge := w.begins(w.alice)
			return func() answer {
				return w.calls(sessionsPath, `{"app_id":"reports","response_type":"code","code_challenge":"`+challenge+`"}`, w.web, w.subject.AccessToken)
			}
		},
		"renew": func(w *crossed) func() answer {
			refresh := w.entered(w.enter()).Refresh
			w.Pass(due)
			w.renews(refresh)
			return func() answer { return w.renews(refresh) }
		},
	} {
		_, send := prepared(ask)
		faulty.Fail(0, false)
		send()
		calls := faulty.Calls()
		for i, method := range calls {
			for _, lost := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, lost %t", name, method, lost), func(t *testing.T) {
					w, send := prepared(ask)
					w.TB = t
					faulty.Fail(i+1, lost)
					got := send()
					w.wants(got, http.StatusServiceUnavailable, api.TemporarilyUnavailable)
					if strings.Contains(got.Body, "eyJ") || strings.Contains(got.Body, "refresh") || got.Header.Get("Retry-After") == "" {
						t.Error(got.Body)
					}
					faulty.Fail(0, false)
					w.entered(send())
				})
			}
		}
	}
}

// bound signs alice in with a device key, by which her token is bound from then on, and
// returns it, and how web's server shows her token with proofs.
func (w *crossed) bound() (*httpbrowser.Device, func(proof ...string) answer) {
	w.Helper()
	d := desired()
	d.Workspace.Apps[0].DPoPBoundTokens = true
	w.must(w.Store.Apply(w.Context(), d, w.Now().Unix()))
	device := httpbrowser.NewDevice(w)
	b := w.Browser(origin).On(device)
	b.SignIn("alice")
	w.subject = w.minted(w.mint(b, "acme"))
	return device, func(proof ...string) answer {
		r := w.request("POST", "", `{"app_id":"reports"}`, w.web)
		r.URL.Path = "/auth" + sessionsPath
		r.Header.Set("X-Authorization", "DPoP "+w.subject.AccessToken)
		r.Header["Dpop"] = proof
		return w.send(r)
	}
}

// TestABoundTokenTakesItsKeysProof: without, it would be a bearer's.
func TestABoundTokenTakesItsKeysProof(t *testing.T) {
	w := newCrossed(t)
	device, send := w.bound()
	bound := w.subject.AccessToken
	here := publicURL + sessionsPath
	good := device.Proof(t, "POST", here, w.Now(), bound)
	w.entered(send(good))
	w.denies(send(good), "invalid_proof") // again
	w.denies(send(), "proof_required")
	w.denies(w.calls(sessionsPath, `{"app_id":"reports"}`, w.web, bound), "proof_required")
	w.denies(send(device.Proof(t, "POST", here, w.Now())), "invalid_proof")                          // for no token
	w.denies(send(device.Proof(t, "POST", origin+"/api", w.Now(), bound)), "invalid_proof")          // for another address
	w.denies(send(device.Proof(t, "POST", here, w.Now().Add(-time.Minute), bound)), "invalid_proof") // old
	w.denies(send(httpbrowser.NewDevice(t).Proof(t, "POST", here, w.Now(), bound)), "invalid_proof") // another's
	w.denies(send(device.Proof(t, "POST", here, w.Now(), bound), device.Proof(t, "POST", here, w.Now(), bound)), "proof_required")
}

// TestAProofIsTakenOnceForAsLongAsItIsGood: one from a clock that is ahead is good for
// longer.
func TestAProofIsTakenOnceForAsLongAsItIsGood(t *testing.T) {
	w := newCrossed(t)
	device, send := w.bound()
	here := publicURL + sessionsPath
	proof := func(ahead int) string {
		return device.Proof(t, "POST", here, w.Now().Add(time.Duration(ahead)*time.Second), w.subject.AccessToken)
	}
	w.entered(send(proof(0)))
	w.Pass(29 * time.Second)
	early := proof(5)
	w.entered(send(early))
	w.Pass(31 * time.Second)
	w.denies(send(early), "invalid_proof")
}

func (w *crossed) audited(action audit.Action) bool {
	for _, e := range w.trail() {
		if e.Action == action {
			return true
		}
	}
	return false
}

func (w *crossed) providerLogout() {
	w.Helper()
	w.must(nil, w.Store.RevokeUpstream(w.Context(), session.UpstreamLogout{Issuer: issuer, Subject: "alice", Until: w.stored(w.session).CreatedAt},
		session.ReasonUpstream, w.Now().Unix()))
}

// stolen presents a token of the parent that no client can hold any more.
func (w *crossed) stolen() {
	w.Helper()
	s := w.stored(w.session)
	row, err := w.Store.Redeem(w.Context(), session.Redemption{
		Token: session.Token{Session: s.ID, Gen: 1, ID: session.NewTokenID()}, Limits: session.LimitsFor(false), Now: w.Now().Unix(),
	})
	w.must(row, err)
	if row.RevokeReason != session.ReasonReuse {
		w.Fatalf("%+v", row)
	}
}

// A refresh token whose key another replica has is not refused for good: the workspace's
// secret is being replaced.
func TestARefreshTokenOfAnotherReplicasSecretIsAskedForAgain(t *testing.T) {
	w := newCrossed(t)
	refresh := w.entered(w.enter()).Refresh
	ids, err := w.Secret.IDs()
	w.must(ids, err)
	w.Secret, _ = signingkey.NewSecret()
	w.service = admin.New(admin.Config{Store: w.Store, Secret: w.Secret, Now: w.Now})
	w.Restart()
	w.reports, _ = w.serverKey("reports")
	w.wants(w.renews(refresh), http.StatusUnauthorized, api.LoginRequired)
	w.must(nil, w.Store.RecordSecretKeys(t.Context(), "another", ids, w.Now().Unix(), w.Now().Unix()))
	got := w.renews(refresh)
	if w.wants(got, http.StatusServiceUnavailable, api.TemporarilyUnavailable); got.Header.Get("Retry-After") == "" {
		t.Errorf("%v", got.Header)
	}
	if strings.Contains(w.Logged.String(), `"level":"ERROR"`) {
		t.Errorf("it is an error in the log: %s", w.Logged)
	}
	w.Pass(time.Hour)
	w.wants(w.renews(refresh), http.StatusUnauthorized, api.SessionExpired)
}
