package browserapi_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// TestPolicy_EveryRuleAndAuthentication combines organizations, authentications and
// rules. Each organization has the rule in turn; the others have none.
func TestPolicy_EveryRuleAndAuthentication(t *testing.T) {
	type event struct {
		acr  string
		age  time.Duration // at the time of entering the organization
		made string        // the organization of the step-up; "" is the sign-in
	}
	events := map[string]event{
		"a password":                        {acr: "1"},
		"an old password":                   {acr: "1", age: 2 * time.Hour},
		"a second factor":                   {acr: "mfa"},
		"an old second factor":              {acr: "mfa", age: 2 * time.Hour},
		"a second factor made for acme":     {acr: "mfa", made: "acme"},
		"a second factor made for globex":   {acr: "mfa", made: "globex"},
		"an old second factor made for it":  {acr: "mfa", age: 2 * time.Hour, made: "acme"},
		"a password made again, for globex": {acr: "1", made: "globex"},
	}
	factor := func(_ string, e event) bool { return e.acr == "mfa" }
	recent := func(_ string, e event) bool { return e.age <= time.Hour }
	made := func(o string, e event) bool { return e.made == o }
	rules := map[string]struct {
		rules     policy.Rules
		satisfies func(organization string, e event) bool
	}{
		"no rule":             {policy.Rules{}, func(string, event) bool { return true }},
		"a class":             {mfa, factor},
		"a method":            {policy.Rules{AMR: []string{"otp"}}, factor},
		"an age":              {policy.Rules{AuthenticationAge: 3600}, recent},
		"a login of its own":  {policy.Rules{Isolated: true}, made},
		"a class and an age":  {policy.Rules{ACR: mfa.ACR, AuthenticationAge: 3600}, func(o string, e event) bool { return factor(o, e) && recent(o, e) }},
		"a connection":        {policy.Rules{Connection: "own"}, func(string, event) bool { return false }},
		"a device key":        {policy.Rules{DeviceKey: true}, func(string, event) bool { return false }},
		"what cannot be both": {policy.Rules{ACR: []string{}}, func(string, event) bool { return true }}, // reads as no rule from the store
	}
	for is, e := range events {
		w := newBackend(t, nil)
		w.rule(nil)
		b := w.authenticated(e.acr, e.made)
		w.Pass(e.age)
		for rule, r := range rules {
			for _, organization := range []string{"acme", "globex", "initech"} {
				w.rule(map[string]policy.Rules{organization: r.rules})
				for _, entering := range []string{"acme", "globex", "initech"} {
					want := entering != organization || r.satisfies(entering, e)
					got := b.Post("/token", `{"organization":"`+entering+`","enter":true}`)
					if (got.Status == http.StatusOK) != want {
						t.Errorf("%s, %s at %s: entering %s answers %d %s", is, rule, organization, entering, got.Status, got.Code())
					}
				}
			}
		}
	}
}

// authenticated returns a browser in which alice signed in with a password and, if made
// is set, stepped up for that organization. Otherwise the sign-in has the class.
func (w *backend) authenticated(acr, made string) *httpbrowser.Browser {
	w.Helper()
	if made == "" {
		answersWith(w, acr)
		return w.signedIn("alice")
	}
	b := w.signedIn("alice")
	user := w.mint(b, "initech").User.ID
	answersWith(w, acr)
	b.Choose(b.Login("organization="+made+"&max_age=0&user="+user), "alice")
	return b
}

// TestPolicy_SwitchKeepsAuthentications enters A by a second factor, B by a password,
// and A again.
func TestPolicy_SwitchKeepsAuthentications(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": mfa})
	b := w.signedIn("alice")
	signedInAt := w.Now().Unix()
	w.Pass(time.Minute)
	answersWith(w, "mfa")
	w.stepUp(b, w.challenged(b.Post("/token", enters)), "alice")
	steppedUpAt := w.Now().Unix()
	for range 3 {
		w.Pass(time.Minute)
		if acme := w.claims(w.mint(b, "acme")); acme.ACR != "mfa" || acme.AuthTime != steppedUpAt {
			t.Errorf("acme: acr %s, auth_time %d, want mfa, %d", acme.ACR, acme.AuthTime, steppedUpAt)
		}
		if globex := w.claims(w.mint(b, "globex")); globex.ACR != "1" || globex.AuthTime != signedInAt {
			t.Errorf("globex: acr %s, auth_time %d, want 1, %d", globex.ACR, globex.AuthTime, signedInAt)
		}
	}
}

