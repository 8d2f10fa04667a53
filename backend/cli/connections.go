package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/strictjson"
)

func connectionsCommand() *cobra.Command {
	return group("connections", "Show and change organizations' own OpenID providers",
		`A connection is an organization's own OpenID provider. A new connection is disabled,
and at most one of an organization's connections is enabled. At the provider,
register the backend's address with /callback/CONNECTION as the redirect URI.`,
		listConnections(), createConnection(), updateConnection(), deleteConnection(),
		connectionCommand("get", "Show a connection", (*admin.Service).Connection),
		connectionCommand("enable", "Enable a connection: members sign in there", (*admin.Service).EnableConnection),
		connectionCommand("disable", "Disable a connection", (*admin.Service).DisableConnection))
}

func listConnections() *cobra.Command {
	var organization string
	var p admin.Page
	return adminCommand[admin.List[admin.Connection]]{
		use: "list", short: "List an organization's connections", flags: allFlags(organizationFlag(&organization, true), pageFlags(&p)),
		run: func(e *env, _ []string) (admin.List[admin.Connection], error) {
			return e.Connections(e.ctx, e.by, organization, p)
		},
		text: listTable("CONNECTION|ISSUER|CLIENT ID|FROM|ENABLED", func(c admin.Connection) []string {
			return []string{c.ID, printable(c.Issuer), printable(c.ClientID), string(c.Source), yesNo(c.Enabled)}
		}, "The organization has no connections."),
	}.build()
}

func createConnection() *cobra.Command {
	var organization string
	command := adminCommand[admin.Connection]{
		use: "create FILE", args: 1, short: "Create a connection, disabled at first", secret: true,
		long: `Create reads a connection from a JSON file; - is standard input. The client secret is
sealed by the server's secret and never shown.`,
		example: `  tabard connections create --organization acme - <<'END'
  {"issuer": "https://id.acme.example",
   "client_id": "tabard", "client_secret": "…",
   "provisioning": {"just_in_time": true, "roles": ["viewer"]}}
  END`,
		flags: organizationFlag(&organization, true),
		run: func(e *env, args []string) (admin.Connection, error) {
			var n admin.NewConnection
			if err := decodeInput(e, args[0], &n); err != nil {
				return admin.Connection{}, err
			}
			return e.CreateConnection(e.ctx, e.by, organization, n)
		},
		text: showConnection,
	}.build()
	command.ValidArgsFunction = nil
	return command
}

func updateConnection() *cobra.Command {
	var organization string
	command := adminCommand[admin.Connection]{
		use: "update CONNECTION FILE", args: 2, short: "Replace a connection's settings, except its issuer", secret: true,
		long: `Update replaces a connection's settings by those of a JSON file; - is standard input.
Without client_secret the stored secret stays.`,
		flags: organizationFlag(&organization, true),
		run: func(e *env, args []string) (admin.Connection, error) {
			var s admin.ConnectionSettings
			if err := decodeInput(e, args[1], &s); err != nil {
				return admin.Connection{}, err
			}
			return e.UpdateConnection(e.ctx, e.by, organization, args[0], s)
		},
		text: showConnection,
	}.build()
	command.ValidArgsFunction = nil
	return command
}

// maxDepth is the deepest nesting of a connection's JSON.
const maxDepth = 5

func decodeInput(e *env, path string, into any) error {
	text, err := readInput(path, e.in)
	if err != nil {
		return err
	}
	if err := strictjson.Decode(text, into, maxDepth); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func deleteConnection() *cobra.Command {
	var organization string
	return adminCommand[admin.Empty]{
		use: "delete CONNECTION", args: 1, short: "Delete a connection permanently", flags: organizationFlag(&organization, true),
		run: func(e *env, args []string) (admin.Empty, error) {
			return e.DeleteConnection(e.ctx, e.by, organization, args[0])
		},
		text: doneText("Deleted."),
	}.build()
}

func connectionCommand(verb, short string, run func(*admin.Service, context.Context, admin.Actor, string, string) (admin.Connection, error)) *cobra.Command {
	var organization string
	return adminCommand[admin.Connection]{
		use: verb + " CONNECTION", args: 1, short: short, flags: organizationFlag(&organization, true),
		run: func(e *env, args []string) (admin.Connection, error) {
			return run(e.Service, e.ctx, e.by, organization, args[0])
		},
		text: showConnection,
	}.build()
}

func showConnection(c admin.Connection) string {
	return fieldTable("id", c.ID, "issuer", printable(c.Issuer), "client id", printable(c.ClientID), "client secret", setOrMissing(c.SecretSet),
		"scopes", joinOrDash(c.Scopes), "admits", admissionText(c.Provisioning), "from", string(c.Source), "enabled", yesNo(c.Enabled))
}

func setOrMissing(truth bool) string {
	if truth {
		return "set"
	}
	return "missing"
}

// admissionText describes which people a connection makes members.
func admissionText(p admin.Provisioning) string {
	text := "members only"
	if p.JustInTime {
		text = "everyone who signs in there"
	}
	if len(p.Roles) > 0 {
		text += ", as " + joinOrDash(p.Roles)
	}
	if p.Claim != "" {
		text += ", by the claim " + printable(p.Claim)
		if p.ClaimSource == directory.FromUserInfo {
			text += " of userinfo"
		}
	}
	return text
}
