// Command tabard is the token backend: it serves the contract, and administers the
// workspace that it serves.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "tabard: "+err.Error())
		os.Exit(1)
	}
}

func newCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "tabard",
		Short: "One sign-in, one organisation per tab, no way to mix them",
		Long: `Tabard mints short-lived access tokens, each for one organisation, from the one
sign-in that all tabs of a browser share.

Begin with a workspace file and a server:

  tabard apply workspace.yaml
  tabard serve --public-url https://app.example.com/auth --oidc-issuer https://id.example.com …

Every flag can be given in the environment: --public-url is TABARD_PUBLIC_URL.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		// Before any command runs, what the environment says becomes its flags.
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return fromEnvironment(c.Flags(), os.LookupEnv) },
	}
	root.AddCommand(serveCommand(), applyCommand())
	return root
}
