//go:build long

package replicas_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/deployment"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// trial is three replicas on a PostgreSQL of their own, and the followers of their feed.
type trial struct {
	*deployment.Deployment
	test      *testing.T
	people    int
	cluster   *pg.Cluster
	verifier  *token.Verifier
	reports   *token.Verifier // of the second app's tokens
	adminKey  string
	serverKey string

	store     *sqlstore.Store
	fourth    http.Handler // a replica whose mints can be paused
	paused    *pausingStore
	pausing   atomic.Bool // of commits
	overtaken atomic.Bool // of mints
	calm      atomic.Bool // nothing else happens

	spare         []*member // whose ends the follower that is away does not hear
	first, second *goFollower
	script        *scriptAPI
	missed        atomic.Int64
	signedLate    atomic.Int64
}

// member is a person's session, and a token of it.
type member struct {
	person  string
	browser *httpbrowser.Browser
	claims  *token.Claims
	by      *change // that ends it

	raw        string               // the token, where its signing key ends it
	other      *httpbrowser.Browser // that takes part in the change
	connection string               // of their organization
}

func (w *trial) followers() []apiFollower { return []apiFollower{w.first, w.second, w.script} }

// newTrial starts a trial with this number of people. The statements are made of the
// database before the replicas start.
func newTrial(t *testing.T, people int, before ...string) *trial {
	cluster := pg.NewCluster(t)
	d := deployment.Prepare(t, people, cluster.DSN())
	w := &trial{Deployment: d, test: t, cluster: cluster, people: people}
	w.apply()
	for _, statement := range before {
		pg.Exec(t, w.DSN, statement)
	}
	d.StartTogether()
	w.adminKey, w.serverKey = w.key("administration"), w.key("workspace")
	w.verifier, w.reports = w.verifierFor("/api"), w.verifierFor("/reports")
	w.first, w.second = w.follower("the first follower in Go"), &goFollower{called: "the second follower in Go"}
	w.startSecond()
	w.script = &scriptAPI{of: w}
	w.startScript()
	w.startFourth()
	return w
}

// decoded decodes JSON.
func decoded[T any](w *trial, text string) (value T) {
	w.Helper()
	w.must(json.Unmarshal([]byte(text), &value))
	return value
}

func (w *trial) must(err error) {
	if err != nil {
		w.Helper()
		w.Fatal(err)
	}
}

func (w *trial) key(kind string) string {
	return strings.TrimSpace(w.Run(program.Path(w.test, "tabard"), "keys", "create", "--kind", kind, "--name", kind, "--database", w.Database, "--secret-file", w.Secret))
}

// apply applies a workspace in which everybody belongs to acme and to narrow, by the file,
// and nobody to umbra.
func (w *trial) apply() {
	var members []map[string]any
	for i := range w.people {
		members = append(members, map[string]any{"iss": w.Issuer, "sub": deployment.Person(i), "roles": []string{"viewer"}})
	}
	workspace := w.workspace(false, []string{"notes:read", "notes:write"})
	workspace["organizations"] = []any{
		map[string]any{"id": "org_acme", "slug": "acme", "name": "Acme", "members": members},
		map[string]any{"id": "org_narrow", "slug": "narrow", "name": "Narrow", "members": members, "policy": map[string]any{"max_sessions": 1}},
		map[string]any{"id": "org_umbra", "slug": "umbra", "name": "Umbra"},
	}
	w.applyFile(workspace)
}

func (w *trial) verifierFor(path string) *token.Verifier {
	issuer := w.Origin + "/auth"
	v, err := token.NewVerifier(token.Config{
		Issuer: issuer, Audience: w.Origin + path,
		Keys: token.NewKeySet(issuer+"/.well-known/jwks.json", nil), Organizations: token.NewKeySets(issuer, nil),
	})
	w.must(err)
	return v
}

// enterAll signs people in, from a number on, each as one of the kinds of changes needs it.
func (w *trial) enterAll(all []*member, from int, kinds []change) {
	var group sync.WaitGroup
	var next atomic.Int64
	for range trialWorkers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(all); i = int(next.Add(1)) - 1 {
				all[i] = w.enter(from+i, "acme")
				all[i].by = &kinds[i%len(kinds)]
				if all[i].by.prepare != nil {
					all[i].by.prepare(w, all[i])
				}
			}
		})
	}
	group.Wait()
}

