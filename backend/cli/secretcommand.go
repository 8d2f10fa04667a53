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
		Long: `The secret in --secret-file is replaced in three steps, between which every replica
gets the file and is restarted, one after the other:

1. A new value is added below the one in use. Every replica learns to accept it.
2. The new value changes places with the old one. Every replica uses it.
3. The old value is removed, when nothing needs it any more.

Replicas write down in the database which values they have, so that no step is done
too early. A first start makes the first value.`,
	}
	command.AddCommand(rotateSecretCommand(), secretStatusCommand())
	return command
}

// replacement is what the commands are told.
type replacement struct {
	settings
	force, offline bool
}

func rotateSecretCommand() *cobra.Command {
	var r replacement
	command := &cobra.Command{
		Use:   "rotate",
		Short: "Do the next step of replacing the secret, if it is safe",
		Long: `Rotate does the next step in the secret file, says what comes then, and when. Run
it, give every replica the file, restart them, run it again. A step that is not safe
yet is not done, and rotate says why.

Of a leaked secret the second and the third step may be forced: --force says who has
to sign in again. After a leak rotate the signing keys too (tabard signing-keys).

With --offline nothing is asked of the database, for Cloudflare's, which only
wrangler reaches: what a step would wait for is yours to wait for then.`,
		Example: `  tabard secret rotate
  tabard secret rotate --secret-file tabard.secret --offline`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			r.warn(c)
			return r.rotate(c.Context(), c.OutOrStdout(), time.Now().Unix())
		},
	}
	command.Flags().BoolVar(&r.force, "force", false, "do the step although replicas or people still need what goes")
	command.Flags().BoolVar(&r.offline, "offline", false, "ask nothing of the database")
	r.addSealing(command)
	return command
}

// rotate does the next step, if it is safe.
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
		return fmt.Errorf("%w\nNothing was changed. The first step, and every step of a Worker's secret, can be done with --offline", err)
	}
	defer store.Close()
	state, err := examineSecret(ctx, store, f, false, now)
	if err != nil {
		return err
	}
	if len(state.Blockers) > 0 {
		if !r.force {
			return problemsError(fmt.Sprintf("step %d of 3 is not safe yet; nothing was changed\n%s\nRun this again when that is so. To do it all the same: --force",
				state.Step, bulletList(state.Blockers)))
		}
		fmt.Fprintf(out, "Forced, although\n%s\n", bulletList(state.Blockers))
	}
	retires := state.Values[len(state.Values)-1]
	if err := r.step(f, state.Step, out); err != nil || state.Step != secrets.Remove {
		return err
	}
	return store.RetireSecretKey(ctx, retires, now)
}

var errUnmarked = errors.New("it cannot be told whether the second value of the file is new or old. Write above it, on a line of its own,\n" +
	markNext + "\nor\n" + markBefore)

// step writes the file and says what comes next.
func (r *replacement) step(f *secretFile, step secrets.Step, out io.Writer) error {
	f.apply(step)
	if err := f.write(); err != nil {
		return fmt.Errorf("--secret-file: %s: %w; nothing was changed", f.path, err)
	}
	_, err := fmt.Fprintf(out, stepDoneText[step], f.path)
	return err
}

// said is what a step that was done says.
var stepDoneText = map[secrets.Step]string{
	secrets.Add: `Step 1 of 3 is done: %s has a new value below the one in use.
Next: give every replica the file, and restart them one after the other. Then run
tabard secret rotate again: it goes on when all of them know the new value.
`,
	secrets.Promote: `Step 2 of 3 is done: the new value stands first in %s.
Next: give every replica the file, and restart them one after the other. When the
last sign-in from before has ended, run tabard secret rotate again: it tells when
that is.
`,
	secrets.Remove: `Step 3 of 3 is done: %s has the new value alone.
Next: give every replica the file, and restart them one after the other.
`,
}

func bulletList(all []string) string { return "  - " + strings.Join(all, "\n  - ") }
