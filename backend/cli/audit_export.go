package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

const (
	// exportPage is the most events that are read and written at a time.
	exportPage = 1000
	// exportLag is the longest that events take to be committed. Younger events are
	// left for the next export.
	exportLag = time.Minute
)

var exportName = regexp.MustCompile(`^[a-z0-9._-]{1,64}$`)

// export is one run of tabard audit export.
type export struct {
	store *sqlstore.Store
	name  string // "" records no position
	out   io.Writer
	until int64
}

func auditExportCommand() *cobra.Command {
	var s settings
	var name string
	var end bool
	command := &cobra.Command{
		Use:   "export",
		Short: "Export the audit log as JSON lines, oldest first",
		Long: `Export writes the audit log to standard output as JSON lines in the form of the
administration API, oldest first. Events of the last minute are left for the next export.

With --name an export continues where the one of that name ended. Events that it has
not written yet are not deleted, even after --audit-retention. An export that is
interrupted may write up to a page of events again; compare their ids. --end ends an
export permanently. tabard audit exports lists all, and how far each is behind.`,
		Example: `  tabard audit export > trail.jsonl
  tabard audit export --name siem | vector --config siem.toml
  tabard audit export --name siem --end`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case name != "" && !exportName.MatchString(name):
				return errors.New("--name must be 1 to 64 characters of a-z, 0-9, dot, dash and underscore")
			case end && name == "":
				return errors.New("--end needs the export's --name")
			}
			s.warn(c)
			store, err := s.openExisting(c.Context())
			if err != nil {
				return err
			}
			defer store.Close()
			if end {
				return endExport(c.Context(), store, name)
			}
			return export{store, name, c.OutOrStdout(), time.Now().Add(-exportLag).Unix()}.run(c.Context())
		},
	}
	command.Flags().StringVar(&name, "name", "", "continue the export `NAME`, and keep events until it has written them")
	command.Flags().BoolVar(&end, "end", false, "end the export: no events are kept for it any longer")
	s.addDatabase(command)
	return command
}

func endExport(ctx context.Context, store *sqlstore.Store, name string) error {
	was, err := store.DeleteAuditExport(ctx, name)
	if err == nil && !was {
		err = fmt.Errorf("there is no export named %q", name)
	}
	return err
}

// run writes all events that are due. It records its position after each page.
func (e export) run(ctx context.Context) error {
	after := audit.Position{}
	if e.name != "" {
		var err error
		if after, err = e.store.AuditExport(ctx, e.name); err != nil {
			return err
		}
		if err := e.store.SetAuditExport(ctx, e.name, after); err != nil { // from now on events are kept for this export
			return err
		}
	}
	for {
		page, err := e.store.EventsAfter(ctx, after, e.until, exportPage)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := e.write(page); err != nil {
			return err
		}
		last := page[len(page)-1]
		after = audit.Position{At: last.At, ID: last.ID}
		if e.name != "" {
			if err := e.store.SetAuditExport(ctx, e.name, after); err != nil {
				return err
			}
		}
	}
}

func (e export) write(page []audit.Event) error {
	lines := bufio.NewWriter(e.out)
	encoder := json.NewEncoder(lines)
	for _, event := range page {
		if err := encoder.Encode(admin.EventOf(event)); err != nil {
			return err
		}
	}
	return lines.Flush()
}
