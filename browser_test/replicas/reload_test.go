package replicas_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/deployment"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// TestReload_SecretReplaced replaces the secret, and the client secret at the provider,
// in running servers: no session ends, no request fails, and no server restarts.
func TestReload_SecretReplaced(t *testing.T) {
	const people = 12
	d := deployment.New(t, people)
	c := d.StartCrowd(t, people, false)
	c.AwaitNewSignIns(t)
	before := d.SecretIDs()[0]
	for _, step := range []string{"Step 1 of 3 is done", "Step 2 of 3 is done"} {
		d.Await(step, func() bool {
			said, done := d.Rotate()
			return done && strings.Contains(said, step)
		})
		d.Distribute()
		d.Reload()
		c.AwaitNewSignIns(t)
	}
	if ids := d.SecretIDs(); len(ids) != 2 || ids[0] == before {
		t.Errorf("the values are %v, and the first was %s", ids, before)
	}
	c.Stop()
	c.CheckFailures(t)
	if n := c.Repeated.Load(); n > 0 {
		t.Errorf("%d requests had to be repeated", n)
	}

	d.Register(people, "another client secret")
	d.Reload()
	b := httpbrowser.New(t, d.Origin, d.Origin+"/auth")
	b.SignIn(deployment.Person(0))
	if answer := b.Post("/token", `{"organization":"acme","enter":true}`); answer.Status != 200 {
		t.Errorf("with the client's new secret: %d %s", answer.Status, answer.Body)
	}
	for _, r := range d.Replicas {
		select {
		case <-r.Process.Ended:
			t.Error("a server ended")
		default:
		}
	}
}

// TestReload_BadSecret: a server keeps its secrets if the new ones cannot be used.
func TestReload_BadSecret(t *testing.T) {
	d := deployment.New(t, 1)
	b := httpbrowser.New(t, d.Origin, d.Origin+"/auth")
	b.SignIn(deployment.Person(0))
	good, err := os.ReadFile(d.Secret)
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"nonsense": "hunter2\n", "nothing": "",
		"another workspace's": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n",
	} {
		for _, r := range d.Replicas {
			if err := os.WriteFile(r.Secret, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			before := r.Process.Count("were not reloaded")
			if err := syscall.Kill(r.Process.PID(), syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			d.Await(what+" is refused", func() bool { return r.Process.Count("were not reloaded") > before })
		}
		if answer := b.Post("/token", `{"organization":"acme","enter":true}`); answer.Status != 200 {
			t.Errorf("%s: %d %s", what, answer.Status, answer.Body)
		}
	}
	if err := os.WriteFile(d.Secret, good, 0o600); err != nil {
		t.Fatal(err)
	}
	d.Distribute()
	d.Reload()
}
