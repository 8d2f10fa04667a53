package authn

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/session"
)

// auditTimeout bounds the write of an audit event after the request has ended.
const auditTimeout = 5 * time.Second

// Audit records an event of the request in the audit log, even if the client has
// disconnected. The operation is not undone if the event cannot be recorded; the
// server's log then reports the missing event.
func (c *Request) Audit(e audit.Event) error {
	e = c.Complete(e)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Ctx), auditTimeout)
	defer cancel()
	err := c.Store.RecordEvent(ctx, e)
	if err != nil {
		c.log.log.Error("an audit event was not recorded", "action", string(e.Action), "user", e.UserID, "cause", err)
	}
	return err
}

// Complete adds what an event has from its request.
func (c *Request) Complete(e audit.Event) audit.Event {
	e.At, e.App, e.Address = c.Now, c.App.ID, Clip(c.R.RemoteAddr)
	if e.ID == "" {
		e.ID = directory.NewID("evt_")
	}
	e.Actor, e.Outcome = cmp.Or(e.Actor, e.UserID), cmp.Or(e.Outcome, audit.Done)
	return e
}

// Companion returns an event for the store to record with a change.
func (c *Request) Companion(e audit.Event) *audit.Companion {
	return &audit.Companion{Event: c.Complete(e)}
}

// RecordCompanion records an event that the store did not record with its change.
func (c *Request) RecordCompanion(e *audit.Companion) {
	if !e.Recorded {
		c.Audit(e.Event)
	}
}

// Revoke ends a session and records that.
func (c *Request) Revoke(id session.ID, reason session.Reason, e audit.Event) error {
	ended := c.Companion(e)
	if err := c.Store.RevokeAccompanied(c.Ctx, id, reason, c.Now, ended); err != nil {
		return err
	}
	c.RecordCompanion(ended)
	return nil
}

// Clip truncates a header for storage and replaces invalid UTF-8, which databases
// reject.
func Clip(text string) string {
	const most = 256
	return strings.ToValidUTF8(text[:min(len(text), most)], "?")
}
