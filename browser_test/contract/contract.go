// Package contract runs the contract's HTTP scripts against a backend on any host.
// Every script of the folder scripts runs unchanged on each.
package contract

import (
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp"
)

//go:embed scripts
var scripts embed.FS

// Target is a backend to run the scripts against.
type Target struct {
	// PublicURL is the backend's base URL, on http://localhost:PORT.
	PublicURL string
	// Origin is the origin of its app "demo".
	Origin string
	// Issuer is the issuer of its provider.
	Issuer string
	// Keys are workspace API keys, by app, and of the kind events by its name.
	Keys map[string]string
}

// Client of the workspace at the provider.
const (
	ClientID     = "tabard"
	ClientSecret = "a secret of the tests alone"
)

// Domain is northwind's. A host has to verify it, or to run VerifyDomain on its database.
const Domain = "northwind.example"

// Team is the origin of the app in which several people can be signed in. It has no server.
const Team = "http://localhost:2"

// VerifyDomain is the SQL that verifies northwind's domain without DNS.
const VerifyDomain = `UPDATE domains SET verified_at = created_at, checked_at = created_at, tried_at = created_at WHERE name = '` + Domain + "';\n"

// northwind is the path of the provider of the organization that has its own.
const northwind = "/northwind"

// Provider serves the development provider for a backend until the test ends, and
// returns its issuer. alice belongs to acme, globex and initech, bob and dave to acme,
// erin to acme and to vault, which is strict, frank to castle, which has keys of its own,
// fred to acme and to northwind, which has a provider of its own, carol to none. The
// scripts run at once: only dave signs out everywhere, and only gwen's and rita's
// sessions are revoked.
func Provider(t testing.TB, publicURL, origin string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	issuer := "http://" + listener.Addr().String()
	config := idp.Config{
		Issuer: issuer, ClientID: ClientID, ClientSecret: ClientSecret,
		RedirectURIs:           []string{publicurl.Callback(publicURL)},
		PostLogoutRedirectURIs: []string{origin + "/"},
		People: []idp.Person{
			{Subject: "alice", Name: "Alice Martin", Email: "alice@example.com"},
			{Subject: "bob", Name: "Bob Ito", Email: "bob@example.com"},
			{Subject: "carol", Name: "Carol Diaz", Email: "carol@example.com"},
			{Subject: "dave", Name: "Dave Obi", Email: "dave@example.com"},
			{Subject: "erin", Name: "Erin Sato", Email: "erin@example.com"},
			{Subject: "fred", Name: "Fred Osei", Email: "fred@example.com"},
			{Subject: "gwen", Name: "Gwen Hale", Email: "gwen@example.com"},
			{Subject: "frank", Name: "Frank Berg", Email: "frank@example.com"},
		},
	}
	own := config
	own.Issuer, own.RedirectURIs = issuer+northwind, []string{publicurl.ConnectionCallback(publicURL, "con_northwind")}
	own.People = []idp.Person{
		{Subject: "f.osei", Name: "Fred Osei", Email: "fred@example.com"},
		{Subject: "nina", Name: "Nina Owens", Email: "nina@example.com"},
		{Subject: "gina", Name: "Gina Rossi", Email: "gina@northwind.example"},
		{Subject: "rita", Name: "Rita Voss", Email: "rita@northwind.example"},
	}
	both := http.NewServeMux()
	for path, config := range map[string]idp.Config{"/": config, northwind + "/": own} {
		handler, err := idp.New(config)
		if err != nil {
			t.Fatal(err)
		}
		both.Handle(path, handler)
		both.Handle(strings.TrimSuffix(path, "/")+signer, serveSigner(handler, config.Issuer))
	}
	server := &http.Server{Handler: both}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return issuer
}

// Scripted returns the workspace that the scripts need: Desired, whose tokens state
// further claims and are lent.
func Scripted(issuer, origin string) directory.Desired {
	d := Desired(issuer, origin)
	demo := &d.Workspace.Apps[0]
	demo.StatedClaims = map[string]directory.StatedClaim{
		"plan": {Organization: "plan"}, "employee": {Provider: "employee_number"},
		"map": {Object: map[string]directory.StatedClaim{"organization": {Claim: "org_id"}, "role": {Value: "user"}}},
	}
	demo.FurtherAudiences, demo.LentClaims = []string{"https://files.example"}, []string{"map"}
	d.Organizations[0].Attributes = `{"plan":"pro"}`
	return d
}