// TestPolicy_EffectAtNextMint checks that a new rule affects existing sessions, in its
// organization only.
func TestPolicy_EffectAtNextMint(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	w.mint(b, "acme")
	w.mint(b, "globex")
	w.rule(map[string]policy.Rules{"acme": mfa})
	e := w.challenged(b.Post("/token", renews))
	w.mint(b, "globex")
	answersWith(w, "mfa")
	w.stepUp(b, e, "alice")
	if acme := w.claims(w.mint(b, "acme")); acme.ACR != "mfa" {
		t.Errorf("acr %s", acme.ACR)
	}
	w.rule(map[string]policy.Rules{"": {AccessTTL: 60}, "acme": {AccessTTL: 30}})
	if acme, globex := w.mint(b, "acme").ExpiresIn, w.mint(b, "globex").ExpiresIn; acme != 30 || globex != 60 {
		t.Errorf("tokens live %d and %d seconds", acme, globex)
	}
}

// everyPath returns the requests that lead to a token for acme.
func everyPath(w *backend, b *httpbrowser.Browser, user string) map[string]func() httpbrowser.Response {
	post := func(body string) func() httpbrowser.Response {
		return func() httpbrowser.Response { return b.Post("/token", body) }
	}
	return map[string]func() httpbrowser.Response{
		"a renewal":          post(renews),
		"entering":           post(enters),
		"entering, by id":    post(`{"organization":"org_acme","enter":true}`),
		"expecting a person": post(`{"organization":"acme","user":"` + user + `"}`),
		"reporting activity": post(`{"organization":"acme","idle_seconds":0}`),
		"a step-up, and then": func() httpbrowser.Response {
			w.visit(b, "organization=acme&user="+user)
			return b.Post("/token", enters)
		},
		"a sign-in, and then": func() httpbrowser.Response { w.visit(b, "organization=acme"); return b.Post("/token", enters) },
	}
}

// visit starts a sign-in and answers for alice.
func (w *backend) visit(b *httpbrowser.Browser, query string) { b.Choose(b.Login(query), "alice") }

func TestToken_MemberRemoved(t *testing.T) {
	applied := func(change func(*directory.Desired)) func(*backend) {
		return func(w *backend) {
			d := desired()
			change(&d)
			w.Apply(d)
		}
	}
	type deed struct {
		take  func(*backend)
		codes []api.Code // each path returns one of these
		rest  bool       // other organizations are not affected
	}
	denied, revoked := []api.Code{api.OrganizationAccessDenied}, []api.Code{api.SessionRevoked, api.LoginRequired}
	for name, deed := range map[string]deed{
		"the membership":   {applied(func(d *directory.Desired) { d.Organizations[0].Members = d.Organizations[0].Members[1:] }), denied, true},
		"the organization": {applied(func(d *directory.Desired) { d.Organizations[0].Disabled = true }), denied, true},
		"the app":          {applied(func(d *directory.Desired) { d.Workspace.Apps[0].Disabled = true }), []api.Code{api.OriginNotAllowed}, false},
		"the person":       {func(w *backend) { w.disable("alice") }, revoked, false},
	} {
		for path := range everyPath(nil, nil, "") {
			t.Run(name+", "+path, func(t *testing.T) {
				w := newBackend(t, nil)
				b := w.signedIn("alice")
				user := w.mint(b, "acme").User.ID
				deed.take(w)
				w.Pass(time.Second)
				got := everyPath(w, b, user)[path]()
				if !slices.Contains(deed.codes, api.Code(got.Code())) || strings.Contains(got.Body, "eyJ") {
					t.Errorf("%d %s, want one of %v", got.Status, got.Body, deed.codes)
				}
				if globex := b.Post("/token", `{"organization":"globex"}`).Status; (globex == http.StatusOK) != deed.rest {
					t.Errorf("globex answers %d", globex)
				}
			})
		}
	}
}

func TestToken_RoleRemoved(t *testing.T) {
	for path := range everyPath(nil, nil, "") {
		t.Run(path, func(t *testing.T) {
			w := newBackend(t, nil)
			b := w.signedIn("alice")
			user := w.mint(b, "acme").User.ID
			d := desired()
			d.Organizations[0].Members[0].Roles = []string{"viewer"}
			w.Apply(d)
			w.Pass(time.Second)
			var minted api.TokenResponse
			everyPath(w, b, user)[path]().JSON(t, &minted)
			if claims := w.claims(minted); !slices.Equal(claims.Roles, []string{"viewer"}) || !slices.Equal(claims.Permissions, []string{"notes:read"}) {
				t.Errorf("%s: roles %v, permissions %v", path, claims.Roles, claims.Permissions)
			}
		})
	}
}

func TestMaxSessions_EndsLongestIdle(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": {MaxSessions: 2}})
	var browsers []*httpbrowser.Browser
	for range 3 {
		browsers = append(browsers, w.signedIn("alice"))
	}
	for _, b := range browsers {
		w.mint(b, "globex")
		w.mint(b, "acme")
		w.Pass(time.Second)
	}
	w.endedFor(browsers[0].Post("/token", renews), policy.Superseded)
	for i, b := range browsers {
		w.mint(b, "globex")
		if got := b.Post("/token", renews); (got.Status == http.StatusOK) != (i > 0) {
			t.Errorf("browser %d: %d", i, got.Status)
		}
	}
	w.mint(browsers[0], "acme")
	w.endedFor(browsers[1].Post("/token", renews), policy.Superseded)
}

