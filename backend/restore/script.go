package restore

import (
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// Script returns the statements that accept a restored database of Cloudflare D1 for the
// secret with that epoch. They fail where the database has it already.
func Script(epoch string, keepSessions bool, by admin.Actor, now time.Time) string {
	until := now.Unix() + farAhead
	if keepSessions {
		until = 0
	}
	return sqlstore.AcceptScript(epoch, until, reasonRestored, audit.Event{
		ID: directory.NewID("evt_"), At: now.Unix(), Action: audit.AcceptRestore, Outcome: audit.Done,
		Actor: by.ID, ActorName: by.Name, Note: "by tabard restore --accept --print-sql",
	})
}
