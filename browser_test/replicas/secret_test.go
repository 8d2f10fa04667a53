package replicas_test

import (
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/deployment"
)

// TestSecret_ReplacedUnderLoad follows the guide: each step is made by tabard
// secret rotate, which refuses one that is too early; then each replica gets the file
// and is restarted. No session ends, and no sign-in fails.
func TestSecret_ReplacedUnderLoad(t *testing.T) {
	const people = 24
	d := deployment.New(t, people)
	c := d.StartCrowd(t, people, false)
	c.AwaitNewSignIns(t)
	before := d.SecretIDs()[0]

	d.Step("Step 1 of 3 is done")
	d.Distribute(d.Replicas[0])
	d.Restart(d.Replicas[0])
	if said, done := d.Rotate(); done || strings.Count(said, "does not have the new secret") != 2 {
		t.Errorf("it is not refused for the two others: %s", said)
	}
	d.Distribute()
	d.Restart(d.Replicas[1:]...)

	d.Step("Step 2 of 3 is done")
	d.Distribute()
	d.Restart(d.Replicas[0])
	c.AwaitNewSignIns(t) // half-way
	if said, done := d.Rotate(); done || strings.Count(said, "does not use the new secret") != 2 {
		t.Errorf("it is not refused for the two others: %s", said)
	}
	d.Restart(d.Replicas[1:]...)
	if said, done := d.Rotate(); done || !strings.Contains(said, "sign-ins that began under the old secret may be under way") || !strings.Contains(said, "signing keys are sealed under the old secret") {
		t.Errorf("the step was not refused because of data made under the old secret: %s", said)
	}
	c.AwaitNewSignIns(t)
	d.AgeByOneDay()

	d.Step("Step 3 of 3 is done")
	if ids := d.SecretIDs(); len(ids) != 1 || ids[0] == before {
		t.Errorf("the values are %v, and were %s", ids, before)
	}
	d.Distribute()
	d.Restart(d.Replicas...)
	c.AwaitNewSignIns(t)
	c.Stop()
	c.CheckFailures(t)
}

// TestSecret_ReplacedInTheWrongOrder puts the new value first at once, on one replica
// after the other: the other replicas do not know it yet. A sign-in that begins at one
// replica and ends at another may have to begin again; sessions are unaffected.
func TestSecret_ReplacedInTheWrongOrder(t *testing.T) {
	const people = 12
	d := deployment.New(t, people)
	c := d.StartCrowd(t, people, true)
	c.AwaitNewSignIns(t)
	for range 2 { // the new value second, then first
		if said, done := d.Rotate("--offline"); !done {
			t.Fatal(said)
		}
	}
	d.Distribute(d.Replicas[0])
	d.Restart(d.Replicas[0])
	c.AwaitNewSignIns(t)
	d.Restart(d.Replicas[1]) // with the old file: it starts, although it cannot open the next signing key
	c.AwaitNewSignIns(t)
	d.Distribute()
	d.Restart(d.Replicas[1:]...)
	c.AwaitNewSignIns(t)
	c.Stop()
	c.CheckFailures(t)
	if c.Repeated.Load() == 0 {
		t.Error("no request came to a replica that did not know its key, so the test is not conclusive")
	}
}