// TestMaxSessions_Audited checks for one event for each ended organization session.
func TestMaxSessions_Audited(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": {MaxSessions: 2}})
	w.mint(w.signedIn("bob"), "acme")
	var sessions []string
	for range 4 {
		b := w.signedIn("alice")
		w.mint(b, "globex")
		sessions = append(sessions, w.mint(b, "acme").Session)
		w.mint(b, "acme")
		w.Pass(time.Second)
	}
	var ended []string
	for _, e := range w.events(audit.LeaveOrganization) {
		if e.OrganizationID != "org_acme" || e.Reason != string(policy.Superseded) || e.Actor != audit.Server || e.UserID == "" || e.Outcome != audit.Done {
			t.Errorf("%+v", e)
		}
		ended = append(ended, e.SessionID)
	}
	if slices.Reverse(ended); !slices.Equal(ended, sessions[:2]) {
		t.Errorf("the trail says that %v ended, of %v", ended, sessions)
	}
}

func TestPolicy_StrictestRelogin(t *testing.T) {
	for _, tied := range []bool{false, true} {
		w := newBackend(t, nil)
		w.rule(map[string]policy.Rules{"": {StrictestRelogin: tied}, "acme": {AuthenticationAge: 3600, IdleTimeout: 7200}})
		b := w.signedIn("alice")
		w.mint(b, "globex")
		w.Pass(61 * time.Minute)
		w.mint(b, "globex") // acme was not entered
		b.Choose(b.Login(""), "alice")
		w.mint(b, "globex")
		w.mint(b, "acme")
		w.Pass(61 * time.Minute)
		want := http.StatusOK
		if tied {
			want = http.StatusUnauthorized
		}
		if got := b.Post("/token", `{"organization":"globex"}`); got.Status != want {
			t.Errorf("tied %t: globex answers %d %s", tied, got.Status, got.Body)
		}
		w.challenged(b.Post("/token", renews))
	}
}

// TestToken_SteadyMintIsOneRead checks this for all rules, once they are satisfied.
func TestToken_SteadyMintIsOneRead(t *testing.T) {
	w := newBackend(t, nil)
	faulty := w.Failing()
	w.rule(map[string]policy.Rules{"acme": {IdleTimeout: 900, ACR: mfa.ACR, AuthenticationAge: 36000, MaxSessions: 3}})
	b := w.signedIn("alice")
	answersWith(w, "mfa")
	w.stepUp(b, w.challenged(b.Post("/token", enters)), "alice")
	w.mint(b, "acme")
	w.Pass(time.Duration(session.LimitsFor(false).G+session.LimitsFor(false).W+1) * time.Second)
	report(b, 0) // the last request whose verdict writes
	calls := func(idle time.Duration) string {
		faulty.Fail(0, false)
		if got := report(b, idle); got.Status != http.StatusOK {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
		return fmt.Sprint(faulty.Calls())
	}
	for i := range 6 { // up to a minute, the lag of the activity
		w.Pass(10 * time.Second)
		if got := calls(0); got != "[Subject]" {
			t.Errorf("mint %d called %s", i, got)
		}
	}
	w.Pass(time.Second)
	if got := calls(0); got != "[Subject Touch]" {
		t.Errorf("with activity worth keeping: %s", got)
	}
}

// overtakenStore is a store in which another tab reports activity just after a mint has
// read.
type overtakenStore struct {
	host.Store
	at int64 // time of the activity; 0 for none
}

func (s *overtakenStore) Subject(ctx context.Context, id session.ID, ref string, now int64) (directory.Subject, error) {
	subject, err := s.Store.Subject(ctx, id, ref, now)
	if err == nil && s.at != 0 {
		err = s.Touch(ctx, id, subject.Membership.Organization.ID, policy.OrganizationSession{ActiveAt: s.at})
		s.at = 0
	}
	return subject, err
}

func TestIdle_ConcurrentActivity(t *testing.T) {
	store := &overtakenStore{}
	w := newBackend(t, func(s host.Store) host.Store { store.Store = s; return store })
	w.rule(map[string]policy.Rules{"acme": {IdleTimeout: 600}})
	b := w.signedIn("alice")
	w.mint(b, "acme")
	w.Pass(601 * time.Second)
	store.at = w.Now().Unix() - 2
	w.wants(b.Post("/token", renews), http.StatusConflict, api.RequestTooOld) // to be sent again
	if got := b.Post("/token", renews); got.Status != http.StatusOK {
		t.Errorf("%d %s", got.Status, got.Body)
	}
}
