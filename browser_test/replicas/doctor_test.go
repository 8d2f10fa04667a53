package replicas_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/doctor"
	"github.com/tabard-auth/tabard/browser_test/kit/deployment"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// TestDoctor_NamesEachFaultOfAProxy runs the doctor as the guide says, behind each of the
// guide's proxies: it has nothing to say. Then it names each mistake in the proxy's
// configuration.
func TestDoctor_NamesEachFaultOfAProxy(t *testing.T) {
	for _, kind := range proxyKinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			d := startBehind(t, kind, "--trusted-proxies", "127.0.0.1/32")
			for _, f := range d.examine(t) {
				if f.Level != doctor.OK && f.Subject != "disk" {
					t.Errorf("it says of a good deployment: %s %s: %s → %s", f.Level, f.Subject, f.Text, f.Advice)
				}
			}
			addresses := strings.NewReplacer("SECOND", d.Replicas[1].Listen, "APP", d.app, "OTHER", d.another(t))
			for _, f := range proxyFaults[kind.name] {
				for i, text := range f.change {
					f.change[i] = addresses.Replace(text)
				}
				t.Run(f.name, func(t *testing.T) { d.isNamed(t, f) })
			}
		})
	}
}

// hidesOthers is what the doctor says of a mistake behind which it sees nothing else: what
// it said besides would mislead.
const hidesOthers = "answers of errors are replaced"

// isNamed makes a mistake in the proxy's configuration, and runs the doctor.
func (d *proxied) isNamed(t *testing.T, f fault) {
	config := d.config
	for i := 0; i < len(f.change); i += 2 {
		if !strings.Contains(config, f.change[i]) {
			t.Fatalf("the guide's %s does not have %q", d.kind.file, f.change[i])
		}
		config = strings.ReplaceAll(config, f.change[i], f.change[i+1])
	}
	d.stopProxy()
	os.RemoveAll(filepath.Join(d.folder, "cache"))
	d.stopProxy = d.startProxy(config, "/page")
	slow := "0"
	if f.name == "does not wait" {
		slow = "3s"
	}
	findings := d.examine(t, "--slow", slow)
	named := false
	for _, found := range findings {
		switch {
		case found.Level == doctor.OK, found.Subject == "disk":
		case strings.Contains(found.Text, f.says):
			t.Logf("%s %s: %s → %s", found.Level, found.Subject, found.Text, found.Advice)
			named = true
		case f.says == hidesOthers:
			t.Errorf("it says besides: %s %s: %s → %s", found.Level, found.Subject, found.Text, found.Advice)
		}
	}
	if !named {
		t.Errorf("nobody says %q: %+v", f.says, findings)
	}
}

// another starts a server of another deployment with the same public URL, and returns its
// address.
func (d *proxied) another(t *testing.T) string {
	other := &deployment.Deployment{
		TB: t, Origin: d.Origin, Issuer: d.Issuer, ClientSecretFile: d.ClientSecretFile,
		Database: "sqlite:" + filepath.Join(t.TempDir(), "other.db"), Secret: filepath.Join(t.TempDir(), "tabard.secret"),
	}
	other.NewSecret()
	other.AddReplicas(1)
	other.Distribute()
	other.Start(other.Replicas[0])
	return other.Replicas[0].Listen
}

// examine runs tabard doctor with the settings of the servers, and further ones.
func (d *proxied) examine(t *testing.T, further ...string) (findings []doctor.Finding) {
	t.Helper()
	command := exec.Command(program.Path(t, "tabard"), append([]string{"doctor", "--json", "--public-url", d.Origin + "/auth", "--database", d.Database,
		"--secret-file", d.Secret, "--oidc-issuer", d.Issuer, "--oidc-client-id", deployment.ClientID,
		"--oidc-client-secret-file", d.ClientSecretFile, "--trusted-proxies", "127.0.0.1/32", "--echo-url", d.Origin + "/page"}, further...)...)
	command.Env = append(os.Environ(), "SSL_CERT_FILE="+filepath.Join(d.folder, "trusted.pem"))
	out, err := command.Output()
	if json.Unmarshal(out, &findings) != nil {
		t.Fatalf("%v: %s%s", err, out, program.Stderr(err))
	}
	return findings
}
