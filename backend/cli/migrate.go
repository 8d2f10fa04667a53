package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/store/inspect"
	"github.com/tabard-auth/tabard/backend/store/migrate"
)

func migrateCommand() *cobra.Command {
	var s settings
	var check bool
	command := &cobra.Command{
		Use:     "migrate",
		Short:   "Bring the database schema up to date",
		GroupID: groupServer,
		Long: `Migrate applies this release's changes to the database schema, and creates the tables
of a database that has none, also beside those of another program. tabard serve does
the same when it starts, in an empty database alone; no other command does. Make a backup first: migrations cannot be undone.

Servers of the previous release keep working during the migration and afterward. If a
long transaction locks a table, migrate waits and lets all other requests go first;
after ten minutes it gives up and can be run again.

With --check nothing is changed, and the exit status is 1 if a migration is pending.`,
		Example: `  tabard migrate --check
  tabard migrate --database postgres://…`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			s.warn(c)
			s.tells = true
			if check {
				return checkMigrations(&s, c.Context(), c.OutOrStdout())
			}
			return s.migrate(c.Context(), c.OutOrStdout())
		},
	}
	s.addDatabase(command)
	command.Flags().BoolVar(&check, "check", false, "list pending migrations without applying them")
	return command
}

func (s *settings) migrate(ctx context.Context, out io.Writer) error {
	store, err := s.open(ctx, migrate.Opening{
		Schema: migrate.UpToDate, Wait: databaseWait, Log: slog.New(console{s.stderr, slog.LevelInfo}),
	})
	if err != nil {
		return err
	}
	if err := store.Close(); err != nil {
		return err
	}
	_, err = io.WriteString(out, "The database schema is up to date.\n")
	return err
}

func checkMigrations(s *settings, ctx context.Context, out io.Writer) error {
	if hint := checkDatabase(s.database); hint != "" {
		return s.wrong("database", hint).error()
	}
	d, err := s.inspect(ctx)
	if errors.Is(err, inspect.ErrMissing) {
		return problemsError("There is no database yet. Run: tabard migrate")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", source(s.flags.Lookup("database")), err)
	}
	defer d.Store.Close()
	s.tellDatabase()
	if n := len(d.Pending); n > 0 {
		return problemsError(plural(n, "migration") + " pending: " + strings.Join(d.Pending, ", ") + ". Run: tabard migrate")
	}
	text := "No migrations are pending.\n"
	if d.Newer() {
		text = fmt.Sprintf("No migrations are pending: the database schema is of a newer release (%d; this release knows %d).\n", d.Schema, d.Release)
	}
	_, err = io.WriteString(out, text)
	return err
}

// console is a slog handler that prints plain lines.
type console struct {
	to   io.Writer
	from slog.Level
}

func (c console) Enabled(_ context.Context, level slog.Level) bool { return level >= c.from }

func (c console) Handle(_ context.Context, r slog.Record) error {
	text := "tabard: "
	if r.Level >= slog.LevelWarn {
		text += "warning: "
	}
	text += r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += fmt.Sprintf("; %s: %s", strings.ReplaceAll(a.Key, "_", " "), a.Value)
		return true
	})
	_, err := io.WriteString(c.to, text+"\n")
	return err
}

func (c console) WithAttrs([]slog.Attr) slog.Handler { return c }
func (c console) WithGroup(string) slog.Handler      { return c }
