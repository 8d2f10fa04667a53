package httpapi

import (
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

// audit records what the call did. The trail follows the deed: where it cannot be
// written the deed stands, and the log says what is missing.
func (c *call) audit(e audit.Event) {
	e.At, e.App, e.Address = c.now, c.app.ID, clip(c.r.RemoteAddr)
	if e.ID == "" {
		e.ID = directory.NewID("evt_")
	}
	if e.Actor == "" {
		e.Actor = e.UserID
	}
	if e.Outcome == "" {
		e.Outcome = audit.Done
	}
	if err := c.store.RecordEvent(c.ctx, e); err != nil {
		c.log.log.Error("an audit event was not recorded", "action", string(e.Action), "user", e.UserID, "cause", err)
	}
}
