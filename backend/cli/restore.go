package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/store/sqlite"
)

// restoration has the flags of tabard restore.
type restoration struct {
	settings
	accept, list, keepSessions, replace, asJSON, printSQL bool
	trail, d1Export                                       string
}

func restoreCommand() *cobra.Command {
	var r restoration
	command := &cobra.Command{
		Use:     "restore [FILE]",
		Short:   "Restore the SQLite database, or accept a restored database",
		GroupID: groupServer,
		Long: `Restore writes a backup into the SQLite database of a server that is stopped, as a
whole or not at all. A database that is not empty is refused; with --replace it is
kept beside the new one.

A restored database has sessions, people, members, roles and keys again that ended
after the backup. So no replica serves it, SQLite or PostgreSQL, before it is
accepted: every endpoint answers 503, and the log says why.

1. --list shows who and what has access in it. With --trail, a file of tabard audit
   export or the replaced database, it lists the changes that were made after the
   backup. End what has to be ended: the other commands work
   already.
2. --accept ends all sessions, prints the same list, and lets every replica serve the
   database.

A D1 database that was restored by Time Travel cannot be opened from here. For --list,
--d1-export names a file of wrangler d1 export, and --trail may name another one. With
--accept --print-sql, SQL is printed for wrangler d1 execute.`,
		Example: `  tabard restore /var/backups/tabard-20261201T0300Z.db
  tabard restore --list --trail trail.jsonl
  tabard restore --list --trail sqlite:tabard.db.before-20261201T0912Z
  tabard restore --accept
  tabard restore --list --d1-export restored.sql --trail audit.sql
  tabard restore --accept --print-sql --secret-file tabard.secret > accept.sql`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := r.understood(len(args)); err != nil {
				return err
			}
			if r.printSQL {
				return r.print(c.OutOrStdout(), time.Now())
			}
			r.warn(c)
			r.tells = true
			if len(args) == 1 {
				return r.restore(c.Context(), args[0], c.OutOrStdout(), time.Now())
			}
			return r.review(c.Context(), c.OutOrStdout())
		},
	}
	r.addFlags(command)
	return command
}

func (r *restoration) addFlags(command *cobra.Command) {
	flags := command.Flags()
	flags.BoolVar(&r.replace, "replace", false, "replace a database that holds something, and keep it beside the new one")
	flags.BoolVar(&r.list, "list", false, "list who and what has access, and change nothing")
	flags.BoolVar(&r.accept, "accept", false, "end all sessions, and let replicas serve the database")
	flags.StringVar(&r.trail, "trail", "", "list the changes that this database lacks, by `FILE`: an audit export, or another database")
	flags.StringVar(&r.d1Export, "d1-export", "", "with --list, read the `FILE` that wrangler d1 export wrote instead of a database")
	flags.BoolVar(&r.keepSessions, "keep-sessions", false, "with --accept, end no session: nothing has changed since the copy was made")
	flags.BoolVar(&r.printSQL, "print-sql", false, "with --accept, print SQL for Cloudflare D1 instead of accepting")
	flags.BoolVar(&r.asJSON, "json", false, "write lists as JSON, an object a line")
	command.MarkFlagFilename("trail")
	command.MarkFlagFilename("d1-export", "sql")
	command.MarkFlagsMutuallyExclusive("list", "accept", "replace")
	command.MarkFlagsMutuallyExclusive("print-sql", "json")
	command.MarkFlagsMutuallyExclusive("print-sql", "trail")
	r.addSealing(command)
}

// understood returns an error if the flags and arguments name no single task.
func (r *restoration) understood(files int) error {
	switch {
	case files == 0 && !r.list && !r.accept:
		return errors.New("name the FILE to restore, or --list or --accept")
	case files == 1 && (r.list || r.accept):
		return errors.New("FILE cannot go with --list or --accept: restore it first, then run them without FILE")
	case r.keepSessions && !r.accept:
		return errors.New("--keep-sessions is for --accept")
	case r.printSQL && !r.accept:
		return errors.New("--print-sql is for --accept")
	case r.d1Export != "" && !r.list:
		return errors.New("--d1-export is for --list; a D1 database is accepted by --accept --print-sql")
	case r.trail != "" && files == 1:
		return errors.New("--trail is for --list and --accept")
	}
	return nil
}

// keptForm is how the name of a replaced database ends.
const keptForm = ".before-20060102T150405Z"

// restore restores a backup into the SQLite database.
func (r *restoration) restore(ctx context.Context, backup string, out io.Writer, now time.Time) error {
	path, err := r.sqliteFile("It has to be sqlite:FILE. PostgreSQL is restored by its own tools, and accepted by\ntabard restore --accept: \"Back up and restore\" in the guide of the server.")
	if err != nil {
		return err
	}
	r.tellDatabase()
	kept := ""
	if r.replace {
		kept = path + now.UTC().Format(keptForm)
	}
	found, err := sqlite.Restore(ctx, backup, path, kept)
	switch {
	case errors.Is(err, sqlite.ErrNotEmpty):
		return fmt.Errorf("%s holds something already; --replace puts the backup in its place and keeps it beside it", path)
	case err != nil:
		return fmt.Errorf("%w; nothing was restored", err)
	}
	fmt.Fprintf(out, "%s has what %s holds.\n", path, backup)
	trail := ""
	if found {
		fmt.Fprintf(out, "What it held before is in %s.\n", kept)
		trail = fmt.Sprintf("To see exactly what came back: tabard restore --list --trail %s\n", sqlitePrefix+kept)
	}
	_, err = io.WriteString(out, trail+`No server serves it before you accept it.
Next: tabard restore --list, end what has to be ended, then tabard restore --accept.
`)
	return err
}
