package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// applySource holds the settings and flags of apply.
type applySource struct {
	settings
	remote           remoteSettings
	printSQL, dryRun bool
	patterns         patternSettings
}

func applyCommand() *cobra.Command {
	var a applySource
	command := &cobra.Command{
		Use:     "apply FILE",
		Short:   "Apply a workspace file",
		GroupID: groupWorkspace,
		Long:    applyHelp,
		Example: `  tabard apply workspace.yaml
  tabard apply --dry-run workspace.yaml
  generate-workspace | tabard apply -
  tabard apply --url https://app.example.com/auth workspace.yaml`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeWorkspaceFile,
		RunE: func(c *cobra.Command, args []string) error {
			a.warn(c)
			return a.run(c, args[0])
		},
	}
	a.addSealing(command, a.remote.flags(), a.patterns.flags())
	flags := command.Flags()
	flags.StringVar(&a.remote.url, "url", "", "apply through the administration API of the backend at `URL` instead of in a database")
	flags.BoolVar(&a.dryRun, "dry-run", false, "print what would change, without changing it")
	flags.BoolVar(&a.printSQL, "print-sql", false, "print SQL for Cloudflare D1 instead of applying")
	command.MarkFlagsMutuallyExclusive("dry-run", "print-sql")
	command.MarkFlagsMutuallyExclusive("url", "print-sql")
	return command
}

const applyHelp = `Apply changes apps, roles, organizations and members to match the workspace file
(YAML or JSON). If the file has a mistake, nothing is changed. Applying the same file
again changes nothing. A running server follows at the next request.

Apply writes a few hundred rows at a time, so that sign-ins do not wait for it, and
only one apply runs at a time. A file that changes no more rows than one batch is
applied as a whole or not at all. If a larger one is interrupted, apply it again to
finish.
With --dry-run nothing is changed: each difference is printed.

Members that an earlier file named and this one does not are removed from their
organization. Members admitted by an administrator or by a claim of their identity
token stay, unless the file names them: the file then manages them. Connections that
the file no longer names are disabled. Organizations that the file does not name stay
as they are.

In an empty database apply creates the tables. Tables of an older release are left to
tabard migrate.

The client secrets of connections are read from the places that the file names and
sealed by the server's secret.

With --url the file is applied through the administration API, to a server or a Worker
whose database cannot be reached from here, by a key to the workspace. Client secrets
are read here, sent to the backend, and sealed there. New organizations get their ids
there: leave those out.

With --print-sql nothing is applied: SQL is printed for wrangler d1 execute.`

// completeWorkspaceFile completes the one argument, a file.
func completeWorkspaceFile(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt
}

// run reads the file, prints warnings and applies it, or prints SQL.
func (a *applySource) run(c *cobra.Command, path string) error {
	desired, err := readWorkspace(path, c.InOrStdin())
	if err != nil {
		return err
	}
	if err := a.patterns.check(path, desired.Workspace, c.ErrOrStderr()); err != nil {
		return err
	}
	warnLargeTokens(desired.Workspace, c.ErrOrStderr())
	warnGroupRoles(desired, c.ErrOrStderr())
	a.tells = true
	f := &fileApply{&a.settings, path, desired}
	switch {
	case a.remote.url != "":
		return a.remote.apply(c.Context(), path, desired, a.dryRun, c.OutOrStdout(), c.ErrOrStderr())
	case a.printSQL:
		return f.printScript(c.OutOrStdout())
	}
	return f.apply(c.Context(), a.dryRun, c.OutOrStdout(), c.ErrOrStderr())
}

// largeFile is the size in bytes from which apply saves memory at the cost of processor
// time.
const largeFile = 4 << 20

// readWorkspace reads a workspace file; - is standard input.
func readWorkspace(path string, in io.Reader) (directory.Desired, error) {
	text, err := os.ReadFile(path)
	if path == "-" {
		text, err = io.ReadAll(in)
	}
	if err != nil {
		return directory.Desired{}, err
	}
	if len(text) > largeFile && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(25)
	}
	desired, err := workspacefile.Read(text)
	if err != nil {
		return directory.Desired{}, notAppliedError(path, err)
	}
	return desired, nil
}

// warnLargeTokens warns of roles with large access tokens.
func warnLargeTokens(w directory.Workspace, out io.Writer) {
	for _, role := range w.RoleNames() {
		if bytes, app := w.TokenBytes([]string{role}); bytes > directory.LargeToken {
			fmt.Fprintf(out, "warning: access tokens of role %q get up to %d bytes in app %q. Some proxies refuse requests with more than %d;\n"+
				"above %d the file is refused. Give the role fewer or shorter permissions.\n", role, bytes, app, directory.LargeToken, directory.MaxRoleToken)
		}
	}
}

// fileApply is a workspace file with the settings to apply it.
type fileApply struct {
	*settings
	path    string
	desired directory.Desired
}

