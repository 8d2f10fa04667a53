package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/doctor"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
)

// deployment has the settings that the doctor is given.
type deployment struct{ publicURL, database, issuer string }

// deploy makes a deployment with one app, whose server does not run yet.
func deploy(t *testing.T) (d deployment, listen string) {
	t.Helper()
	listen = fmt.Sprintf("127.0.0.1:%d", ports.Hold(t))
	d = deployment{publicURL: "http://" + listen + "/auth", database: "sqlite:" + filepath.Join(t.TempDir(), "tabard.db")}
	d.issuer = provider(t, d.publicURL)
	return d, listen
}

func (d deployment) args(further ...string) []string {
	return append([]string{
		"--public-url", d.publicURL, "--database", d.database, "--oidc-issuer", d.issuer,
		"--oidc-client-id", "tabard", "--oidc-client-secret", "a secret",
	}, further...)
}

// describe applies a workspace with an app of that origin.
func (d deployment) describe(t *testing.T, origin string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "workspace.yaml")
	text := "apps: [{id: app, name: App, origins: ['" + origin + "'], audience: api}]"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := tabard(t, "apply", file, "--database", d.database); err != nil {
		t.Fatal(err)
	}
}

// start serves the deployment until the test ends.
func (d deployment) start(t *testing.T, listen string) {
	t.Helper()
	d.starting(t, listen)
}

// starting is start with further settings.
func (d deployment) starting(t *testing.T, listen string, further ...string) {
	t.Helper()
	server := startServer(t, settingsFor(t, d.args(append(further, "--listen", listen)...)...))
	server.unread()
	t.Cleanup(server.stop)
}

// examined runs the doctor and returns its findings as "subject: level: text".
func examined(t *testing.T, args []string) (findings string, err error) {
	t.Helper()
	out, _, err := tabard(t, append([]string{"doctor", "--json", "--slow", "0"}, args...)...)
	var all []doctor.Finding
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, f := range all {
		findings += f.Subject + ": " + string(f.Level) + ": " + f.Text + "\n"
	}
	return findings, err
}

func TestTheDoctorFindsARunningServerWell(t *testing.T) {
	d, listen := deploy(t)
	d.describe(t, "http://"+listen)
	d.start(t, listen)
	findings, err := examined(t, d.args())
	if err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		"settings: ok: all settings are present",
		"provider: ok: " + d.issuer + " answers",
		"provider: ok: it supports PKCE with S256",
		"provider: ok: it accepts the client tabard and its secret",
		"provider: ok: it accepts the redirect URI " + d.publicURL + "/callback",
		"clock: ok: the provider's clock agrees",
		"database: ok: its tables are of this release",
		"database: ok: commits survive a crash: journal_mode = wal, synchronous = full",
		"database: ok: a write lands",
		"keys: ok: all of them (1) can be opened with the secret",
		"keys: ok: 1 for ES256",
		"public address: ok: " + d.publicURL + " answers under this name",
		"public address: ok: it publishes its signing keys",
		"origins: ok: http://" + listen + " is on the same site and is accepted",
		"cookies: look: an app shares the host " + listen,
	} {
		if !strings.Contains(findings, want) {
			t.Errorf("%q is not among\n%s", want, findings)
		}
	}
}

func TestTheDoctorLooksBeforeTheFirstStartAndMakesNothing(t *testing.T) {
	d, _ := deploy(t)
	findings, err := examined(t, d.args())
	if err == nil || err.Error() != "1 problem found" {
		t.Errorf("the error is %v", err)
	}
	for _, want := range []string{
		"database: warning: there is none yet",
		"public address: problem: " + d.publicURL + ": this backend does not answer there",
	} {
		if !strings.Contains(findings, want) {
			t.Errorf("%q is not among\n%s", want, findings)
		}
	}
	folder := filepath.Dir(strings.TrimPrefix(d.database, sqlitePrefix))
	if made, err := os.ReadDir(folder); err != nil || len(made) > 0 {
		t.Errorf("it made %v: %v", made, err)
	}
}

func TestTheDoctorLooksAtWhatItCanBesideWrongSettings(t *testing.T) {
	d, _ := deploy(t)
	findings, err := examined(t, []string{"--database", d.database, "--oidc-issuer", d.issuer, "--log-level", "loud"})
	if err == nil || err.Error() != "4 problems found" {
		t.Errorf("the error is %v", err)
	}
	for _, want := range []string{
		"settings: problem: --public-url (or TABARD_PUBLIC_URL) is missing",
		`settings: problem: --log-level is "loud"`,
		"provider: ok: " + d.issuer + " answers",
		"database: warning: there is none yet",
	} {
		if !strings.Contains(findings, want) {
			t.Errorf("%q is not among\n%s", want, findings)
		}
	}
}

func TestFindingsAreATableOfEightyColumns(t *testing.T) {
	got := findingTable([]doctor.Finding{
		{Subject: "provider", Level: doctor.OK, Text: "it answers"},
		{Subject: "database", Level: doctor.OK, Text: "it is writable"},
		{Subject: "provider", Level: doctor.Problem, Text: strings.Repeat("word ", 20), Advice: "Mend it."},
	})
	want := `provider        ok       it answers
                problem  word word word word word word word word word word word
                         word word word word word word word word word
                         → Mend it.
database        ok       it is writable
`
	if got != want {
		t.Errorf("it is\n%s\nnot\n%s", got, want)
	}
	if got := findingTable([]doctor.Finding{{Subject: "keys", Level: doctor.Warning, Text: "none"}}); !strings.HasSuffix(got, "\nNo problem found.\n") {
		t.Errorf("without a problem it is\n%s", got)
	}
}