// Desired returns a workspace for people of an issuer.
func Desired(issuer, origin string) directory.Desired {
	member := func(sub string, roles ...string) directory.Member {
		return directory.Member{User: directory.User{Issuer: issuer, Subject: sub}, Roles: roles}
	}
	organization := func(slug, name string, members ...directory.Member) directory.DesiredOrganization {
		return directory.DesiredOrganization{
			Organization: directory.Organization{ID: "org_" + slug, Slug: slug, Name: name}, Members: members,
		}
	}
	vault := organization("vault", "Vault", member("erin", "editor"))
	vault.Rules = policy.Rules{ACR: []string{idp.ACRSecondFactor}, IdleTimeout: 2, AccessTTL: 60, FreshOnSwitch: true}
	own := organization("northwind", "Northwind", member("fred", "editor"))
	own.Rules.Connection = "con_northwind"
	own.Connections = []directory.DesiredConnection{{Connection: directory.Connection{
		ID: "con_northwind", Issuer: issuer + northwind, ClientID: ClientID, Enabled: true, FromFile: true,
		Provisioning: directory.Provisioning{JustInTime: true, Roles: []string{"viewer"}},
	}}}
	own.Domains = []string{Domain}
	castle := organization("castle", "Castle", member("frank", "editor"))
	castle.Rules = policy.Rules{DedicatedKey: true}
	return directory.Desired{
		Workspace: directory.Workspace{
			Apps: []directory.App{
				{ID: "demo", Name: "Demo", Origins: originsOf(origin), Audience: origin + "/api"},
				{ID: "team", Name: "Team", Origins: []string{Team}, Audience: Team + "/api", Accounts: directory.SeveralAccounts},
				{ID: "reports", Name: "Reports", Origins: []string{"http://localhost:1"}, Audience: "http://localhost:1/api"},
			},
			Roles: map[string][]string{
				"viewer": {"notes:read"}, "editor": {"notes:read", "notes:write"},
				"admin": {"notes:read", "notes:write", "notes:delete"},
			},
		},
		Organizations: []directory.DesiredOrganization{
			organization("acme", "Acme Corporation", member("alice", "admin"), member("bob", "viewer"), member("dave", "viewer"), member("erin", "viewer"), member("fred", "viewer"), member("gwen", "viewer")),
			organization("globex", "Globex", member("alice", "editor")),
			organization("initech", "Initech", member("alice", "viewer")),
			vault, own, castle,
		},
	}
}

// Seal encrypts the client secret of a workspace's connections.
func Seal(d directory.Desired, secret signingkey.Secret) directory.Desired {
	for _, o := range d.Organizations {
		for i := range o.Connections {
			o.Connections[i].SealedSecret = secret.Sealer(signingkey.ForConnections).Seal([]byte(ClientSecret), o.Connections[i].ID)
		}
	}
	return d
}

// Run runs every script against a target.
func Run(t *testing.T, target Target) {
	t.Helper()
	run(t, target, "scripts")
}

// run runs the scripts of a folder.
func run(t *testing.T, target Target, folder string) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Dir: unpack(t, folder),
		Setup: func(env *testscript.Env) error {
			tb, ok := env.T().(testing.TB)
			if !ok {
				return fmt.Errorf("%T does not implement testing.TB", env.T())
			}
			env.Setenv("ORIGIN", target.Origin)
			env.Setenv("ISSUER", target.PublicURL)
			env.Setenv("PROVIDER", target.Issuer)
			env.Setenv("KEY", target.Keys["demo"])
			env.Setenv("EVENTSKEY", target.Keys["events"])
			env.Setenv("REPORTSKEY", target.Keys["reports"])
			env.Values[scriptKey{}] = newScript(tb, target)
			return nil
		},
		Cmds: commands,
	})
}

// unpack writes the scripts where testscript reads them.
func unpack(t *testing.T, from string) string {
	folder := t.TempDir()
	files, err := fs.Glob(scripts, from+"/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no scripts: %v", err)
	}
	for _, file := range files {
		text, err := scripts.ReadFile(file)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, filepath.Base(file)), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// Ready waits until a backend answers; it fails the test after a while.
func Ready(t testing.TB, publicURL string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, publicURL+"/.well-known/jwks.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := http.DefaultClient.Do(r); err == nil {
			said, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err == nil && !strings.Contains(string(said), `"reason":"starting"`) {
				return
			}
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s does not answer", publicURL)
		case <-tick.C:
		}
	}
}

// script is one script's state: its browsers and the last answer.
type script struct {
	tb       testing.TB
	target   Target
	browsers map[string]*httpbrowser.Browser
	origins  map[string]string // of the pages of page
	browser  string
	next     *httpbrowser.Browser // with the next request's headers
	answer   httpbrowser.Response
	token    string // the last access token
	tries    int    // the requests of doors
}

type scriptKey struct{}

func newScript(tb testing.TB, target Target) *script {
	return &script{tb: tb, target: target, browsers: map[string]*httpbrowser.Browser{}, origins: map[string]string{}}
}
