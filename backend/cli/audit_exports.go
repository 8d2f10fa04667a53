package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/audit"
)

// exportState is how far a named export has come. Its times are in Unix seconds.
type exportState struct {
	Name          string `json:"name"`
	LastEvent     int64  `json:"last_event"` // 0 where it has written none
	BehindSeconds int64  `json:"behind_seconds"`
}

func auditExportsCommand() *cobra.Command {
	var s settings
	var asJSON bool
	command := &cobra.Command{
		Use:   "exports",
		Short: "List named exports of the audit log, and how far they are",
		Long: `Exports lists the exports of tabard audit export --name: the time of the last event that
each has written, and how long the oldest event has waited that it has not. Events are
kept for every export in the list, whether it still runs or not; tabard audit export
--end ends one.`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			s.warn(c)
			store, err := s.openExisting(c.Context())
			if err != nil {
				return err
			}
			defer store.Close()
			all, err := store.AuditExports(c.Context())
			if err != nil {
				return err
			}
			states := statesOf(all, time.Now())
			if asJSON {
				return writeJSON(c.OutOrStdout(), states)
			}
			_, err = io.WriteString(c.OutOrStdout(), exportTable(states))
			return err
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "write it as JSON")
	s.addDatabase(command)
	return command
}

func statesOf(all []audit.Export, now time.Time) []exportState {
	states := []exportState{}
	for _, e := range all {
		states = append(states, exportState{e.Name, e.At, int64(e.Behind(now) / time.Second)})
	}
	return states
}

func exportTable(states []exportState) string {
	if len(states) == 0 {
		return "There are no named exports.\n"
	}
	var text strings.Builder
	columns := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "NAME\tLAST EVENT\tBEHIND BY")
	for _, s := range states {
		last, behind := "-", "-"
		if s.LastEvent != 0 {
			last = formatTime(s.LastEvent)
		}
		if s.BehindSeconds != 0 {
			behind = formatLag(time.Duration(s.BehindSeconds) * time.Second)
		}
		fmt.Fprintln(columns, strings.Join([]string{s.Name, last, behind}, "\t"))
	}
	columns.Flush()
	return text.String()
}

// formatLag returns a time in days where it has some.
func formatLag(d time.Duration) string {
	if days := d / (24 * time.Hour); days > 1 {
		return fmt.Sprintf("%d days", days)
	}
	return d.String()
}
