package cli

import (
	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/admin"
)

func sessionsCommand() *cobra.Command {
	return group("sessions", "List and end sessions",
		`With --organization these are the sessions' activities in that organization: ended
there, a session goes on in others, and entering again takes a new authentication.`,
		listUserSessions(), listOrganizationSessions(), endSession())
}

func listUserSessions() *cobra.Command {
	var p admin.Page
	return adminCommand[admin.List[admin.Session]]{
		use: "of USER", args: 1, short: "List a person's sessions", flags: pageFlags(&p),
		run: func(e *env, args []string) (admin.List[admin.Session], error) {
			return e.UserSessions(e.ctx, e.by, args[0], p)
		},
		text: listTable("SESSION|APP|SIGNED IN|LAST USED|ADDRESS|BROWSER", func(s admin.Session) []string {
			return []string{s.ID, s.App, formatTime(s.CreatedAt), formatTime(s.LastUsedAt), printable(s.Address), printable(s.UserAgent)}
		}, "There are no sessions."),
	}.build()
}

func listOrganizationSessions() *cobra.Command {
	var organization, user string
	var p admin.Page
	return adminCommand[admin.List[admin.OrganizationSession]]{
		use: "list", short: "List the sessions that act for an organization",
		flags: allFlags(organizationFlag(&organization, true), userFlag(&user, "only sessions of the person `ID`"), pageFlags(&p)),
		run: func(e *env, _ []string) (admin.List[admin.OrganizationSession], error) {
			return e.OrganizationSessions(e.ctx, e.by, organization, user, p)
		},
		text: listTable("SESSION|USER ID|APP|ENTERED|LAST ACTIVE", func(s admin.OrganizationSession) []string {
			return []string{s.SessionID, s.UserID, s.App, formatTime(s.StartedAt), formatTime(s.ActiveAt)}
		}, "There are no sessions."),
	}.build()
}

func userFlag(user *string, usage string) func(*cobra.Command) {
	return func(c *cobra.Command) {
		c.Flags().StringVar(user, "user", "", usage)
		c.RegisterFlagCompletionFunc("user", cobra.NoFileCompletions)
	}
}

func endSession() *cobra.Command {
	var organization, user, session string
	return adminCommand[admin.Empty]{
		use: "end", short: "End a session, or all sessions of a person",
		example: `  tabard sessions end --session ses_…
  tabard sessions end --user usr_… --organization acme`,
		flags: allFlags(organizationFlag(&organization, false), userFlag(&user, "end all sessions of the person `ID`"), func(c *cobra.Command) {
			c.Flags().StringVar(&session, "session", "", "end the session `ID`")
			c.RegisterFlagCompletionFunc("session", cobra.NoFileCompletions)
			c.MarkFlagsOneRequired("user", "session")
			c.MarkFlagsMutuallyExclusive("user", "session")
		}),
		run: func(e *env, _ []string) (admin.Empty, error) {
			switch {
			case organization == "" && session != "":
				return e.EndSession(e.ctx, e.by, session)
			case organization == "":
				return e.EndUserSessions(e.ctx, e.by, user)
			case session != "":
				return e.EndOrganizationSession(e.ctx, e.by, organization, session)
			}
			return e.EndMemberSessions(e.ctx, e.by, organization, user)
		},
		text: doneText("Ended."),
	}.build()
}
