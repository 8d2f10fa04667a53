package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/store/sqlite"
)

func backupCommand() *cobra.Command {
	var s settings
	command := &cobra.Command{
		Use:     "backup FILE",
		Short:   "Write a copy of the SQLite database while the server runs",
		GroupID: groupServer,
		Long: `Backup writes all that the SQLite database holds, as it is at one moment, into a new
file, while servers use it. The file appears when it is complete, and only its owner
can read it. The secret is not in it: keep a copy of --secret-file too, elsewhere.

A server does not serve a backup, wherever it was put: see tabard restore.

PostgreSQL has its own tools; how to use them is in the guide of the server.`,
		Example: `  tabard backup --database sqlite:/var/lib/tabard/tabard.db \
    "/var/backups/tabard-$(date -u +%Y%m%dT%H%MZ).db"`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s.warn(c)
			return s.backup(c.Context(), args[0], c.OutOrStdout())
		},
	}
	s.addDatabase(command)
	return command
}

// sqliteFile returns the file of the SQLite database that --database names.
func (s *settings) sqliteFile(instead string) (string, error) {
	if right := checkDatabase(s.database); right != "" {
		return "", s.wrong("database", right).error()
	}
	path, embedded := strings.CutPrefix(s.database, sqlitePrefix)
	if !embedded {
		return "", s.wrong("database", instead).error()
	}
	return path, nil
}

func (s *settings) backup(ctx context.Context, to string, out io.Writer) error {
	path, err := s.sqliteFile("It has to be sqlite:FILE. PostgreSQL is backed up by pg_dump, or by WAL archiving:\n\"Back up and restore\" in the guide of the server has the commands.")
	if err != nil {
		return err
	}
	s.tellDatabase()
	switch err := sqlite.Backup(ctx, path, to); {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s is there already; name a new file", to)
	case errors.Is(err, sqlite.ErrNoDatabase):
		return fmt.Errorf("--database: there is no database %s", path)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; make the folder first", err)
	case err != nil:
		return err
	}
	_, err = fmt.Fprintf(out, "%s has what %s held.\n", to, path)
	return err
}
