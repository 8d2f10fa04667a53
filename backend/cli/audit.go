package cli

import (
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/admin"
)

func auditCommand() *cobra.Command {
	var organization string
	var since time.Duration
	var f admin.EventFilter
	var p admin.Page
	command := adminCommand[admin.List[admin.Event]]{
		use: "audit", short: "Show the audit log, newest first",
		example: `  tabard audit --organization acme --since 24h
  tabard audit --action session.reused`,
		flags: allFlags(organizationFlag(&organization, false), userFlag(&f.User, "only events about the person `ID`"), func(c *cobra.Command) {
			c.Flags().StringVar(&f.Action, "action", "", "only `ACTION`, such as sign_in or member.admit")
			c.Flags().StringVar(&f.Actor, "actor", "", "only events by the actor `ID`: a person's, a key's, or \"command line\"")
			c.Flags().DurationVar(&since, "since", 0, "only events of the last `TIME`, such as 24h")
		}, pageFlags(&p)),
		run: func(e *env, _ []string) (admin.List[admin.Event], error) {
			if since > 0 {
				f.Since = time.Now().Add(-since).Unix()
			}
			return e.Events(e.ctx, e.by, organization, f, p)
		},
		text: listTable("TIME|ACTION|OUTCOME|ACTOR|SUBJECT", func(e admin.Event) []string {
			return []string{formatTime(e.At), e.Action, outcomeText(e), actorText(e), subjectText(e)}
		}, "There are no events."),
	}.build()
	command.GroupID = groupAdministration
	command.AddCommand(auditExportCommand(), auditExportsCommand())
	return command
}

func outcomeText(e admin.Event) string {
	if e.Reason == "" {
		return e.Outcome
	}
	return e.Outcome + " (" + printable(e.Reason) + ")"
}

func actorText(e admin.Event) string {
	if e.ActorName == "" {
		return printable(e.Actor)
	}
	return printable(e.Actor) + " (" + printable(e.ActorName) + ")"
}

// subjectText returns the ids that an event is about: organization, person, session or
// target.
func subjectText(e admin.Event) string {
	var all []string
	for _, id := range []string{e.OrganizationID, e.UserID, e.SessionID, e.Target} {
		if id != "" && id != e.Actor {
			all = append(all, id)
		}
	}
	if e.ExpiresAt != 0 {
		all = append(all, "until "+formatTime(e.ExpiresAt))
	}
	if e.Note != "" {
		all = append(all, strconv.Quote(e.Note))
	}
	return joinOrDash(all)
}
