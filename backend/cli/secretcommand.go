package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/secrets"
)

func secretCommand() *cobra.Command {
	command := &cobra.Command{
		Use:     "secret",
		Short:   "Replace the workspace's secret without signing anybody out",
		GroupID: groupServer,
		Long: `The secret in --secret-file is replaced in three steps. After each, copy the file to
every replica, and restart the replicas one after the other. A replica that reads the
file itself can reload it instead (SIGHUP); the copy that systemd makes for
LoadCredential stays what it was at the start.

1. A new value is added below the one in use. Every replica learns to accept it.

2. The two values change places. Every replica uses the new one.

3. The old value is removed when nothing needs it any longer.

Replicas record in the database which values they have, so that no step is done too
early. The first start creates the first value.`,
	}
	command.AddCommand(rotateSecretCommand(), secretStatusCommand(), secretEpochCommand())
	return command
}

// replacement holds the settings and flags of the commands.
type replacement struct {
	settings
	force, offline bool
}

func rotateSecretCommand() *cobra.Command {
	var r replacement
	command := &cobra.Command{
		Use:   "rotate",
		Short: "Do the next step of replacing the secret if it is safe",
		Long: `Rotate does the next step in the secret file, and prints what to do next and when. Run
it, copy the file to every replica, restart each or reload it (SIGHUP), and run it
again. If a step is not safe yet, rotate does not do it and prints why.

For a leaked secret the second and the third step can be forced; --force prints who
has to sign in again. After a leak also rotate the signing keys (tabard signing-keys).

With --offline the database is not used. This is for Cloudflare D1, which only wrangler
reaches: check yourself that each step is safe.`,
		Example: `  tabard secret rotate
  tabard secret rotate --secret-file tabard.secret --offline`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			r.warn(c)
			return r.rotate(c.Context(), c.OutOrStdout(), time.Now().Unix())
		},
	}
	command.Flags().BoolVar(&r.force, "force", false, "do the step even though replicas or sessions still need the old value")
	command.Flags().BoolVar(&r.offline, "offline", false, "do not use the database")
	r.addSealing(command)
	return command
}

// rotate does the next step if it is safe.
func (r *replacement) rotate(ctx context.Context, out io.Writer, now int64) error {
	f, err := r.openSecret()
	if err != nil {
		return err
	}
	if r.offline {
		step, known := f.nextStep()
		if !known {
			return errUnmarked
		}
		return r.step(f, step, out)
	}
	store, err := r.openExisting(ctx)
	if err != nil {
		return fmt.Errorf("%w\nNothing was changed. The first step, and every step for a Worker, can be done with --offline", err)
	}
	defer store.Close()
	state, err := examineSecret(ctx, store, f, false, now)
	if err != nil {
		return err
	}
	if len(state.Blockers) > 0 {
		if !r.force {
			return problemsError(fmt.Sprintf("step %d of 3 is not safe yet; nothing was changed\n%s\nRun this again when that is resolved. To do the step anyway: --force",
				state.Step, bulletList(state.Blockers)))
		}
		fmt.Fprintf(out, "Forced despite:\n%s\n", bulletList(state.Blockers))
	}
	retires := state.Values[len(state.Values)-1]
	if err := r.step(f, state.Step, out); err != nil || state.Step != secrets.Remove {
		return err
	}
	return store.RetireSecretKey(ctx, retires, now)
}

var errUnmarked = errors.New("cannot tell whether the file's second value is the new or the old one: above it, on a line of its own, write\n" +
	markNext + "\nor\n" + markBefore)

// step writes the file and prints the next step.
func (r *replacement) step(f *secretFile, step secrets.Step, out io.Writer) error {
	f.apply(step)
	if err := f.write(); err != nil {
		return fmt.Errorf("--secret-file: %s: %w; nothing was changed", f.path, err)
	}
	_, err := fmt.Fprintf(out, stepDoneText[step], f.path)
	return err
}

// stepDoneText is printed after a step.
var stepDoneText = map[secrets.Step]string{
	secrets.Add: `Step 1 of 3 is done: %s has a new value below the one in use.
Next: copy the file to every replica, and restart each, one after the other. One that
reads the file itself can reload it (SIGHUP); systemd's LoadCredential needs a restart.
Then run tabard secret rotate again, which checks that all have it.
`,
	secrets.Promote: `Step 2 of 3 is done: the new value is the first in %s.
Next: copy the file to every replica, and restart each, one after the other. One that
reads the file itself can reload it (SIGHUP); systemd's LoadCredential needs a restart.
When the last session from before has ended, run tabard secret rotate again; it prints
when that is.
`,
	secrets.Remove: `Step 3 of 3 is done: %s has the new value alone.
Next: copy the file to every replica, and restart each, one after the other. One that
reads the file itself can reload it (SIGHUP); systemd's LoadCredential needs a restart.
`,
}

func bulletList(all []string) string { return "  - " + strings.Join(all, "\n  - ") }
