package replicas_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestTheSecretIsReplacedWhilePeopleWork follows the guide: every step by tabard secret
// rotate, which refuses what is too early, and after it every replica gets the file and is
// restarted. Nobody is signed out, and nobody's sign-in fails.
func TestTheSecretIsReplacedWhilePeopleWork(t *testing.T) {
	const people = 60
	d := deploy(t, people)
	c := d.works(t, people, false)
	c.everybodySignsInAnew(t)
	before := d.ids()[0]

	d.step("Step 1 of 3 is done")
	d.distribute(d.replicas[0])
	d.restart(d.replicas[0])
	if said, done := d.rotate(); done || strings.Count(said, "does not have the new secret") != 2 {
		t.Errorf("it is not refused for the two others: %s", said)
	}
	d.distribute()
	d.restart(d.replicas[1:]...)

	d.step("Step 2 of 3 is done")
	d.distribute()
	d.restart(d.replicas[0])
	c.everybodySignsInAnew(t) // half-way
	if said, done := d.rotate(); done || strings.Count(said, "does not use the new secret") != 2 {
		t.Errorf("it is not refused for the two others: %s", said)
	}
	d.restart(d.replicas[1:]...)
	if said, done := d.rotate(); done || !strings.Contains(said, "sign-ins that began under the old secret may be under way") || !strings.Contains(said, "signing keys are sealed under the old secret") {
		t.Errorf("it is not refused for what was made before: %s", said)
	}
	c.everybodySignsInAnew(t)
	d.aDayPasses()

	d.step("Step 3 of 3 is done")
	if ids := d.ids(); len(ids) != 1 || ids[0] == before {
		t.Errorf("the values are %v, and were %s", ids, before)
	}
	d.distribute()
	d.restart(d.replicas...)
	c.everybodySignsInAnew(t)
	c.halt()
	c.untroubled(t)
}

// TestASecretReplacedTheWrongWaySignsNobodyOut puts the new value on top at once, one
// replica after the other, as the guide once said: the others do not know it yet. A sign-in
// that begins at one replica and ends at another may have to begin again; sessions live on.
func TestASecretReplacedTheWrongWaySignsNobodyOut(t *testing.T) {
	const people = 12
	d := deploy(t, people)
	c := d.works(t, people, true)
	c.everybodySignsInAnew(t)
	for range 2 { // the new value below the old one, and on top of it
		if said, done := d.rotate("--offline"); !done {
			t.Fatal(said)
		}
	}
	d.distribute(d.replicas[0])
	d.restart(d.replicas[0])
	c.everybodySignsInAnew(t)
	d.restart(d.replicas[1]) // with the old file: it starts, although it cannot open the next signing key
	c.everybodySignsInAnew(t)
	d.distribute()
	d.restart(d.replicas[1:]...)
	c.everybodySignsInAnew(t)
	c.halt()
	c.untroubled(t)
	if c.repeated.Load() == 0 {
		t.Error("no request came to a replica that did not know its key: nothing was tried")
	}
}

// aDayPasses makes what is written down in the database a day older, but for sessions:
// what was made under the old secret is past.
func (d *deployment) aDayPasses() {
	d.Helper()
	db, err := pgx.Connect(d.Context(), d.dsn)
	if err != nil {
		d.Fatal(err)
	}
	defer db.Close(d.Context())
	for _, statement := range []string{
		`UPDATE secret_keys SET first_seen = first_seen - 86400, last_seen = last_seen - CASE WHEN left_at IS NULL THEN 0 ELSE 86400 END`,
		`UPDATE signing_keys SET created_at = created_at - 86400, signs_at = signs_at - 86400`,
	} {
		if _, err := db.Exec(d.Context(), statement); err != nil {
			d.Fatal(err)
		}
	}
}
