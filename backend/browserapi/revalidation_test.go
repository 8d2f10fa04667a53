package browserapi_test

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/host/metrics"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp"
)

const providerHost = "127.0.0.1:8081"

// fiveMinutes is a setting whose grace is an hour.
var fiveMinutes = directory.Revalidation{Revalidate: 300, RevalidateGrace: 3600}

// revalidating starts a backend that asks the workspace's provider again, with metrics.
func revalidating(t *testing.T, wrap func(host.Store) host.Store) *backend {
	t.Helper()
	w := newBackend(t, wrap)
	w.Metrics = metrics.New()
	w.Provider.RefreshTokens = &idp.RefreshTokens{}
	w.signsIn(directory.SignIn{Revalidation: fiveMinutes})
	w.Restart()
	return w
}

// leave has a person leave at the provider.
func leave(tokens *idp.RefreshTokens, person string) {
	tokens.Refuse = func(sub string) bool { return sub == person }
}

// asked fails the test unless the provider was asked so many times.
func (w *backend) asked(want int) {
	w.Helper()
	if got := len(w.Provider.RefreshTokens.Asked()); got != want {
		w.Errorf("the provider was asked %d times, want %d\n%s", got, want, w.Logged)
	}
}

// ended fails the test unless a session has ended because of the provider.
func (w *backend) ended(b *httpbrowser.Browser) {
	w.Helper()
	w.wants(b.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
	if len(sessionCookies(b)) != 0 {
		w.Errorf("the browser keeps %v", sessionCookies(b))
	}
}

func TestRevalidation_LeaverLosesTheSession(t *testing.T) {
	w := revalidating(t, nil)
	alice, bob := w.signedIn("alice"), w.signedIn("bob")
	w.mint(alice, "acme")
	w.mint(bob, "acme")
	leave(w.Provider.RefreshTokens, "bob")
	w.Pass(299 * time.Second)
	w.mint(bob, "acme")
	w.asked(0)
	w.Pass(time.Second)
	w.ended(bob)
	w.mint(alice, "acme")
	w.asked(2)
	for query, want := range map[string]int{
		`SELECT COUNT(*) FROM endings WHERE reason = 'provider_refused' AND session_id <> ''`:                       1,
		`SELECT COUNT(*) FROM audit WHERE action = 'sign_out' AND reason = 'provider_refused' AND actor = 'server'`: 1,
		`SELECT COUNT(*) FROM provider_tokens`: 1,
	} {
		if got := w.Count(query); got != want {
			t.Errorf("%s: %d", query, got)
		}
	}
	w.counts(`tabard_revalidations_total{outcome="confirmed"} 1`, `tabard_revalidations_total{outcome="refused"} 1`)
}

// TestRevalidation_AsksOnceInTheInterval: the provider replaces the token each time.
func TestRevalidation_AsksOnceInTheInterval(t *testing.T) {
	w := revalidating(t, nil)
	b := w.signedIn("alice")
	for i := range 4 {
		for range 5 {
			w.mint(b, "acme")
			w.mint(b, "globex")
			w.asked(i)
			w.Pass(59 * time.Second)
		}
		w.Pass(5 * time.Second)
	}
}

// TestRevalidation_OneReplicaAsks: of mints that find the time come at once, one asks.
func TestRevalidation_OneReplicaAsks(t *testing.T) {
	w := revalidating(t, nil)
	b := w.signedIn("alice")
	w.mint(b, "acme")
	replica := w.Replica()
	w.Pass(6 * time.Minute)
	var all sync.WaitGroup
	for i := range 16 {
		tab := b.Tab()
		if i%2 == 1 {
			tab.Transport = replica.Hosts
		}
		all.Go(func() {
			if got := tab.Post("/token", renews); got.Status != http.StatusOK {
				t.Errorf("%d %s", got.Status, got.Body)
			}
		})
	}
	all.Wait()
	w.asked(1)
}

// TestRevalidation_UnreachableGoesOn: a provider that is down for an hour signs out only
// who has left meanwhile, when it is back.
func TestRevalidation_UnreachableGoesOn(t *testing.T) {
	for name, fault := range map[string]func(*backend, bool){
		"no connection": func(w *backend, down bool) {
			if w.Hosts[providerHost] = w.Provider; down {
				delete(w.Hosts, providerHost)
			}
		},
		"503":            faulty(idp.Fault{Status: 503, Error: "temporarily_unavailable"}),
		"429":            faulty(idp.Fault{Status: 429}),
		"429 and a code": faulty(idp.Fault{Status: 429, Error: "invalid_grant"}),
		"408 and a code": faulty(idp.Fault{Status: 408, Error: "access_denied"}),
		"invalid_client": faulty(idp.Fault{Status: 401, Error: "invalid_client"}),
		"unauthorized":   faulty(idp.Fault{Status: 400, Error: "unauthorized_client"}),
	} {
		t.Run(name, func(t *testing.T) {
			w := revalidating(t, nil)
			alice, bob := w.signedIn("alice"), w.signedIn("bob")
			w.mint(alice, "acme")
			w.mint(bob, "acme")
			fault(w, true)
			leave(w.Provider.RefreshTokens, "bob")
			for range 11 {
				w.Pass(5 * time.Minute)
				w.mint(alice, "acme")
				w.mint(bob, "acme")
			}
			fault(w, false)
			w.Pass(4 * time.Minute)
			w.ended(bob)
			w.mint(alice, "acme")
		})
	}
}

func faulty(f idp.Fault) func(*backend, bool) {
	return func(w *backend, down bool) {
		if w.Provider.Faults = nil; down {
			w.Provider.Faults = map[string]idp.Fault{"/token": f}
		}
	}
}

// TestRevalidation_GraceIsOver: without an answer for longer than the setting, nothing is
// minted, nothing ends, and an answer lets the session go on.
func TestRevalidation_GraceIsOver(t *testing.T) {
	w := revalidating(t, nil)
	b := w.signedIn("alice")
	w.mint(b, "acme")
	delete(w.Hosts, providerHost)
	w.Pass(59 * time.Minute)
	w.mint(b, "acme")
	w.Pass(2 * time.Minute)
	for range 3 {
		w.wants(b.Post("/token", renews), http.StatusServiceUnavailable, api.TemporarilyUnavailable)
		w.Pass(20 * time.Second)
	}
	w.counts(`tabard_revalidations_total{outcome="unreachable"} 2`)
	w.Hosts[providerHost] = w.Provider
	w.Pass(20 * time.Second)
	w.mint(b, "acme")
	w.mint(b, "globex")
	w.asked(1)
}

// TestRevalidation_PausesForAProviderThatIsDown: a replica asks it once in ten seconds,
// however many sessions are due.
func TestRevalidation_PausesForAProviderThatIsDown(t *testing.T) {
	w := revalidating(t, nil)
	var all []*httpbrowser.Browser
	for range 20 {
		b := w.signedIn("alice")
		w.mint(b, "acme")
		all = append(all, b)
	}
	asked := 0
	w.Provider.Endpoints = map[string]http.HandlerFunc{"/token": func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusServiceUnavailable)
	}}
	w.Pass(6 * time.Minute)
	for _, b := range all {
		w.mint(b, "acme")
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// TestRevalidation_ClaimsApply: what the fresh identity token says of groups counts as at
// a sign-in; what it does not say changes nothing.
func TestRevalidation_ClaimsApply(t *testing.T) {
	w := revalidating(t, nil)
	p := w.connect("acme", directory.Provisioning{
		JustInTime: true, Claim: "groups", Groups: map[string][]string{"staff": {"admin"}, "guests": {"viewer"}},
	})
	p.RefreshTokens = &idp.RefreshTokens{}
	w.revalidates("acme", fiveMinutes)
	p.People = map[string]map[string]any{"carol": {"groups": []string{"staff"}}}
	b := w.begin("acme", "carol")
	w.is(w.mint(b, "acme").Roles, "admin")
	p.People = map[string]map[string]any{"carol": {"groups": []string{"guests"}}}
	w.Pass(5 * time.Minute)
	w.is(w.mint(b, "acme").Roles, "viewer")
	p.People = map[string]map[string]any{}
	w.Pass(5 * time.Minute)
	w.is(w.mint(b, "acme").Roles, "viewer")
	w.asked(0)
	leave(p.RefreshTokens, "carol")
	w.Pass(5 * time.Minute)
	w.ended(b)
}

func (w *backend) is(got []string, want string) {
	w.Helper()
	if strings.Join(got, " ") != want {
		w.Errorf("roles %v, want %s", got, want)
	}
}

// revalidates has an organization's own connection asked again.
func (w *backend) revalidates(slug string, r directory.Revalidation) {
	w.Helper()
	c, err := w.Store.Connection(w.Context(), "con_"+slug)
	if err == nil {
		c.Revalidation, c.SealedSecret = r, ""
		err = w.Store.UpdateConnection(w.Context(), c)
	}
	if err != nil {
		w.Fatal(err)
	}
}

// TestRevalidation_ConnectionEndsWhatRestsOnIt: the session began at the workspace's
// provider and goes on in other organizations.
func TestRevalidation_ConnectionEndsWhatRestsOnIt(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(requireConnections("acme"))
	p := w.connect("acme", directory.Provisioning{})
	p.RefreshTokens = &idp.RefreshTokens{}
	w.revalidates("acme", fiveMinutes)
	b := w.keyed("alice")
	w.enterBy(b, "acme", "alice@acme")
	w.mint(b, "acme")
	w.mint(b, "globex")
	leave(p.RefreshTokens, "alice@acme")
	w.Pass(5 * time.Minute)
	w.mint(b, "globex")
	answer := b.Post("/token", renews)
	w.wants(answer, http.StatusUnauthorized, api.OrganizationSessionExpired)
	var e api.Error
	if answer.JSON(t, &e); e.Reason != string(policy.ProviderRefused) {
		t.Errorf("%+v", e)
	}
	w.wants(b.Post("/token", enters), http.StatusUnauthorized, api.InsufficientUserAuthentication)
	if n := w.Count(`SELECT COUNT(*) FROM endings WHERE reason = 'provider_refused' AND organization_id = 'org_acme'`); n != 1 {
		t.Errorf("%d endings", n)
	}
	leave(p.RefreshTokens, "")
	w.Pass(time.Second)
	w.enterBy(b, "acme", "alice@acme")
	w.mint(b, "acme")
}

// TestRevalidation_SealsTheToken: the token stands nowhere in the clear.
func TestRevalidation_SealsTheToken(t *testing.T) {
	w := revalidating(t, nil)
	b := w.signedIn("alice")
	w.Pass(5 * time.Minute)
	w.mint(b, "acme")
	faulty(idp.Fault{Status: 400, Error: "invalid_request", Description: "refresh_token " + w.Provider.RefreshTokens.Current()})(w, true)
	w.Pass(5 * time.Minute)
	w.mint(b, "acme")
	kept, err := os.ReadFile(w.File)
	if err != nil {
		t.Fatal(err)
	}
	wal, _ := os.ReadFile(w.File + "-wal")
	dump := w.Logged.String() + string(kept) + string(wal)
	for _, form := range w.Provider.RefreshTokens.Asked() {
		if strings.Contains(dump, form.Get("refresh_token")) {
			t.Error("a refresh token is in the clear")
		}
	}
	if strings.Contains(dump, w.Provider.RefreshTokens.Current()) {
		t.Error("the current refresh token is in the clear")
	}
}

// TestRevalidation_NoToken: a session without a token goes on as before, and so do all
// once the setting is gone.
func TestRevalidation_NoToken(t *testing.T) {
	w := revalidating(t, nil)
	with := w.signedIn("alice")
	w.mint(with, "acme")
	w.Provider.RefreshTokens, w.Metrics = nil, nil
	w.Restart()
	without := w.signedIn("bob")
	w.Pass(10 * time.Minute)
	w.mint(without, "acme")
	w.signsIn(directory.SignIn{})
	w.mint(with, "acme")
	if n := w.Count(`SELECT COUNT(*) FROM provider_tokens`) + w.Count(`SELECT COUNT(*) FROM sessions WHERE revalidate_at <> 0`); n != 0 {
		t.Errorf("%d tokens and times", n)
	}
}
