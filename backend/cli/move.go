package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/store/migrate"
	"github.com/tabard-auth/tabard/backend/store/move"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// movement has the flags of tabard move.
type movement struct {
	settings
	to string
}

// toFlag is the setting that names the target. It may hold a password.
func (m *movement) toFlag() *pflag.FlagSet {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.StringVar(&m.to, "to", "", "copy everything to the database at `ADDRESS`: postgres://…")
	return flags
}

func moveCommand() *cobra.Command {
	var m movement
	command := &cobra.Command{
		Use:     "move",
		Short:   "Copy everything from SQLite to PostgreSQL",
		GroupID: groupServer,
		Long: `Move carries everything that the SQLite database of a stopped server holds, ids
included, to an empty PostgreSQL database, reads it back, and compares counts and
digests. Give the server the same secret and the new --database: everybody stays signed
in, and tabs that asked meanwhile ask again.

It is one transaction: if it is interrupted, nothing has changed; run it again. A
target that is not empty is refused. Afterward servers refuse the SQLite database;
tabard restore --accept --keep-sessions undoes that.`,
		Example: `  systemctl stop tabard
  tabard move --database sqlite:/var/lib/tabard/tabard.db --to postgres://…`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			m.warn(c)
			return m.move(c.Context(), c.OutOrStdout())
		},
	}
	m.flags = m.toFlag()
	m.databaseFlags()
	m.addFlags(command)
	command.RegisterFlagCompletionFunc("to", cobra.FixedCompletions([]string{"postgres://"}, cobra.ShellCompDirectiveNoSpace))
	return command
}

// move carries everything, unless something is not as it has to be.
func (m *movement) move(ctx context.Context, out io.Writer) error {
	path, err := m.sqliteFile("It has to be sqlite:FILE, the database that is carried.")
	if err != nil {
		return err
	}
	target := settings{database: m.to, flags: m.flags, stderr: m.stderr}
	if checkDatabase(m.to) != "" || strings.HasPrefix(m.to, sqlitePrefix) {
		return m.wrong("to", "It has to be postgres://USER:PASSWORD@HOST/DATABASE, an empty database.").error()
	}
	from, err := sqlite.OpenAlone(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--database: there is no database %s", path)
	}
	if err != nil {
		return fmt.Errorf("--database: %w", err)
	}
	defer from.Close()
	state, err := migrate.Look(ctx, from, sqlstore.SQLite)
	if err == nil && (state.Schema == 0 || len(state.Pending) > 0) {
		err = errors.New("its tables are not this release's; run: tabard migrate")
	}
	if err != nil {
		return fmt.Errorf("--database: %w", err)
	}
	if before, moved, err := move.MovedTo(ctx, from); err != nil || moved {
		return m.again(before, target.describeDatabase(), path, err, out)
	}
	to, err := target.openTarget(ctx)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	defer to.Close()
	fmt.Fprintf(m.stderr, "From: %s\nTo: %s\n", m.describeDatabase(), target.describeDatabase())
	report := func(table string, rows int64) { fmt.Fprintf(m.stderr, "%s: %d rows so far\n", table, rows) }
	carried, err := move.Move{From: from, To: to.Pool(), Target: target.describeDatabase(), Report: report}.Run(ctx)
	if err != nil {
		return fmt.Errorf("move: %w", err)
	}
	return m.tell(carried, path, out)
}

// again tells that the database was moved before, which is no failure unless it was to
// another one.
func (m *movement) again(before, target, path string, err error, out io.Writer) error {
	if err != nil {
		return fmt.Errorf("--database: %w", err)
	}
	text := fmt.Sprintf(`%s was moved already, to %s.
Nothing was changed. Give the server that database, and the same --secret-file.
`, path, before)
	if strings.HasPrefix(before, postgresName) && before != target {
		return refusal.New(api.Conflict, strings.TrimSuffix(text, "\n")+" --to is another one: "+target)
	}
	_, err = io.WriteString(out, text)
	return err
}

// openTarget opens the target and gives it tables, if it is empty.
func (s *settings) openTarget(ctx context.Context) (*sqlstore.Store, error) {
	found, err := postgres.Inspect(ctx, s.database)
	if err != nil {
		return nil, err
	}
	err = move.Ready(ctx, found.Store.Pool(), found.State)
	if err = errors.Join(err, found.Store.Close()); err != nil {
		return nil, err
	}
	return postgres.OpenAs(ctx, s.database, migrate.Opening{Schema: migrate.UpToDate, Log: slog.New(console{s.stderr, slog.LevelWarn})})
}

func (m *movement) tell(carried []move.Carried, path string, out io.Writer) error {
	total := int64(0)
	for _, c := range carried {
		total += c.Rows
		if c.Rows > 0 {
			fmt.Fprintf(out, "%-22s %d\n", c.Table, c.Rows)
		}
	}
	_, err := fmt.Fprintf(out, `Carried %d rows, and found the same counts and digests in both databases.
No server serves %s any more. Next: start the server with the
same --secret-file, and the new database as its --database.
`, total, path)
	return err
}
