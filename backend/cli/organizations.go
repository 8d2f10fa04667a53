package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/admin"
)

func organizationsCommand() *cobra.Command {
	return group("organizations", "List, make, rename, disable and delete organizations",
		`An organization that is disabled here stays so, whatever a workspace file says. A
file that names an organization has the last word on its name and policy; those
that it does not name are left as they are.`,
		listOrganizations(), createOrganization(), updateOrganization(),
		toOrganization("get", "Show an organization", (*admin.Service).Organization),
		toOrganization("disable", "Keep everybody out of an organization", (*admin.Service).DisableOrganization),
		toOrganization("enable", "Let its members into an organization again", (*admin.Service).EnableOrganization),
		deed[admin.Empty]{
			use: "delete ORGANIZATION", args: 1, short: "End an organization for good",
			long: "Delete ends an organization with its memberships, connections and keys. Its slug is\nfree then; its id is never used again.",
			run: func(d *desk, args []string) (admin.Empty, error) {
				return d.DeleteOrganization(d.ctx, d.by, args[0])
			},
			text: done("Deleted."),
		}.command())
}

func listOrganizations() *cobra.Command {
	var p admin.Page
	return deed[admin.List[admin.Organization]]{
		use: "list", short: "List organizations by slug", flags: paging(&p),
		run: func(d *desk, _ []string) (admin.List[admin.Organization], error) {
			return d.Organizations(d.ctx, d.by, p)
		},
		text: rows("SLUG|ID|NAME|DISABLED", func(o admin.Organization) []string {
			return []string{o.Slug, o.ID, printable(o.Name), yesNo(o.Disabled)}
		}, "There is no organization."),
	}.command()
}

func createOrganization() *cobra.Command {
	var n admin.OrganizationNames
	return deed[admin.Organization]{
		use: "create", short: "Make an organization", flags: naming(&n, true),
		example: `  tabard organizations create --slug acme --name "Acme Corporation"`,
		run: func(d *desk, _ []string) (admin.Organization, error) {
			return d.CreateOrganization(d.ctx, d.by, n)
		},
		text: showOrganization,
	}.command()
}

func updateOrganization() *cobra.Command {
	var n admin.OrganizationNames
	return deed[admin.Organization]{
		use: "update ORGANIZATION", args: 1, short: "Rename an organization", flags: naming(&n, false),
		run: func(d *desk, args []string) (admin.Organization, error) {
			return d.UpdateOrganization(d.ctx, d.by, args[0], n)
		},
		text: showOrganization,
	}.command()
}

func naming(n *admin.OrganizationNames, required bool) func(*cobra.Command) {
	return func(c *cobra.Command) {
		c.Flags().StringVar(&n.Slug, "slug", "", "call it `SLUG` in addresses: a–z, 0–9 and -")
		c.Flags().StringVar(&n.Name, "name", "", "call it `NAME` to people")
		if required {
			c.MarkFlagRequired("slug")
			c.MarkFlagRequired("name")
			return
		}
		c.MarkFlagsOneRequired("slug", "name")
	}
}

func toOrganization(verb, short string, run func(*admin.Service, context.Context, admin.Actor, string) (admin.Organization, error)) *cobra.Command {
	return deed[admin.Organization]{
		use: verb + " ORGANIZATION", args: 1, short: short,
		run: func(d *desk, args []string) (admin.Organization, error) {
			return run(d.Service, d.ctx, d.by, args[0])
		},
		text: showOrganization,
	}.command()
}

func showOrganization(o admin.Organization) string {
	return card("slug", o.Slug, "id", o.ID, "name", printable(o.Name), "disabled", yesNo(o.Disabled),
		"created", moment(o.CreatedAt))
}
