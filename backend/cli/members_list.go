package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/admin"
)

// memberCommands returns the commands for members, without pending and admit.
func memberCommands() []*cobra.Command {
	return []*cobra.Command{
		listMembers(), inviteMember(), setMember(), setMemberAttributes(), removeMember(), unlinkMember(),
		memberCommand("get", "Show a member", (*admin.Service).Member),
		memberCommand("disable", "Disable a membership, whatever its source", (*admin.Service).DisableMember),
		memberCommand("enable", "Enable a membership again", (*admin.Service).EnableMember),
	}
}

func listMembers() *cobra.Command {
	var organization string
	var p admin.Page
	return adminCommand[admin.List[admin.Member]]{
		use: "list", short: "List an organization's members and invitations", flags: allFlags(organizationFlag(&organization, true), pageFlags(&p)),
		run: func(e *env, _ []string) (admin.List[admin.Member], error) {
			return e.Members(e.ctx, e.by, organization, p)
		},
		text: listTable("USER ID|NAME|E-MAIL|ROLES|FROM|DISABLED", func(m admin.Member) []string {
			return []string{m.UserID + m.InvitationID, printable(m.Name), printable(m.Email), joinOrDash(m.Roles), sourceText(m), disabledText(m)}
		}, "The organization has no members."),
	}.build()
}

// sourceText returns the source of a membership, or "invited".
func sourceText(m admin.Member) string {
	if m.Status == admin.StatusInvited {
		return "invited"
	}
	return string(m.Source)
}

func inviteMember() *cobra.Command {
	var organization string
	n := admin.NewMember{Invite: true}
	return adminCommand[admin.Member]{
		use: "invite", short: "Invite a person to an organization",
		long: `Invite lets a person become a member, whether they have signed in before or not. They
accept by choosing the organization or by signing in for it; until then nothing
changes for them. An invitation is valid for 30 days; another one replaces its roles
and starts the 30 days again. A person who is a member gets these roles at once.`,
		example: `  tabard members invite --organization acme --role editor \
    --iss https://id.example.com --sub 248289761001`,
		flags: allFlags(organizationFlag(&organization, true), func(c *cobra.Command) {
			c.Flags().StringVar(&n.Issuer, "iss", "", "`URL` of the person's provider, or a connection's id")
			c.Flags().StringVar(&n.Subject, "sub", "", "the person's `SUBJECT` (sub) at the provider")
			c.Flags().StringArrayVar(&n.Roles, "role", nil, "`ROLE` in it; may be given several times")
			c.Flags().StringVar(&n.Name, "name", "", "`NAME` to show in lists until they accept")
			c.Flags().StringVar(&n.Email, "email", "", "`ADDRESS` to show in lists until they accept")
			c.MarkFlagRequired("iss")
			c.MarkFlagRequired("sub")
			for _, flag := range []string{"iss", "sub", "role", "name", "email"} {
				c.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions)
			}
		}),
		run: func(e *env, _ []string) (admin.Member, error) {
			return e.AdmitMember(e.ctx, e.by, organization, n)
		},
		text: showMember,
	}.build()
}

// disabledText describes where a member is disabled.
func disabledText(m admin.Member) string {
	switch {
	case m.UserDisabled:
		return "everywhere"
	case m.Disabled:
		return "here"
	}
	return "no"
}

func setMember() *cobra.Command {
	var organization string
	var roles admin.Roles
	return adminCommand[admin.Member]{
		use: "set USER", args: 1, short: "Set a member's roles, or admit a known person",
		long: `Set replaces a member's roles, or makes a known person a member. With an invitation's
id it replaces the roles of the invitation.`,
		flags: allFlags(organizationFlag(&organization, true), func(c *cobra.Command) {
			c.Flags().StringArrayVar(&roles.Roles, "role", nil, "`ROLE` in it; may be given several times")
			c.RegisterFlagCompletionFunc("role", cobra.NoFileCompletions)
		}),
		run: func(e *env, args []string) (admin.Member, error) {
			if roles.Roles == nil {
				roles.Roles = []string{}
			}
			return e.UpdateMember(e.ctx, e.by, organization, args[0], roles)
		},
		text: showMember,
	}.build()
}

func removeMember() *cobra.Command {
	var organization string
	return adminCommand[admin.Empty]{
		use: "remove USER", args: 1, short: "Remove a member from an organization",
		long: `Remove ends a membership. One that the workspace file manages can only be disabled
here, or removed in the file; one that comes from a claim or from the organization's
own provider returns at the next sign-in. With an invitation's id it withdraws the
invitation.`,
		flags: organizationFlag(&organization, true),
		run: func(e *env, args []string) (admin.Empty, error) {
			return e.RemoveMember(e.ctx, e.by, organization, args[0])
		},
		text: doneText("Removed."),
	}.build()
}

func unlinkMember() *cobra.Command {
	var organization string
	return adminCommand[admin.Empty]{
		use: "unlink USER", args: 1, short: "Unlink a member from the organization's identity provider",
		long: `Unlink corrects a wrong link: at the next sign-in at the organization's own provider
the person is identified again. Their sessions go on; see tabard sessions.`,
		flags: organizationFlag(&organization, true),
		run: func(e *env, args []string) (admin.Empty, error) {
			return e.UnlinkMember(e.ctx, e.by, organization, args[0])
		},
		text: doneText("Unlinked."),
	}.build()
}

func memberCommand(verb, short string, run func(*admin.Service, context.Context, admin.Actor, string, string) (admin.Member, error)) *cobra.Command {
	var organization string
	return adminCommand[admin.Member]{
		use: verb + " USER", args: 1, short: short, flags: organizationFlag(&organization, true),
		run: func(e *env, args []string) (admin.Member, error) {
			return run(e.Service, e.ctx, e.by, organization, args[0])
		},
		text: showMember,
	}.build()
}

func showMember(m admin.Member) string {
	if m.Status == admin.StatusInvited {
		return fieldTable("invitation", m.InvitationID, "name", printable(m.Name), "e-mail", printable(m.Email),
			"sub", printable(m.Subject), "iss", printable(m.Issuer), "roles", joinOrDash(m.Roles),
			"since", formatTime(m.CreatedAt), "until", formatTime(m.ExpiresAt))
	}
	fields := []string{"user id", m.UserID, "name", printable(m.Name), "e-mail", printable(m.Email),
		"sub", printable(m.Subject), "iss", printable(m.Issuer), "roles", joinOrDash(m.Roles),
		"from", string(m.Source), "disabled", disabledText(m), "since", formatTime(m.CreatedAt)}
	if len(m.Attributes) > 0 {
		fields = append(fields, "attributes", attributesText(m.Attributes))
	}
	return fieldTable(fields...)
}
