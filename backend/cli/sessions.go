package cli

import (
	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/admin"
)

func sessionsCommand() *cobra.Command {
	return group("sessions", "List and end sessions, everywhere or in one organization",
		`With --organization it is what sessions do in that organization: ended there, they
go on in others, and to enter it again takes a new authentication.`,
		listUserSessions(), listOrganizationSessions(), endSession())
}

func listUserSessions() *cobra.Command {
	var p admin.Page
	return deed[admin.List[admin.Session]]{
		use: "of USER", args: 1, short: "List a person's sessions", flags: paging(&p),
		run: func(d *desk, args []string) (admin.List[admin.Session], error) {
			return d.UserSessions(d.ctx, d.by, args[0], p)
		},
		text: rows("SESSION|APP|SIGNED IN|LAST USED|ADDRESS|BROWSER", func(s admin.Session) []string {
			return []string{s.ID, s.App, moment(s.CreatedAt), moment(s.LastUsedAt), or(s.Address, "-"), or(s.UserAgent, "-")}
		}, "There is no session."),
	}.command()
}

func listOrganizationSessions() *cobra.Command {
	var organization, user string
	var p admin.Page
	return deed[admin.List[admin.OrganizationSession]]{
		use: "list", short: "List the sessions that act for an organization",
		flags: both(organizationFlag(&organization, true), userFlag(&user, "only of the person of `ID`"), paging(&p)),
		run: func(d *desk, _ []string) (admin.List[admin.OrganizationSession], error) {
			return d.OrganizationSessions(d.ctx, d.by, organization, user, p)
		},
		text: rows("SESSION|USER ID|APP|ENTERED|LAST ACTIVE", func(s admin.OrganizationSession) []string {
			return []string{s.SessionID, s.UserID, s.App, moment(s.StartedAt), moment(s.ActiveAt)}
		}, "There is no session."),
	}.command()
}

func userFlag(user *string, usage string) func(*cobra.Command) {
	return func(c *cobra.Command) {
		c.Flags().StringVar(user, "user", "", usage)
		c.RegisterFlagCompletionFunc("user", cobra.NoFileCompletions)
	}
}

func endSession() *cobra.Command {
	var organization, user, session string
	return deed[admin.Empty]{
		use: "end", short: "End a session, or all of a person's",
		example: `  tabard sessions end --session ses_…
  tabard sessions end --user usr_… --organization acme`,
		flags: both(organizationFlag(&organization, false), userFlag(&user, "all of the person of `ID`"), func(c *cobra.Command) {
			c.Flags().StringVar(&session, "session", "", "the session of `ID`")
			c.RegisterFlagCompletionFunc("session", cobra.NoFileCompletions)
			c.MarkFlagsOneRequired("user", "session")
			c.MarkFlagsMutuallyExclusive("user", "session")
		}),
		run: func(d *desk, _ []string) (admin.Empty, error) {
			switch {
			case organization == "" && session != "":
				return d.EndSession(d.ctx, d.by, session)
			case organization == "":
				return d.EndUserSessions(d.ctx, d.by, user)
			case session != "":
				return d.EndOrganizationSession(d.ctx, d.by, organization, session)
			}
			return d.EndMemberSessions(d.ctx, d.by, organization, user)
		},
		text: done("Ended."),
	}.command()
}
