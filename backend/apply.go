package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

func applyCommand() *cobra.Command {
	var s settings
	var printSQL bool
	command := &cobra.Command{
		Use:   "apply FILE",
		Short: "Make the workspace be what a workspace file says",
		Long: `Apply makes the apps, roles, organisations and members be what the workspace file
(YAML or JSON) says: all of it, or with a mistake in the file nothing. Applied
again it changes nothing. A running server follows at the next request.

With --print-sql nothing is applied: the statements that would do it are printed,
for wrangler d1 execute.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			desired, err := readWorkspace(args[0])
			switch {
			case err != nil:
				return err
			case printSQL:
				return printScript(desired, c.OutOrStdout())
			}
			return apply(c.Context(), s, desired, c.OutOrStdout())
		},
	}
	s.addDatabase(command.Flags())
	command.Flags().BoolVar(&printSQL, "print-sql", false, "print SQL for Cloudflare D1 instead of applying")
	return command
}

func readWorkspace(path string) (directory.Desired, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return directory.Desired{}, err
	}
	desired, err := workspacefile.Parse(text)
	if err != nil {
		return directory.Desired{}, fmt.Errorf("%s: nothing was applied\n%w", path, err)
	}
	return desired, nil
}

func printScript(desired directory.Desired, out io.Writer) error {
	script, err := sqlstore.Script(desired, time.Now().Unix())
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, script)
	return err
}

func apply(ctx context.Context, s settings, desired directory.Desired, out io.Writer) error {
	store, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	changes, err := store.Apply(ctx, desired, time.Now().Unix())
	if err != nil {
		return err
	}
	fmt.Fprint(out, report(desired, changes))
	return nil
}

func report(d directory.Desired, c directory.Changes) string {
	if c.None() {
		return "Nothing changed.\n"
	}
	text := fmt.Sprintf("%d organisations in the file: %d added, %d changed. Members: %d added, %d changed, %d removed.\n",
		len(d.Organizations), c.Organizations.Added, c.Organizations.Changed,
		c.Members.Added, c.Members.Changed, c.Members.Removed)
	if c.Workspace {
		text += "Apps, roles or policy changed.\n"
	}
	return text
}
