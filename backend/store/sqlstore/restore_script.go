package sqlstore

import (
	"fmt"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/session"
)

const (
	// It violates the table's check where the database has the epoch already, so that
	// nothing of the script takes effect.
	refuseServed = `INSERT INTO epochs (one, value) SELECT 2, value FROM epochs WHERE value = ?1`

	// lastID is greater than every id.
	lastID = "~"
)

// AcceptScript returns SQLite statements that accept a restored database, for D1, which
// only wrangler can reach. They end every session that began until a time, unless that is
// 0, restart the feed, record an event, and set the epoch. They fail if the database has
// that epoch.
func AcceptScript(epoch string, until int64, reason session.Reason, accepted audit.Event) string {
	s := &script{}
	s.add(refuseServed, epoch)
	if until != 0 {
		s.add(revokeBatch, "", lastID, accepted.At, string(reason), until)
	}
	number := condition(fmt.Sprintf("MAX(%s + %d, unixepoch() * %[2]d)", feedNumber, numbersASecond)) // of when it runs
	s.add(restartFeed, number)
	s.add(restartEndings, condition(feedNumber), accepted.At)
	s.add(deleteForgotten)
	s.add(insertEvent, eventArgs(accepted)...)
	s.add(setEpoch, epoch)
	return s.text.String()
}
