package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/admin"
)

func organizationsCommand() *cobra.Command {
	return group("organizations", "List, create, rename, disable and delete organizations",
		`An organization that is disabled here stays disabled, whatever a workspace file says.
For the name and policy of an organization that a file names, the file takes
precedence when it is applied. Other organizations are left as they are.`,
		listOrganizations(), createOrganization(), updateOrganization(), setOrganizationAttributes(),
		organizationCommand("get", "Show an organization", (*admin.Service).Organization),
		organizationCommand("disable", "Disable an organization", (*admin.Service).DisableOrganization),
		organizationCommand("enable", "Enable an organization again", (*admin.Service).EnableOrganization),
		adminCommand[admin.Empty]{
			use: "delete ORGANIZATION", args: 1, short: "Delete an organization permanently",
			long: "Delete removes an organization with its memberships, connections and keys. Its slug can\nbe used again; its id never.",
			run: func(e *env, args []string) (admin.Empty, error) {
				return e.DeleteOrganization(e.ctx, e.by, args[0])
			},
			text: doneText("Deleted."),
		}.build())
}

func listOrganizations() *cobra.Command {
	var p admin.Page
	return adminCommand[admin.List[admin.Organization]]{
		use: "list", short: "List organizations by slug", flags: pageFlags(&p),
		run: func(e *env, _ []string) (admin.List[admin.Organization], error) {
			return e.Organizations(e.ctx, e.by, p)
		},
		text: listTable("SLUG|ID|NAME|DISABLED", func(o admin.Organization) []string {
			return []string{o.Slug, o.ID, printable(o.Name), yesNo(o.Disabled)}
		}, "There are no organizations."),
	}.build()
}

func createOrganization() *cobra.Command {
	var n admin.OrganizationNames
	return adminCommand[admin.Organization]{
		use: "create", short: "Create an organization", flags: nameFlags(&n, true),
		example: `  tabard organizations create --slug acme --name "Acme Corporation"`,
		run: func(e *env, _ []string) (admin.Organization, error) {
			return e.CreateOrganization(e.ctx, e.by, n)
		},
		text: showOrganization,
	}.build()
}

func updateOrganization() *cobra.Command {
	var n admin.OrganizationNames
	return adminCommand[admin.Organization]{
		use: "update ORGANIZATION", args: 1, short: "Rename an organization", flags: nameFlags(&n, false),
		run: func(e *env, args []string) (admin.Organization, error) {
			return e.UpdateOrganization(e.ctx, e.by, args[0], n)
		},
		text: showOrganization,
	}.build()
}

func nameFlags(n *admin.OrganizationNames, required bool) func(*cobra.Command) {
	return func(c *cobra.Command) {
		c.Flags().StringVar(&n.Slug, "slug", "", "`SLUG` for addresses: a–z, 0–9 and -")
		c.Flags().StringVar(&n.Name, "name", "", "display `NAME`")
		if required {
			c.MarkFlagRequired("slug")
			c.MarkFlagRequired("name")
			return
		}
		c.MarkFlagsOneRequired("slug", "name")
	}
}

func organizationCommand(verb, short string, run func(*admin.Service, context.Context, admin.Actor, string) (admin.Organization, error)) *cobra.Command {
	return adminCommand[admin.Organization]{
		use: verb + " ORGANIZATION", args: 1, short: short,
		run: func(e *env, args []string) (admin.Organization, error) {
			return run(e.Service, e.ctx, e.by, args[0])
		},
		text: showOrganization,
	}.build()
}

func showOrganization(o admin.Organization) string {
	fields := []string{"slug", o.Slug, "id", o.ID, "name", printable(o.Name), "disabled", yesNo(o.Disabled), "created", formatTime(o.CreatedAt)}
	if len(o.Attributes) > 0 {
		fields = append(fields, "attributes", attributesText(o.Attributes))
	}
	return fieldTable(fields...)
}
