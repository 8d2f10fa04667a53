package authn

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

// auditTimeout bounds the writing of the trail, for which nobody may wait any more.
const auditTimeout = 5 * time.Second

// Audit records what the call did, also where the client has left. The trail follows the
// deed: where it cannot be written the deed stands, and the log says what is missing.
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

// AuditMember records what a provider's word, by a connection or by a claim, made of
// somebody's roles in an organization; nil are those of no member.
func (c *Request) AuditMember(organization, connection string, u directory.User, before, after []string) {
	e := audit.Event{Action: audit.UpdateMember, Target: connection, UserID: u.ID, OrganizationID: organization, Actor: audit.Server}
	switch {
	case slices.Equal(before, after) && (before == nil) == (after == nil):
		return
	case before == nil:
		e.Action = audit.AdmitMember
	case after == nil:
		e.Action = audit.RemoveMember
	}
	c.Audit(e)
}

// Clip bounds what is kept of a header, and keeps text of it: databases refuse
// bytes that are none.
func Clip(text string) string {
	const most = 256
	return strings.ToValidUTF8(text[:min(len(text), most)], "?")
}
