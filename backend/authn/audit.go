package authn

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

// auditTimeout bounds the write of an audit event after the request has ended.
const auditTimeout = 5 * time.Second

// Audit records an event of the request in the audit log, even if the client has
// disconnected. The operation is not undone if the event cannot be recorded; the
// server's log then reports the missing event.
func (c *Request) Audit(e audit.Event) error {
	e.At, e.App, e.Address = c.Now, c.App.ID, Clip(c.R.RemoteAddr)
	if e.ID == "" {
		e.ID = directory.NewID("evt_")
	}
	e.Actor, e.Outcome = cmp.Or(e.Actor, e.UserID), cmp.Or(e.Outcome, audit.Done)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Ctx), auditTimeout)
	defer cancel()
	err := c.Store.RecordEvent(ctx, e)
	if err != nil {
		c.log.log.Error("an audit event was not recorded", "action", string(e.Action), "user", e.UserID, "cause", err)
	}
	return err
}

// Clip truncates a header for storage and replaces invalid UTF-8, which databases
// reject.
func Clip(text string) string {
	const most = 256
	return strings.ToValidUTF8(text[:min(len(text), most)], "?")
}
