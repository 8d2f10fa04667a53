//go:build long

package replicas_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
)

// losing makes a database whose feed loses the endings of the reasons in the table lost.
var losing = []string{
	`ALTER FUNCTION write_ending(TEXT, TEXT, TEXT, TEXT, TEXT, TEXT) RENAME TO keep_ending`,
	`CREATE TABLE lost (reason TEXT PRIMARY KEY)`,
	`CREATE FUNCTION write_ending(why TEXT, of_session TEXT, of_user TEXT, of_organization TEXT, of_app TEXT, of_key TEXT)
	RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		IF NOT EXISTS (SELECT * FROM lost l WHERE l.reason = why) THEN
			PERFORM keep_ending(why, of_session, of_user, of_organization, of_app, of_key);
		END IF;
	END $$`,
}

// TestP13_LostEndingIsMissed is the control of [TestP13_EndingsUnderFaults]: of each way in
// which a token ends, the feed loses the ending. No follower then refuses the token, so
// that a refusal is by that ending alone, and its loss would be seen.
func TestP13_LostEndingIsMissed(t *testing.T) {
	kinds := slices.Concat(changes, wideChanges)
	w := newTrial(t, 2*len(kinds), losing...)
	for i := range kinds {
		c := &kinds[i]
		m, witness := w.enter(2*i, "acme"), w.enter(2*i+1, "acme")
		m.by, witness.by = c, &changes[0]
		if c.prepare != nil {
			c.prepare(w, m)
		}
		w.script.watch(m)
		w.script.watch(witness)
		for _, f := range w.followers() {
			if f.ended(m) { // it has the keys from now on, as an API in use has
				t.Errorf("%s refuses a token before %q", f.name(), c.name)
			}
		}
		pg.Exec(t, w.DSN, `INSERT INTO lost VALUES ('`+strings.Join(c.reasons, `'), ('`)+`')`)
		c.make(w, m)
		pg.Exec(t, w.DSN, `DELETE FROM lost`)
		witness.by.make(w, witness) // whatever the feed had before it is heard before it
		w.awaitAll(witness)
		for _, f := range w.followers() {
			if f.ended(m) {
				t.Errorf("%s refuses a token after %q, of which the feed has no ending", f.name(), c.name)
			}
		}
		if c.name == wideChanges[0].name {
			w.applyApps(false, "notes:read", "notes:write")
		}
	}
}
