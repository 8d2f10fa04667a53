package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/admin"
)

func staffCommand() *cobra.Command {
	return group("staff", "Grant and end temporary staff access to an organization",
		`A member of your staff can act for an organization without being its member, for up to
12 hours and with a reason that the organization reads in its audit log. Their tokens
say so (claim act). An organization whose policy sets no_staff refuses it, and an
administrator of the organization can end it.`,
		listStaff(), grantStaff(), getStaff(), endStaff())
}

func listStaff() *cobra.Command {
	var organization string
	var p admin.Page
	return adminCommand[admin.List[admin.Staff]]{
		use: "list", short: "List staff access to an organization", flags: allFlags(organizationFlag(&organization, true), pageFlags(&p)),
		run: func(e *env, _ []string) (admin.List[admin.Staff], error) {
			return e.Staff(e.ctx, e.by, organization, p)
		},
		text: listTable("USER ID|NAME|ROLES|UNTIL|GRANTED BY|REASON", func(s admin.Staff) []string {
			return []string{s.UserID, printable(s.Name), joinOrDash(s.Roles), formatTime(s.ExpiresAt), printable(s.GrantedBy), printable(s.Reason)}
		}, "No one has staff access to the organization."),
	}.build()
}

func grantStaff() *cobra.Command {
	var organization string
	var n admin.NewStaff
	var life time.Duration
	return adminCommand[admin.Staff]{
		use: "grant USER", args: 1, short: "Grant temporary staff access to an organization",
		long: `Grant gives staff access from now on, and replaces earlier access of the same person. A
member of the organization is refused.`,
		example: `  tabard staff grant usr_… --organization acme --role viewer \
    --for 1h --reason "ticket 4711"`,
		flags: allFlags(organizationFlag(&organization, true), func(c *cobra.Command) {
			c.Flags().StringArrayVar(&n.Roles, "role", nil, "`ROLE` in it; may be given several times")
			c.Flags().DurationVar(&life, "for", 0, "give access for `TIME`, from 1m to 12h")
			c.Flags().StringVar(&n.Reason, "reason", "", "`REASON`, shown to the organization")
			for _, flag := range []string{"role", "for", "reason"} {
				c.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions)
			}
			c.MarkFlagRequired("for")
			c.MarkFlagRequired("reason")
		}),
		run: func(e *env, args []string) (admin.Staff, error) {
			n.UserID, n.ExpiresIn = args[0], int64(life/time.Second)
			return e.GrantStaff(e.ctx, e.by, organization, n)
		},
		text: showStaff,
	}.build()
}

func getStaff() *cobra.Command {
	var organization string
	return adminCommand[admin.Staff]{
		use: "get USER", args: 1, short: "Show a person's staff access", flags: organizationFlag(&organization, true),
		run: func(e *env, args []string) (admin.Staff, error) {
			return e.StaffAccess(e.ctx, e.by, organization, args[0])
		},
		text: showStaff,
	}.build()
}

func endStaff() *cobra.Command {
	var organization string
	return adminCommand[admin.Empty]{
		use: "end USER", args: 1, short: "End a person's staff access immediately",
		long:  "End ends a person's staff access, and their sessions in the organization.",
		flags: organizationFlag(&organization, true),
		run: func(e *env, args []string) (admin.Empty, error) {
			return e.EndStaff(e.ctx, e.by, organization, args[0])
		},
		text: doneText("Ended."),
	}.build()
}

func showStaff(s admin.Staff) string {
	return fieldTable("user id", s.UserID, "name", printable(s.Name), "e-mail", printable(s.Email), "sub", printable(s.Subject),
		"iss", printable(s.Issuer), "roles", joinOrDash(s.Roles), "reason", printable(s.Reason), "granted by", printable(s.GrantedBy),
		"since", formatTime(s.CreatedAt), "until", formatTime(s.ExpiresAt))
}
