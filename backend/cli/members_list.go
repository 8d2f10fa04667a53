package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/admin"
)

// memberCommands are those of known members; pending and admit are for who waits.
func memberCommands() []*cobra.Command {
	return []*cobra.Command{
		listMembers(), inviteMember(), setMember(), removeMember(), unlinkMember(),
		toMember("get", "Show a member", (*admin.Service).Member),
		toMember("disable", "Keep a member out of the organization, whatever made them one", (*admin.Service).DisableMember),
		toMember("enable", "Let a member into the organization again", (*admin.Service).EnableMember),
	}
}

func listMembers() *cobra.Command {
	var organization string
	var p admin.Page
	return deed[admin.List[admin.Member]]{
		use: "list", short: "List an organization's members, and who is invited", flags: both(organizationFlag(&organization, true), paging(&p)),
		run: func(d *desk, _ []string) (admin.List[admin.Member], error) {
			return d.Members(d.ctx, d.by, organization, p)
		},
		text: rows("USER ID|NAME|E-MAIL|ROLES|FROM|DISABLED", func(m admin.Member) []string {
			return []string{m.UserID + m.InvitationID, or(m.Name, "-"), or(m.Email, "-"), joined(m.Roles), origin(m), disabledWhere(m)}
		}, "It has no member."),
	}.command()
}

// origin is what made somebody a member, or that they are invited.
func origin(m admin.Member) string {
	if m.Status == admin.StatusInvited {
		return "invited"
	}
	return string(m.Source)
}

func inviteMember() *cobra.Command {
	var organization string
	n := admin.NewMember{Invite: true}
	return deed[admin.Member]{
		use: "invite", short: "Invite somebody to an organization",
		long: `Invite lets somebody become a member, whether they have signed in before or not: they
accept by entering the organization by choice, or by signing in for it. Until then
nothing of theirs changes. An invitation holds for 30 days; to invite again changes
its roles and begins the 30 days anew. Somebody who is a member gets these roles.`,
		example: `  tabard members invite --organization acme --role editor \
    --iss https://id.example.com --sub 248289761001`,
		flags: both(organizationFlag(&organization, true), func(c *cobra.Command) {
			c.Flags().StringVar(&n.Issuer, "iss", "", "`URL` of the person's provider, or a connection's id")
			c.Flags().StringVar(&n.Subject, "sub", "", "`NAME` that the provider has for the person")
			c.Flags().StringArrayVar(&n.Roles, "role", nil, "`ROLE` in it; may be given several times")
			c.Flags().StringVar(&n.Name, "name", "", "`NAME` to show in lists until they accept")
			c.Flags().StringVar(&n.Email, "email", "", "`ADDRESS` to show in lists until they accept")
			c.MarkFlagRequired("iss")
			c.MarkFlagRequired("sub")
			for _, flag := range []string{"iss", "sub", "role", "name", "email"} {
				c.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions)
			}
		}),
		run: func(d *desk, _ []string) (admin.Member, error) {
			return d.AdmitMember(d.ctx, d.by, organization, n)
		},
		text: showMember,
	}.command()
}

// disabledWhere tells what keeps a member out.
func disabledWhere(m admin.Member) string {
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
	return deed[admin.Member]{
		use: "set USER", args: 1, short: "Give a known person these roles, as a member",
		long: `Set gives a known person these roles, as a member; by an invitation's id, whom it
invites.`,
		flags: both(organizationFlag(&organization, true), func(c *cobra.Command) {
			c.Flags().StringArrayVar(&roles.Roles, "role", nil, "`ROLE` in it; may be given several times")
			c.RegisterFlagCompletionFunc("role", cobra.NoFileCompletions)
		}),
		run: func(d *desk, args []string) (admin.Member, error) {
			if roles.Roles == nil {
				roles.Roles = []string{}
			}
			return d.UpdateMember(d.ctx, d.by, organization, args[0], roles)
		},
		text: showMember,
	}.command()
}

func removeMember() *cobra.Command {
	var organization string
	return deed[admin.Empty]{
		use: "remove USER", args: 1, short: "Remove a member from an organization",
		long: `Remove ends a membership. One that the workspace file gives is disabled instead, or
removed there; one that a claim or the organization's own provider gives comes
back at the next sign-in. By its id, an invitation is withdrawn.`,
		flags: organizationFlag(&organization, true),
		run: func(d *desk, args []string) (admin.Empty, error) {
			return d.RemoveMember(d.ctx, d.by, organization, args[0])
		},
		text: done("Removed."),
	}.command()
}

func unlinkMember() *cobra.Command {
	var organization string
	return deed[admin.Empty]{
		use: "unlink USER", args: 1, short: "Take away whom a person is at the organization's own provider",
		long: `Unlink is for a wrong link: the next sign-in at the organization's own provider finds
out anew who the person is. What they are signed in to goes on; see tabard sessions.`,
		flags: organizationFlag(&organization, true),
		run: func(d *desk, args []string) (admin.Empty, error) {
			return d.UnlinkMember(d.ctx, d.by, organization, args[0])
		},
		text: done("Unlinked."),
	}.command()
}

func toMember(verb, short string, run func(*admin.Service, context.Context, admin.Actor, string, string) (admin.Member, error)) *cobra.Command {
	var organization string
	return deed[admin.Member]{
		use: verb + " USER", args: 1, short: short, flags: organizationFlag(&organization, true),
		run: func(d *desk, args []string) (admin.Member, error) {
			return run(d.Service, d.ctx, d.by, organization, args[0])
		},
		text: showMember,
	}.command()
}

func showMember(m admin.Member) string {
	if m.Status == admin.StatusInvited {
		return card("invitation", m.InvitationID, "name", or(m.Name, "-"), "e-mail", or(m.Email, "-"),
			"sub", printable(m.Subject), "iss", printable(m.Issuer), "roles", joined(m.Roles),
			"since", moment(m.CreatedAt), "until", moment(m.ExpiresAt))
	}
	return card("user id", m.UserID, "name", or(m.Name, "-"), "e-mail", or(m.Email, "-"),
		"sub", printable(m.Subject), "iss", printable(m.Issuer), "roles", joined(m.Roles),
		"from", string(m.Source), "disabled", disabledWhere(m), "since", moment(m.CreatedAt))
}
