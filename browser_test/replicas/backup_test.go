package replicas_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/deployment"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// tabard runs a command of the operator's on the deployment's database.
func tabard(d *deployment.Deployment, args ...string) string {
	d.Helper()
	return d.Run(program.Path(d, "tabard"), append(args, "--database", d.Database)...)
}

// launch starts the one server, which need not get ready, and waits until it listens.
func launch(d *deployment.Deployment) *program.Process {
	d.Helper()
	r := d.Replicas[0]
	p := program.Start(d, "tabard", nil, "serve", "--listen", r.Listen, "--public-url", d.Origin+"/auth", "--database", d.Database,
		"--secret-file", r.Secret, "--oidc-issuer", d.Issuer, "--oidc-client-id", deployment.ClientID, "--oidc-client-secret-file", d.ClientSecretFile)
	p.Await(d, `"listen":`)
	return p
}

const mintAcme = `{"organization":"acme","enter":true}`

// A server that is running is backed up. What ended after that comes back with the backup:
// nothing is served before it is accepted, and then no cookie of before opens anything.
func TestBackup_RestoredIsServedOnlyWhenAccepted(t *testing.T) {
	d := deployment.PrepareOne(t, 2)
	d.Apply(2)
	first := launch(d)
	contract.Ready(t, "http://"+d.Replicas[0].Listen+"/auth")
	out, stayed := httpbrowser.New(t, d.Origin, d.Origin+"/auth"), httpbrowser.New(t, d.Origin, d.Origin+"/auth")
	out.SignIn(deployment.Person(0))
	stayed.SignIn(deployment.Person(1))
	backup := filepath.Join(t.TempDir(), "backup.db")
	tabard(d, "backup", backup)
	if mint := stayed.Post("/token", mintAcme); mint.Status != http.StatusOK {
		t.Fatalf("after the backup: %d %s", mint.Status, mint.Body)
	}
	copied := out.Copy()
	if answer := out.Post("/logout", `{"scope":"session"}`); answer.Status != http.StatusOK {
		t.Fatal(answer.Body)
	}
	refused := program.Start(t, "tabard", nil, "restore", backup, "--replace", "--database", d.Database)
	<-refused.Ended
	if refused.Count("the database is in use: stop the server first") != 1 {
		t.Error("a running server was not found")
	}
	first.Stop()
	tabard(d, "restore", backup, "--replace")

	restored := launch(d)
	for _, path := range []string{"/token", "/logout"} {
		if answer := stayed.Post(path, mintAcme); answer.Status != http.StatusServiceUnavailable || !strings.Contains(answer.Body, `"reason":"database_restored"`) {
			t.Errorf("%s: %d %s", path, answer.Status, answer.Body)
		}
	}
	ready, err := http.Get("http://" + d.Replicas[0].Listen + "/auth/readyz")
	if err != nil || ready.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("it is ready: %v, %v", ready, err)
	}
	if restored.Count("tabard restore --accept") == 0 {
		t.Error("the log does not say what to do")
	}
	if list := tabard(d, "restore", "--list"); !strings.Contains(list, deployment.Person(0)) {
		t.Errorf("the list is %s", list)
	}
	if said := tabard(d, "restore", "--accept", "--secret-file", d.Secret); !strings.Contains(said, "Ended 2 sessions.") {
		t.Errorf("it said %s", said)
	}
	restored.Await(t, "the database was accepted and is served")
	for name, b := range map[string]*httpbrowser.Browser{"signed out": copied, "signed in": stayed} {
		if answer := b.Post("/token", mintAcme); answer.Code() != "session_revoked" {
			t.Errorf("a cookie of somebody %s: %d %s", name, answer.Status, answer.Body)
		}
	}
	stayed.SignIn(deployment.Person(1))
	if mint := stayed.Post("/token", mintAcme); mint.Status != http.StatusOK {
		t.Errorf("a new sign-in: %d %s", mint.Status, mint.Body)
	}
	tabard(d, "sessions", "end", "--all", "--yes")
	if answer := stayed.Post("/token", mintAcme); answer.Code() != "session_revoked" {
		t.Errorf("after the end of all sessions: %d %s", answer.Status, answer.Body)
	}
}

// Twenty people work while everything is carried to PostgreSQL. Their requests are asked
// again while the server is stopped; nobody is signed out, and nobody else is served.
func TestMove_PeopleNoticeNothing(t *testing.T) {
	const people = 20
	d := deployment.PrepareOne(t, people)
	d.Apply(people)
	before := launch(d)
	contract.Ready(t, "http://"+d.Replicas[0].Listen+"/auth")
	c := d.StartCrowd(t, people, true)
	c.AwaitNewSignIns(t)
	from, to := d.Database, deployment.Address(pg.Postgres(t))
	before.Stop()
	said := tabard(d, "move", "--to", to)
	if !strings.Contains(said, "found the same counts and digests in both databases") {
		t.Errorf("it said %s", said)
	}
	stale := launch(d) // by mistake with the old database
	if answer := httpbrowser.New(t, d.Origin, d.Origin+"/auth").Post("/token", mintAcme); answer.Status != http.StatusServiceUnavailable {
		t.Errorf("the old database is served: %d %s", answer.Status, answer.Body)
	}
	stale.Stop()
	d.Database = to
	launch(d)
	contract.Ready(t, "http://"+d.Replicas[0].Listen+"/auth")
	c.AwaitNewSignIns(t)
	c.Stop()
	c.CheckFailures(t)
	if c.Repeated.Load() == 0 {
		t.Error("nobody asked while it was moved: nothing was tried")
	}
	d.Database = from
	if said := program.Start(t, "tabard", nil, "move", "--to", to, "--database", from); said != nil {
		<-said.Ended
		if said.Count("was moved already, to PostgreSQL") != 1 {
			t.Error("it was moved once more")
		}
	}
}