func (a *fileApply) printScript(out io.Writer) error {
	if a.desired.ConnectionCount() > 0 {
		if a.secretFile == "" {
			return a.wrong("secret-file", "Pass a file with the Worker's TABARD_SECRET, which seals the client secrets of\nconnections.").error()
		}
		if err := a.seal(func(string) (string, error) { return "", nil }); err != nil {
			return err
		}
	}
	script, err := sqlstore.Script(a.desired, time.Now().Unix())
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, script)
	return err
}

// seal seals the client secrets of connections, except stored ones that are the same.
func (a *fileApply) seal(stored func(id string) (string, error)) error {
	secret, err := a.serverSecret()
	if err != nil {
		return err
	}
	err = workspacefile.SealSecrets(&a.desired, secret.Sealer(signingkey.ForConnections), stored)
	if problems := (workspacefile.Problems{}); errors.As(err, &problems) {
		return notAppliedError(a.path, err)
	}
	return err
}

func notAppliedError(path string, err error) error {
	return fmt.Errorf("%s: nothing was applied\n%w", path, err)
}

func (a *fileApply) apply(ctx context.Context, dryRun bool, out, progress io.Writer) error {
	open := a.openOrMake
	if dryRun {
		open = a.openExisting
	}
	store, err := open(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := a.sealFor(ctx, store); err != nil {
		return err
	}
	p := &applyProgress{out: progress, total: a.desired.MemberCount(), lastReport: time.Now()}
	how := sqlstore.ApplyOptions{DryRun: dryRun, OnProgress: p.report, OnWait: func() {
		fmt.Fprintln(progress, "Waiting for another apply to finish.")
	}}
	if dryRun {
		how.OnDifference = func(d directory.Difference) { fmt.Fprintln(out, d) }
	}
	changes, err := store.ApplyWith(ctx, a.desired, time.Now().Unix(), how)
	if !dryRun {
		err = errors.Join(err, recordApply(ctx, store, changes))
	}
	return reportApplied(a.path, a.desired, changes, err, dryRun, out)
}

// sealFor seals the client secrets that the store does not have yet.
func (a *fileApply) sealFor(ctx context.Context, store *sqlstore.Store) error {
	if a.desired.ConnectionCount() == 0 {
		return nil
	}
	return a.seal(func(id string) (string, error) {
		c, err := store.Connection(ctx, id)
		if errors.Is(err, directory.ErrNoConnection) {
			err = nil
		}
		return c.SealedSecret, err
	})
}

// recordApply records in the audit log that a file made changes, even if the apply was
// interrupted afterward.
func recordApply(ctx context.Context, store *sqlstore.Store, changes directory.Changes) error {
	if changes.None() {
		return nil
	}
	by := commandLine()
	return store.RecordEvent(context.WithoutCancel(ctx), audit.Event{
		ID: directory.NewID("evt_"), At: time.Now().Unix(), Action: audit.ApplyFile, Outcome: audit.Done, Actor: by.ID, ActorName: by.Name,
	})
}

// applyProgress prints the progress of a large file.
type applyProgress struct {
	out        io.Writer
	total      int
	lastReport time.Time
}

// progressInterval is the least time between two lines of progress.
const progressInterval = 2 * time.Second

func (p *applyProgress) report(done int) {
	if time.Since(p.lastReport) < progressInterval {
		return
	}
	p.lastReport = time.Now()
	fmt.Fprintf(p.out, "%d of %d memberships (%d %%)\n", done, p.total, 100*done/max(p.total, 1))
}

// summary returns a table of the changes.
func summary(d directory.Desired, c directory.Changes) string {
	if c.None() {
		return fmt.Sprintf("Nothing to change: %s and %s match the file.\n",
			plural(len(d.Organizations), "organization"), plural(d.MemberCount(), "membership"))
	}
	text := ""
	if c.Workspace {
		text += "apps, roles, policy  changed\n"
	}
	for _, row := range []struct {
		name  string
		count directory.Count
	}{{"organizations", c.Organizations}, {"memberships", c.Members}, {"connections", c.Connections}, {"domains", c.Domains}} {
		unused := row.name == "domains" || row.name == "connections" && d.ConnectionCount() == 0
		if unused && row.count == (directory.Count{}) {
			continue
		}
		text += fmt.Sprintf("%-19s  %d added, %d changed, %d removed\n", row.name, row.count.Added, row.count.Changed, row.count.Removed)
	}
	return text
}

// warnGroupRoles warns of connections whose groups together give roles that no access
// token can carry. It is no error, because no person may be in all of them.
func warnGroupRoles(d directory.Desired, out io.Writer) {
	for _, o := range d.Organizations {
		for _, c := range o.Connections {
			var roles []string
			for _, some := range c.Provisioning.Groups {
				roles = append(roles, some...)
			}
			slices.Sort(roles)
			if err := d.Workspace.CheckTokens(slices.Compact(roles)); err != nil {
				fmt.Fprintf(out, "warning: a member of all groups of connection %q gets no access token: %s.\n",
					c.ID, strings.TrimPrefix(err.Error(), "directory: "))
			}
		}
	}
}
