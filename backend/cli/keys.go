package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

func keysCommand() *cobra.Command {
	return group("keys", "Create, list and revoke API keys",
		`A key gives access to the administration API below /admin/v1, for the whole workspace
or for one organization, lets an app's server open sessions in another app, or lets an
API follow the feed of endings. A key of one kind is useless for the others. It is
shown once and stored as a hash.`,
		createKey(), listKeys(),
		adminCommand[admin.Empty]{
			use: "revoke KEY", args: 1, short: "Revoke a key immediately and permanently",
			run: func(e *env, args []string) (admin.Empty, error) {
				return e.RevokeKey(e.ctx, e.by, args[0])
			},
			text: doneText("Revoked."),
		}.build())
}

func listKeys() *cobra.Command {
	var p admin.Page
	return adminCommand[admin.List[admin.KeyInfo]]{
		use: "list", short: "List the keys, including revoked and expired ones", flags: pageFlags(&p),
		run: func(e *env, _ []string) (admin.List[admin.KeyInfo], error) {
			return e.Keys(e.ctx, e.by, p)
		},
		text: listTable("KEY|KIND|NAME|SCOPE|CREATED|LAST USED|EXPIRES|REVOKED", func(k admin.KeyInfo) []string {
			return []string{k.ID, string(k.Kind), printable(k.Name), keyScope(k), formatTime(k.CreatedAt),
				formatTime(k.LastUsedAt), formatTime(k.ExpiresAt), formatTime(k.RevokedAt)}
		}, "There are no keys."),
	}.build()
}

// keyScope describes the scope of a key.
func keyScope(k admin.KeyInfo) string {
	if k.App != "" {
		return strings.TrimSuffix("app "+k.App+", "+k.OrganizationID, ", ")
	}
	if k.OrganizationID == "" {
		return "the workspace"
	}
	return k.OrganizationID
}

// createKey returns the command keys create, which also prints SQL for D1.
func createKey() *cobra.Command {
	var n admin.NewKey
	var life time.Duration
	var printSQL bool
	var kind string
	command := adminCommand[admin.CreatedKey]{
		use: "create", short: "Create a key and show it once", secret: true,
		long: `Create prints a new key, and nothing else, on standard output. The kind administration
gives access to the administration API. The kind workspace lets an app's server open
sessions in another app of the workspace and renew its own. The kind events lets an API
follow the feed of endings. Without --organization the key is for the whole workspace.
--secret-file is the server's.

With --print-sql nothing is stored: standard output has SQL for wrangler d1 execute,
and standard error the key.`,
		example: `  tabard keys create --name "billing server" --expires 8760h
  tabard keys create --name "Acme's own" --organization acme
  tabard keys create --name "notes server" --kind workspace --app notes
  tabard keys create --name "notes API" --kind events`,
		flags: allFlags(organizationFlag(&n.Organization, false), func(c *cobra.Command) {
			c.Flags().StringVar(&n.Name, "name", "", "`TEXT` that says whose key it is")
			c.Flags().StringVar(&kind, "kind", string(admin.Administration), "key `KIND`: administration, workspace or events")
			c.Flags().StringVar(&n.App, "app", "", "restrict the key to the server of `APP` (kind workspace)")
			c.Flags().DurationVar(&life, "expires", 0, "expire the key after `TIME`, such as 8760h")
			c.Flags().BoolVar(&printSQL, "print-sql", false, "print SQL for Cloudflare D1 instead of storing it")
			c.MarkFlagRequired("name")
		}),
		run: func(e *env, _ []string) (admin.CreatedKey, error) {
			n.ExpiresIn, n.Kind = int64(life/time.Second), admin.KeyKind(kind)
			return e.CreateKey(e.ctx, e.by, n)
		},
		text: func(k admin.CreatedKey) string { return k.Secret + "\n" },
	}.build()
	stored := command.RunE
	command.RunE = func(c *cobra.Command, args []string) error {
		if life != 0 && life < time.Second { // which would be rounded to 0: no expiry
			return errors.New("--expires must be at least 1s; without it the key is valid until it is revoked")
		}
		if !printSQL {
			return stored(c, args)
		}
		n.ExpiresIn, n.Kind = int64(life/time.Second), admin.KeyKind(kind)
		return printKey(c, n)
	}
	return command
}

// printKey prints the SQL of a key, for the secret in --secret-file.
func printKey(c *cobra.Command, n admin.NewKey) error {
	if n.Organization != "" && !strings.HasPrefix(n.Organization, directory.OrganizationPrefix) {
		return errors.New("with --print-sql, --organization must be an id (org_…), because no database is read")
	}
	secret, err := readSecret(c.Flag("secret-file").Value.String())
	if err != nil {
		return fmt.Errorf("--secret-file: pass a file with the Worker's TABARD_SECRET: %w", err)
	}
	service := admin.New(admin.Config{Secret: secret, Now: time.Now})
	by := commandLine()
	k, text, err := service.DraftKey(by, n, n.Organization)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.ErrOrStderr(), text)
	_, err = io.WriteString(c.OutOrStdout(), sqlstore.KeyScript(k, admin.KeyCreatedEvent(by, k)))
	return err
}
