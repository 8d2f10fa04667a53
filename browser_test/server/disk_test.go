package server

import (
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
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
	d.Start(d.Replicas[0])
	f := fullDisk{d, d.OnServersDisks(), d.FillDisk}
	if said := f.doctor(); !strings.Contains(said, "MB left") || strings.Contains(said, "it is full") {
		t.Errorf("with room the doctor says\n%s", said)
	}
	f.run(t, "it is full: the database's disk has 0 MB left", "it cannot be written: sqlstore: probe: database or disk is full")
}

// TestFullDisk_PostgreSQL is the same for the disk of a PostgreSQL, which may find room
// for a row in its tables.
func TestFullDisk_PostgreSQL(t *testing.T) {
	cluster := pg.NewSmallCluster(t, 150)
	d := deployment.Prepare(t, 2, cluster.DSN())
	d.Apply(2)
	d.StartTogether()
	fullDisk{d, nil, cluster.FillDisk}.run(t, "it cannot be written: sqlstore: probe: ERROR: could not", "No space left on device")
}

// fullDisk is a deployment with a disk that can be filled.
type fullDisk struct {
	*deployment.Deployment
	doctorRunner []string // the start of the command that runs the doctor
	fill         func() (empty func())
}

// run fills the disk. wants is what the doctor says of the database then.
func (f fullDisk) run(t *testing.T, wants ...string) {
	mint := func(b *httpbrowser.Browser) httpbrowser.Response {
		return b.Post("/token", `{"organization":"acme","enter":true}`)
	}
	in := httpbrowser.New(t, f.Origin, f.Origin+"/auth")
	in.SignIn(deployment.Person(0))
	if got := mint(in); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	if said := f.doctor(); strings.Contains(said, "no write lands") || !strings.Contains(said, "a write lands") {
		t.Errorf("with room the doctor says\n%s", said)
	}

	empty := f.fill()
	f.Await("readiness fails for a write", f.ready(`"failed":"write"`))
	said := f.doctor()
	for _, want := range append(wants, "no write lands in its database: the disk is full") {
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
	late := httpbrowser.New(t, f.Origin, f.Origin+"/auth")
	if got := late.SignIn(deployment.Person(1)); got.Status != http.StatusServiceUnavailable && f.DSN == "" {
		t.Errorf("a sign-in: %d %s", got.Status, got.Body)
	}

	empty()
	f.Await("readiness returns", f.ready(`"ok"`))
	late.SignIn(deployment.Person(1))
	for _, b := range []*httpbrowser.Browser{in, late} {
		if got := mint(b); got.Status != http.StatusOK {
			t.Errorf("with room again: %d %s", got.Status, got.Body)
		}
	}
}

// ready reports whether the first replica's readiness contains a text.
func (f fullDisk) ready(want string) func() bool {
	return func() bool {
		f.Helper()
		answer, err := http.Get("http://" + f.Replicas[0].Listen + "/auth/readyz")
		if err != nil {
			f.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		return err == nil && strings.Contains(string(text), want)
	}
}

// doctor returns what the doctor says, without the breaks of lines.
func (f fullDisk) doctor() string {
	args := append(slices.Clone(f.doctorRunner), program.Path(f, "tabard"), "doctor", "--public-url", f.Origin+"/auth",
		"--database", f.Database, "--secret-file", f.Replicas[0].Secret, "--oidc-issuer", f.Issuer,
		"--oidc-client-id", deployment.ClientID, "--oidc-client-secret-file", f.ClientSecretFile)
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	return strings.Join(strings.Fields(string(out)+program.Stderr(err)), " ")
}
