package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/audit"
)

// Undone is a change of access that the database does not have: it was made after the
// backup.
type Undone struct {
	admin.Event
	// Now describes the restored state.
	Now string `json:"now"`
}

// cameBack describes the state that undoing a change restores.
var cameBack = map[audit.Action]string{
	audit.RemoveMember:        "is a member again",
	audit.DisableMember:       "is an enabled member again",
	audit.UpdateMember:        "has the roles of before again",
	audit.DisableUser:         "is enabled again",
	audit.EndStaff:            "has staff access again",
	audit.RevokeKey:           "the key opens again",
	audit.RetireSigningKey:    "the signing key signs again",
	audit.DisableOrganization: "the organization is enabled again",
	audit.DeleteOrganization:  "the organization is there again",
	audit.DisableConnection:   "the connection is enabled again",
	audit.DeleteConnection:    "the connection is there again",
	audit.UpdateConnection:    "the connection is as before",
	audit.UnlinkIdentity:      "the identity is linked again",
	audit.UpdatePolicy:        "the policy is as before",
	audit.ApplyFile:           "apply the workspace file again",

	audit.CreateOrganization: "the organization is missing",
	audit.UpdateOrganization: "the names are as before",
	audit.EnableOrganization: "the organization is disabled",
	audit.CreateConnection:   "the connection is missing",
	audit.EnableConnection:   "the connection is disabled",
	audit.AdmitMember:        "is no member",
	audit.InviteMember:       "the invitation is missing",
	audit.AcceptInvitation:   "is no member",
	audit.EnableMember:       "is a disabled member",
	audit.EnableUser:         "is disabled",
	audit.GrantStaff:         "has no staff access",
	audit.LinkIdentity:       "the identity is not linked",
	audit.CreateKey:          "the key is unknown",
	audit.MakeSigningKey:     "the signing key is unknown",
}

// Trail is an audit log that goes further than the database's.
type Trail iter.Seq2[admin.Event, error]

// Exported returns the audit log that tabard audit export wrote.
func Exported(file io.Reader) Trail {
	return func(yield func(admin.Event, error) bool) {
		lines := json.NewDecoder(file)
		for n := 1; ; n++ {
			var e admin.Event
			err := lines.Decode(&e)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(e, fmt.Errorf("event %d of the audit log cannot be read; tabard audit export writes it: %w", n, err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// EventStore keeps an audit log.
type EventStore interface {
	// EventsAfter returns the events after a position, the oldest first, until a time.
	EventsAfter(ctx context.Context, after audit.Position, until, limit int64) ([]audit.Event, error)
}

// Kept returns the audit log of a database, such as the one that was replaced.
func Kept(ctx context.Context, store EventStore) Trail {
	return func(yield func(admin.Event, error) bool) {
		for after := (audit.Position{}); ; {
			events, err := store.EventsAfter(ctx, after, math.MaxInt32*1000, page)
			if err != nil {
				yield(admin.Event{}, err)
				return
			}
			for _, e := range events {
				if after = (audit.Position{At: e.At, ID: e.ID}); !yield(admin.EventOf(e), nil) {
					return
				}
			}
			if len(events) < page {
				return
			}
		}
	}
}

// Comparison is what an audit log shows of a database.
type Comparison struct {
	// Undone are the changes of access that the log has and the database does not, in the
	// order of the log.
	Undone []Undone
	// End is the time (Unix seconds) of the log's last event, or 0 if it has none: of
	// later changes it shows nothing.
	End int64
}

// Compare compares a database with an audit log.
func Compare(ctx context.Context, store EventStore, trail Trail) (c Comparison, err error) {
	known, oldest := map[string]bool{}, int64(0) // older events were deleted from the database
	for e, err := range Kept(ctx, store) {
		if err != nil {
			return c, err
		}
		if oldest == 0 {
			oldest = e.At
		}
		if _, access := cameBack[audit.Action(e.Action)]; access {
			known[e.ID] = true
		}
	}
	for e, err := range trail {
		if err != nil {
			return c, err
		}
		c.End = max(c.End, e.At)
		now, access := cameBack[audit.Action(e.Action)]
		if access && e.Outcome == string(audit.Done) && e.At >= oldest && !known[e.ID] {
			c.Undone = append(c.Undone, Undone{e, now})
		}
	}
	return c, nil
}
