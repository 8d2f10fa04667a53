package cli

import (
	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/admin"
)

func domainsCommand() *cobra.Command {
	return group("domains", "Show, add and verify the e-mail domains of organizations",
		`An address of a verified domain leads to the organization's own OpenID provider. It
makes nobody a member. A domain is verified while its DNS record is there; the server
looks every domain up once a day, and those not verified yet once an hour.`,
		listDomains(),
		domainCommand("add", "Add a domain and show the DNS record that verifies it", func(e *env, organization, name string) (admin.Domain, error) {
			return e.CreateDomain(e.ctx, e.by, organization, admin.NewDomain{Domain: name})
		}),
		domainCommand("get", "Show a domain and its DNS record", func(e *env, organization, name string) (admin.Domain, error) {
			return e.Domain(e.ctx, e.by, organization, name)
		}),
		domainCommand("check", "Look the DNS record of a domain up now", func(e *env, organization, name string) (admin.Domain, error) {
			return e.CheckDomain(e.ctx, e.by, organization, name)
		}),
		removeDomain())
}

func listDomains() *cobra.Command {
	var organization string
	var p admin.Page
	return adminCommand[admin.List[admin.Domain]]{
		use: "list", short: "List an organization's domains", flags: allFlags(organizationFlag(&organization, true), pageFlags(&p)),
		run: func(e *env, _ []string) (admin.List[admin.Domain], error) {
			return e.Domains(e.ctx, e.by, organization, p)
		},
		text: listTable("DOMAIN|VERIFIED|CHECKED|PROBLEM|FROM", func(d admin.Domain) []string {
			return []string{d.Domain, yesNo(d.Verified), formatTime(d.CheckedAt), printable(string(d.Problem)), string(d.Source)}
		}, "The organization has no domains."),
	}.build()
}

func removeDomain() *cobra.Command {
	var organization string
	return adminCommand[admin.Empty]{
		use: "remove DOMAIN", args: 1, short: "Remove a domain", flags: organizationFlag(&organization, true),
		run: func(e *env, args []string) (admin.Empty, error) {
			return e.DeleteDomain(e.ctx, e.by, organization, args[0])
		},
		text: doneText("Removed."),
	}.build()
}

func domainCommand(verb, short string, run func(e *env, organization, name string) (admin.Domain, error)) *cobra.Command {
	var organization string
	return adminCommand[admin.Domain]{
		use: verb + " DOMAIN", args: 1, short: short, flags: organizationFlag(&organization, true),
		run:  func(e *env, args []string) (admin.Domain, error) { return run(e, organization, args[0]) },
		text: showDomain,
	}.build()
}

func showDomain(d admin.Domain) string {
	return fieldTable("domain", d.Domain, "verified", yesNo(d.Verified), "checked", formatTime(d.CheckedAt), "problem", printable(string(d.Problem)),
		"from", string(d.Source), "record", d.Record.Name+" "+d.Record.Type, "value", d.Record.Value)
}
