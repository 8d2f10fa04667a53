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
	command := deed[admin.List[admin.Event]]{
		use: "audit", short: "Show what happened, the newest first",
		example: `  tabard audit --organization acme --since 24h
  tabard audit --action session.reused`,
		flags: both(organizationFlag(&organization, false), userFlag(&f.User, "only what is about the person of `ID`"), func(c *cobra.Command) {
			c.Flags().StringVar(&f.Action, "action", "", "only `ACTION`, such as sign_in or member.admit")
			c.Flags().StringVar(&f.Actor, "actor", "", "only what `ID` did: a person's, a key's, or \"command line\"")
			c.Flags().DurationVar(&since, "since", 0, "only what happened within `TIME`, such as 24h")
		}, paging(&p)),
		run: func(d *desk, _ []string) (admin.List[admin.Event], error) {
			if since > 0 {
				f.Since = time.Now().Add(-since).Unix()
			}
			return d.Events(d.ctx, d.by, organization, f, p)
		},
		text: rows("TIME|ACTION|OUTCOME|WHO|ABOUT", func(e admin.Event) []string {
			return []string{moment(e.At), e.Action, outcome(e), who(e), about(e)}
		}, "Nothing happened."),
	}.command()
	command.GroupID = groupAdministration
	command.AddCommand(auditExportCommand())
	return command
}

func outcome(e admin.Event) string {
	if e.Reason == "" {
		return e.Outcome
	}
	return e.Outcome + " (" + printable(e.Reason) + ")"
}

func who(e admin.Event) string {
	if e.ActorName == "" {
		return or(e.Actor, "-")
	}
	return printable(e.Actor) + " (" + printable(e.ActorName) + ")"
}

// about tells what an event is about: organization, person, session, or something
// else.
func about(e admin.Event) string {
	var all []string
	for _, id := range []string{e.OrganizationID, e.UserID, e.SessionID, e.Target} {
		if id != "" && id != e.Actor {
			all = append(all, id)
		}
	}
	if e.ExpiresAt != 0 {
		all = append(all, "until "+moment(e.ExpiresAt))
	}
	if e.Note != "" {
		all = append(all, strconv.Quote(e.Note))
	}
	return joined(all)
}
