package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/secrets"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// secretState is the state of the replacement of the secret.
type secretState struct {
	Step     secrets.Step      `json:"next_step"`
	Blockers []string          `json:"not_safe_because"`
	Replicas []secrets.Replica `json:"replicas"`
	Values   []string          `json:"values"` // by id, the one in use first
}

// examineSecret returns the state of the replacement for a secret file. With look it only
// reads the store.
func examineSecret(ctx context.Context, store *sqlstore.Store, f *secretFile, look bool, now int64) (*secretState, error) {
	secret, err := signingkey.ParseSecret(f.text)
	if err != nil {
		return nil, err
	}
	all, err := store.SecretKeys(ctx)
	if err != nil {
		return nil, err
	}
	state := &secretState{Blockers: []string{}, Replicas: append([]secrets.Replica{}, secrets.Live(all, now)...)}
	if state.Values, err = secret.IDs(); err != nil {
		return nil, err
	}
	step, known := f.nextStep()
	if !known {
		step, known = secrets.Next(state.Values, all)
	}
	if !known {
		return nil, errUnmarked
	}
	state.Step = step
	e := secrets.Examination{Store: store, Secret: secret, Now: now, Look: look}
	blockers, err := e.Blockers(ctx, step)
	if len(blockers) > 0 {
		state.Blockers = blockers
	}
	return state, err
}

func secretStatusCommand() *cobra.Command {
	var s settings
	var asJSON bool
	command := &cobra.Command{
		Use:   "status",
		Short: "Show which replicas have which values, and the next step",
		Long: `Status prints the ids of the secret file's values, which running replicas have them, and
whether the next step of tabard secret rotate is safe. The ids disclose nothing about
the values.`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			s.warn(c)
			now := time.Now().Unix()
			state, err := s.secretState(c.Context(), now)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.OutOrStdout(), state)
			}
			_, err = io.WriteString(c.OutOrStdout(), state.text(now))
			return err
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "write it as JSON")
	s.addSealing(command)
	return command
}

func (s *settings) secretState(ctx context.Context, now int64) (*secretState, error) {
	f, err := s.openSecret()
	if err != nil {
		return nil, err
	}
	store, err := s.openExisting(ctx)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	return examineSecret(ctx, store, f, true, now)
}

// stepNextText describes the next step.
var stepNextText = map[secrets.Step]string{
	secrets.Add:     "No replacement is in progress. tabard secret rotate starts one: it adds a new value.",
	secrets.Promote: "Step 2 of 3 is next: the new value changes places with the old one.",
	secrets.Remove:  "Step 3 of 3 is next: the old value is removed.",
}

func (s *secretState) text(now int64) string {
	var text strings.Builder
	fmt.Fprintf(&text, "The file has %s: %s. The first is in use.\n", plural(len(s.Values), "value"), strings.Join(s.Values, ", "))
	if len(s.Replicas) == 0 {
		text.WriteString("No replica has reported in the last minutes.\n")
	}
	for _, r := range s.Replicas {
		fmt.Fprintf(&text, "Replica %s has %s%s.\n", r.Name, strings.Join(r.IDs, ", "), r.Silence(now))
	}
	text.WriteString(stepNextText[s.Step] + "\n")
	if len(s.Blockers) > 0 {
		text.WriteString("It is not safe yet:\n" + bulletList(s.Blockers) + "\n")
	}
	return text.String()
}
