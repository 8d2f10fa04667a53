package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/admin"
)

func usersCommand() *cobra.Command {
	return group("users", "List, disable and enable people",
		`People are known from their first sign-in or from a membership. A person who is
disabled cannot enter any organization until they are enabled again.`,
		listUsers(),
		userCommand("get", "Show a person", (*admin.Service).User),
		userCommand("disable", "Disable a person everywhere", (*admin.Service).DisableUser),
		userCommand("enable", "Enable a person again", (*admin.Service).EnableUser))
}

func listUsers() *cobra.Command {
	var p admin.Page
	return adminCommand[admin.List[admin.User]]{
		use: "list", short: "List people by id", flags: pageFlags(&p),
		run: func(e *env, _ []string) (admin.List[admin.User], error) {
			return e.Users(e.ctx, e.by, p)
		},
		text: listTable("USER ID|NAME|E-MAIL|LAST SEEN|DISABLED", func(u admin.User) []string {
			return []string{u.ID, printable(u.Name), printable(u.Email), formatTime(u.SeenAt), yesNo(u.Disabled)}
		}, "There are no people yet."),
	}.build()
}

func userCommand(verb, short string, run func(*admin.Service, context.Context, admin.Actor, string) (admin.User, error)) *cobra.Command {
	return adminCommand[admin.User]{
		use: verb + " USER", args: 1, short: short,
		run: func(e *env, args []string) (admin.User, error) {
			return run(e.Service, e.ctx, e.by, args[0])
		},
		text: func(u admin.User) string {
			return fieldTable("user id", u.ID, "name", printable(u.Name), "e-mail", printable(u.Email), "sub", printable(u.Subject),
				"iss", printable(u.Issuer), "disabled", yesNo(u.Disabled), "known", formatTime(u.CreatedAt), "last seen", formatTime(u.SeenAt))
		},
	}.build()
}
