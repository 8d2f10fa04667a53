package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/admin"
)

func usersCommand() *cobra.Command {
	return group("users", "List, disable and enable people",
		`People are known from their first sign-in, or from a membership. Somebody who is
disabled may enter nothing until they are enabled.`,
		listUsers(),
		toUser("get", "Show a person", (*admin.Service).User),
		toUser("disable", "Keep a person out of everything", (*admin.Service).DisableUser),
		toUser("enable", "Let a person in again", (*admin.Service).EnableUser))
}

func listUsers() *cobra.Command {
	var p admin.Page
	return deed[admin.List[admin.User]]{
		use: "list", short: "List people by id", flags: paging(&p),
		run: func(d *desk, _ []string) (admin.List[admin.User], error) {
			return d.Users(d.ctx, d.by, p)
		},
		text: rows("USER ID|NAME|E-MAIL|LAST SEEN|DISABLED", func(u admin.User) []string {
			return []string{u.ID, or(u.Name, "-"), or(u.Email, "-"), moment(u.SeenAt), yesNo(u.Disabled)}
		}, "Nobody is known."),
	}.command()
}

func toUser(verb, short string, run func(*admin.Service, context.Context, admin.Actor, string) (admin.User, error)) *cobra.Command {
	return deed[admin.User]{
		use: verb + " USER", args: 1, short: short,
		run: func(d *desk, args []string) (admin.User, error) {
			return run(d.Service, d.ctx, d.by, args[0])
		},
		text: func(u admin.User) string {
			return card("user id", u.ID, "name", or(u.Name, "-"), "e-mail", or(u.Email, "-"), "sub", printable(u.Subject),
				"iss", printable(u.Issuer), "disabled", yesNo(u.Disabled), "known", moment(u.CreatedAt), "last seen", moment(u.SeenAt))
		},
	}.command()
}
