package cli

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

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
	var all, yes bool
	return adminCommand[admin.EndedSessions]{
		use: "end", short: "End a session, all sessions of a person, or of the workspace", tells: true,
		long: `End ends a session, or all sessions of a person. With --all every session of the workspace
ends, in batches beside the running servers: everybody signs in again.`,
		example: `  tabard sessions end --session ses_…
  tabard sessions end --user usr_… --organization acme
  tabard sessions end --all`,
		flags: allFlags(organizationFlag(&organization, false), userFlag(&user, "end all sessions of the person `ID`"), func(c *cobra.Command) {
			c.Flags().StringVar(&session, "session", "", "end the session `ID`")
			c.Flags().BoolVar(&all, "all", false, "end every session of the workspace")
			c.Flags().BoolVar(&yes, "yes", false, "with --all, ask nothing")
			c.RegisterFlagCompletionFunc("session", cobra.NoFileCompletions)
			c.MarkFlagsOneRequired("user", "session", "all")
			c.MarkFlagsMutuallyExclusive("user", "session", "all")
			c.MarkFlagsMutuallyExclusive("organization", "all")
		}),
		run: func(e *env, _ []string) (ended admin.EndedSessions, err error) {
			switch {
			case all:
				if err := e.confirm(yes, "Every session of the workspace ends, and everybody has to sign in again."); err != nil {
					return ended, err
				}
				return e.EndAllSessions(e.ctx, e.by)
			case organization == "" && session != "":
				_, err = e.EndSession(e.ctx, e.by, session)
			case organization == "":
				_, err = e.EndUserSessions(e.ctx, e.by, user)
			case session != "":
				_, err = e.EndOrganizationSession(e.ctx, e.by, organization, session)
			default:
				_, err = e.EndMemberSessions(e.ctx, e.by, organization, user)
			}
			return ended, err
		},
		text: func(ended admin.EndedSessions) string {
			if all {
				return "Ended " + plural(int(ended.Sessions), "session") + ".\n"
			}
			return "Ended.\n"
		},
	}.build()
}

// confirm asks a person whether to go on, unless they said so already.
func (e *env) confirm(yes bool, what string) error {
	if yes {
		return nil
	}
	fmt.Fprintf(e.err, "%s\nType yes to go on: ", what)
	answer, _ := bufio.NewReader(e.in).ReadString('\n')
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("the answer was not yes; nothing was changed. In a script, pass --yes")
	}
	return nil
}
