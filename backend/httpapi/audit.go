package httpapi

import (
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/session"
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
		c.log.log.Error("an audit event was not recorded", "action", string(e.Action), "user", e.UserID, "cause", err.Error())
	}
}

// auditVerdict records what is out of the ordinary about a presented token. The
// end of a session is recorded under an id of its own, so that the clean-up, which
// records what a crash kept from being recorded, does not do so twice.
func (c *call) auditVerdict(s session.Session, v session.Verdict) {
	e := audit.Event{Actor: audit.Server, UserID: s.UserID, SessionID: s.ID.String()}
	switch v.Outcome {
	case session.Reuse:
		e.ID, e.Action = "reused:"+s.ID.String(), audit.RefreshTokenReused
	case session.Lost:
		e.ID, e.Action = "lost:"+s.ID.String(), audit.SessionLost
	case session.Repair:
		e.Action = audit.SessionRepaired
	default:
		return
	}
	c.audit(e)
}
