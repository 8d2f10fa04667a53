package replicas_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// hangUp lets every server read its secrets again.
func (d *deployment) hangUp() {
	d.Helper()
	for _, r := range d.replicas {
		before := r.process.Count("secrets reloaded")
		if err := syscall.Kill(r.process.PID(), syscall.SIGHUP); err != nil {
			d.Fatal(err)
		}
		soon(d, "a server reloads its secrets", func() bool { return r.process.Count("secrets reloaded") > before })
	}
}

// soon waits until something is so.
func soon(d *deployment, what string, is func() bool) {
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

// TestReload_SecretReplaced replaces the secret, and the client's at the provider, in
// servers that run on: nobody is signed out, no request fails, and no server restarts.
func TestReload_SecretReplaced(t *testing.T) {
	const people = 12
	d := deploy(t, people)
	c := d.works(t, people, false)
	c.everybodySignsInAnew(t)
	before := d.ids()[0]
	for _, step := range []string{"Step 1 of 3 is done", "Step 2 of 3 is done"} {
		soon(d, step, func() bool {
			said, done := d.rotate()
			return done && strings.Contains(said, step)
		})
		d.distribute()
		d.hangUp()
		c.everybodySignsInAnew(t)
	}
	if ids := d.ids(); len(ids) != 2 || ids[0] == before {
		t.Errorf("the values are %v, and the first was %s", ids, before)
	}
	c.halt()
	c.untroubled(t)
	if n := c.repeated.Load(); n > 0 {
		t.Errorf("%d requests had to be repeated", n)
	}

	d.register(people, "another client secret")
	d.hangUp()
	b := httpbrowser.New(t, d.origin, d.origin+"/auth")
	b.SignIn(person(0))
	if answer := b.Post("/token", `{"organization":"acme","enter":true}`); answer.Status != 200 {
		t.Errorf("with the client's new secret: %d %s", answer.Status, answer.Body)
	}
	for _, r := range d.replicas {
		select {
		case <-r.process.Ended:
			t.Error("a server ended")
		default:
		}
	}
}

// TestReload_BadSecret keeps a server at the secrets that it has, where the new ones
// cannot be used.
func TestReload_BadSecret(t *testing.T) {
	d := deploy(t, 1)
	b := httpbrowser.New(t, d.origin, d.origin+"/auth")
	b.SignIn(person(0))
	good, err := os.ReadFile(d.secret)
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"nonsense": "hunter2\n", "nothing": "",
		"another workspace's": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n",
	} {
		for _, r := range d.replicas {
			if err := os.WriteFile(r.secret, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			before := r.process.Count("were not reloaded")
			if err := syscall.Kill(r.process.PID(), syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			soon(d, what+" is refused", func() bool { return r.process.Count("were not reloaded") > before })
		}
		if answer := b.Post("/token", `{"organization":"acme","enter":true}`); answer.Status != 200 {
			t.Errorf("%s: %d %s", what, answer.Status, answer.Body)
		}
	}
	if err := os.WriteFile(d.secret, good, 0o600); err != nil {
		t.Fatal(err)
	}
	d.distribute()
	d.hangUp()
}
