package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/signingkey"
)

func secretEpochCommand() *cobra.Command {
	var path string
	command := &cobra.Command{
		Use:   "epoch",
		Short: "Give the secret file a new epoch, before PostgreSQL is restored",
		Long: `Epoch writes a new epoch into the secret file. Replicas that have the file refuse
every older database and backup until tabard restore --accept has accepted it.

Run it when all replicas are stopped, and give every replica the file. The secret
itself stays as it is.`,
		Example:           `  tabard secret epoch --secret-file /etc/tabard/tabard.secret`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			f, err := openSecretFile(path)
			if err == nil {
				f.epoch = signingkey.NewEpoch()
				err = f.write()
			}
			if err != nil {
				return fmt.Errorf("--secret-file: %s: %w; nothing was changed", path, err)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), `%s has a new epoch.
Next: give every replica the file, restore the database, and start them. They answer 503
until you run: tabard restore --accept
`, f.path)
			return err
		},
	}
	command.Flags().StringVar(&path, "secret-file", "", "the secret `FILE`")
	command.MarkFlagRequired("secret-file")
	command.MarkFlagFilename("secret-file")
	return command
}
