package deployment

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// Rotate runs tabard secret rotate, and returns its output and whether it made a step.
func (d *Deployment) Rotate(args ...string) (said string, done bool) {
	d.Helper()
	args = append([]string{"secret", "rotate", "--secret-file", d.Secret, "--database", d.Database}, args...)
	out, err := exec.Command(program.Path(d, "tabard"), args...).CombinedOutput()
	return string(out), err == nil
}

// Step makes one step of the replacement.
func (d *Deployment) Step(says string) {
	d.Helper()
	if said, done := d.Rotate(); !done || !strings.Contains(said, says) {
		d.Fatalf("it did not say %q: %s", says, said)
	}
}

// Distribute copies the operator's secret file to replicas, by default to all.
func (d *Deployment) Distribute(replicas ...*Replica) {
	d.Helper()
	if replicas == nil {
		replicas = d.Replicas
	}
	for _, r := range replicas {
		d.Run("install", "-m", "600", d.Secret, r.Secret)
	}
}

// SecretIDs returns the ids of the values in the operator's secret file.
func (d *Deployment) SecretIDs() []string {
	d.Helper()
	text, err := os.ReadFile(d.Secret)
	if err != nil {
		d.Fatal(err)
	}
	secret, err := signingkey.ParseSecret(string(text))
	if err != nil {
		d.Fatal(err)
	}
	ids, err := secret.IDs()
	if err != nil {
		d.Fatal(err)
	}
	return ids
}

// Reload makes every server reload its secrets.
func (d *Deployment) Reload() {
	d.Helper()
	for _, r := range d.Replicas {
		before := r.Process.Count("secrets reloaded")
		if err := syscall.Kill(r.Process.PID(), syscall.SIGHUP); err != nil {
			d.Fatal(err)
		}
		d.Await("a server reloads its secrets", func() bool { return r.Process.Count("secrets reloaded") > before })
	}
}

// Await waits until a condition is true.
func (d *Deployment) Await(what string, is func() bool) {
	d.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 1500 {
		if is() {
			return
		}
		<-tick.C
	}
	d.Fatalf("not seen: %s", what)
}

// AgeByOneDay moves the times in the database, except those of sessions, a day back,
// so that everything made under the old secret has expired.
func (d *Deployment) AgeByOneDay() {
	d.Helper()
	pg.Exec(d, d.DSN,
		`UPDATE secret_keys SET first_seen = first_seen - 86400, last_seen = last_seen - CASE WHEN left_at IS NULL THEN 0 ELSE 86400 END`,
		`UPDATE signing_keys SET created_at = created_at - 86400, signs_at = signs_at - 86400`)
}
