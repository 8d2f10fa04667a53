package server

import (
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/kit/deployment"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// TestFullDisk_ReadinessAndDoctorSayIt: the disk of a running server's SQLite file is
// filled to the last byte. People stay signed in, readiness and the doctor name the fault,
// and all goes on as soon as there is room.
func TestFullDisk_ReadinessAndDoctorSayIt(t *testing.T) {
	d := deployment.PrepareOne(t, 2)
	d.Apply(2)
	d.OnSmallDisk(100)
	server := d.Replicas[0]
	d.Start(server)
	readiness := func(want string) func() bool {
		return func() bool {
			answer, err := http.Get("http://" + server.Listen + "/auth/readyz")
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			text, err := io.ReadAll(answer.Body)
			return err == nil && strings.Contains(string(text), want)
		}
	}
	doctor := func() string {
		args := append(d.OnServersDisks(), program.Path(t, "tabard"), "doctor", "--public-url", d.Origin+"/auth",
			"--database", d.Database, "--secret-file", server.Secret, "--oidc-issuer", d.Issuer,
			"--oidc-client-id", deployment.ClientID, "--oidc-client-secret-file", d.ClientSecretFile)
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		return strings.Join(strings.Fields(string(out)+program.Stderr(err)), " ") // without the breaks of lines
	}
	mint := func(b *httpbrowser.Browser) httpbrowser.Response {
		return b.Post("/token", `{"organization":"acme","enter":true}`)
	}
	in := httpbrowser.New(t, d.Origin, d.Origin+"/auth")
	in.SignIn(deployment.Person(0))
	if got := mint(in); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	if said := doctor(); !strings.Contains(said, "MB left") || strings.Contains(said, "it is full") || strings.Contains(said, "no write lands") || !strings.Contains(said, "a write lands") {
		t.Errorf("with room the doctor says\n%s", said)
	}

	empty := d.FillDisk()
	d.Await("readiness fails for a write", readiness(`"failed":"write"`))
	said := doctor()
	for _, want := range []string{
		"it is full: the database's disk has 0 MB left", "no write lands in its database: the disk is full",
		"it cannot be written: sqlstore: probe: database or disk is full",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the doctor does not say %q:\n%s", want, said)
		}
	}
	if strings.Contains(said, "writable") || strings.Contains(said, "a write lands") {
		t.Errorf("the doctor says that the database can be written:\n%s", said)
	}
	if got := mint(in); got.Status != http.StatusOK && got.Code() != string(api.TemporarilyUnavailable) { // soon after a sign-in, a use is written
		t.Errorf("signed in before: %d %s", got.Status, got.Body)
	}
	late := httpbrowser.New(t, d.Origin, d.Origin+"/auth")
	if got := late.SignIn(deployment.Person(1)); got.Status != http.StatusServiceUnavailable {
		t.Errorf("a sign-in: %d %s", got.Status, got.Body)
	}

	empty()
	d.Await("readiness returns", readiness(`"ok"`))
	late.SignIn(deployment.Person(1))
	for _, b := range []*httpbrowser.Browser{in, late} {
		if got := mint(b); got.Status != http.StatusOK {
			t.Errorf("with room again: %d %s", got.Status, got.Body)
		}
	}
}
