package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/administration"
)

// memberCommands are those of known members; pending and admit are for who waits.
func memberCommands() []*cobra.Command {
	return []*cobra.Command{
		listMembers(), setMember(), removeMember(), unlinkMember(),
		toMember("get", "Show a member", (*administration.Office).Member),
		toMember("disable", "Keep a member out of the organisation, whatever made them one", (*administration.Office).DisableMember),
		toMember("enable", "Let a member into the organisation again", (*administration.Office).EnableMember),
	}
}

func listMembers() *cobra.Command {
	var organization string
	var p administration.Page
	return deed[administration.List[administration.Member]]{
		use: "list", short: "List an organisation's members", flags: both(organizationFlag(&organization, true), paging(&p)),
		run: func(d *desk, _ []string) (administration.List[administration.Member], error) {
			return d.Members(d.ctx, d.by, organization, p)
		},
		text: rows("USER ID|NAME|E-MAIL|ROLES|FROM|DISABLED", func(m administration.Member) []string {
			return []string{m.UserID, or(m.Name, "-"), or(m.Email, "-"), joined(m.Roles), string(m.Source), disabledWhere(m)}
		}, "It has no member."),
	}.command()
}

// disabledWhere tells what keeps a member out.
func disabledWhere(m administration.Member) string {
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
	var roles administration.Roles
	return deed[administration.Member]{
		use: "set USER", args: 1, short: "Give a known person these roles, as a member",
		flags: both(organizationFlag(&organization, true), func(c *cobra.Command) {
			c.Flags().StringArrayVar(&roles.Roles, "role", nil, "`ROLE` in it; may be given several times")
			c.RegisterFlagCompletionFunc("role", cobra.NoFileCompletions)
		}),
		run: func(d *desk, args []string) (administration.Member, error) {
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
	return deed[administration.Nothing]{
		use: "remove USER", args: 1, short: "Remove a member from an organisation",
		long: `Remove ends a membership. One that the workspace file gives is disabled instead, or
removed there; one that a claim or the organisation's own provider gives comes
back at the next sign-in.`,
		flags: organizationFlag(&organization, true),
		run: func(d *desk, args []string) (administration.Nothing, error) {
			return d.RemoveMember(d.ctx, d.by, organization, args[0])
		},
		text: done("Removed."),
	}.command()
}

func unlinkMember() *cobra.Command {
	var organization string
	return deed[administration.Nothing]{
		use: "unlink USER", args: 1, short: "Take away whom a person is at the organisation's own provider",
		long: `Unlink is for a wrong link: the next sign-in at the organisation's own provider finds
out anew who the person is. What they are signed in to goes on; see tabard sessions.`,
		flags: organizationFlag(&organization, true),
		run: func(d *desk, args []string) (administration.Nothing, error) {
			return d.UnlinkMember(d.ctx, d.by, organization, args[0])
		},
		text: done("Unlinked."),
	}.command()
}

func toMember(verb, short string, run func(*administration.Office, context.Context, administration.Actor, string, string) (administration.Member, error)) *cobra.Command {
	var organization string
	return deed[administration.Member]{
		use: verb + " USER", args: 1, short: short, flags: organizationFlag(&organization, true),
		run: func(d *desk, args []string) (administration.Member, error) {
			return run(d.Office, d.ctx, d.by, organization, args[0])
		},
		text: showMember,
	}.command()
}

func showMember(m administration.Member) string {
	return card("user id", m.UserID, "name", or(m.Name, "-"), "e-mail", or(m.Email, "-"),
		"sub", printable(m.Subject), "iss", printable(m.Issuer), "roles", joined(m.Roles),
		"from", string(m.Source), "disabled", disabledWhere(m), "since", moment(m.CreatedAt))
}