// enter signs a person in and mints a token.
func (w *trial) enter(i int, organization string) *member {
	m := &member{person: deployment.Person(i), browser: httpbrowser.New(w.test, w.Origin, w.Origin+"/auth")}
	m.browser.SignIn(m.person)
	m.claims = w.mint(m.browser, organization)
	return m
}

func (w *trial) mint(b *httpbrowser.Browser, organization string) *token.Claims {
	claims, err := w.verifier.Verify(w.Context(), w.minted(b, organization))
	w.must(err)
	return claims
}

func (w *trial) minted(b *httpbrowser.Browser, organization string) string {
	return decoded[api.TokenResponse](w, b.Post("/token", `{"organization":"`+organization+`","enter":true}`).Body).AccessToken
}

// childOf opens a session in the second app and returns its token.
func (w *trial) childOf(m *member) *token.Claims {
	status, text := w.call("POST", "/v1/workspaces/default/sessions", w.serverKey, w.minted(m.browser, "acme"), `{"app_id":"reports"}`)
	if status != http.StatusOK {
		w.Fatalf("%d %s", status, text)
	}
	claims, err := w.reports.Verify(w.Context(), decoded[struct{ Access string }](w, text).Access)
	w.must(err)
	return claims
}

func (w *trial) call(method, path, key, subject, body string) (status int, text string) {
	r, err := http.NewRequestWithContext(w.Context(), method, w.Origin+"/auth"+path, strings.NewReader(body))
	w.must(err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+key)
	if subject != "" {
		r.Header.Set("X-Authorization", "Bearer "+subject)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return http.StatusServiceUnavailable, err.Error()
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		return http.StatusServiceUnavailable, err.Error()
	}
	return answer.StatusCode, string(all)
}

// admin makes a change by the administration API, again while the database is away.
func (w *trial) admin(method, path, body string) {
	w.again(func() (int, string) { return w.call(method, "/admin/v1"+path, w.adminKey, "", body) })
}

// again repeats a request while the server fails. A refusal after that means that the
// change was made, and its answer lost.
func (w *trial) again(ask func() (int, string)) {
	for failed := false; ; failed = true {
		status, text := ask()
		switch {
		case status < 300 || failed && status < 500:
			return
		case status < 500:
			w.Errorf("a change is refused: %d %s", status, text)
			return
		}
		<-time.After(50 * time.Millisecond)
	}
}

// startFourth starts a replica in this process.
func (w *trial) startFourth() {
	var err error
	w.store, err = postgres.Open(w.Context(), w.DSN)
	w.must(err)
	w.Cleanup(func() { w.store.Close() })
	text, err := os.ReadFile(w.Secret)
	w.must(err)
	secret, err := signingkey.ParseSecret(string(text))
	w.must(err)
	w.paused = &pausingStore{Store: w.store, pause: map[string]pausedMint{}}
	w.fourth, err = host.New(host.Config{
		PublicURL: w.Origin + "/auth", Secret: secret,
		Provider: login.Config{Issuer: w.Issuer, ClientID: deployment.ClientID, ClientSecret: deployment.ClientSecret},
	}, w.paused)
	w.must(err)
}

// outlive lets the feed go on, while the follower in TypeScript is stopped, and forget what
// happened until then. The follower's poll may have been answered with the first event,
// but not with the second.
func (w *trial) outlive() {
	for _, m := range w.spare {
		m.browser.Post("/logout", `{"scope":"session"}`)
		<-time.After(time.Second)
	}
	feed, err := w.store.Feed(w.Context())
	w.must(err)
	const day = 24 * 60 * 60
	pg.Exec(w.test, w.DSN, fmt.Sprintf("UPDATE endings SET at = at - %d WHERE number <= %d", 2*day, feed.Number))
	w.must(w.store.ForgetEndings(w.Context(), time.Now().Unix()-day))
}
