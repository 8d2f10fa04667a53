package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/tabard-auth/tabard/backend/restore"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// d1ExportSuffix is how the name of a D1 export ends.
const d1ExportSuffix = ".sql"

// openedTrail is the value of --trail, opened.
type openedTrail struct {
	events restore.Trail
	served int64 // when a database was last served; 0 for a file
	close  func() error
}

// showUndone lists the changes that --trail has and the database lacks. It returns an error
// where the trail cannot show what was done after the database was last served.
func (r *restoration) showUndone(ctx context.Context, store *sqlstore.Store, served int64, out io.Writer) error {
	t, err := r.openTrail(ctx)
	if err != nil {
		return fmt.Errorf("--trail: %w", err)
	}
	defer t.close()
	found, err := restore.Compare(ctx, store, t.events)
	if err != nil {
		return fmt.Errorf("--trail: %w", err)
	}
	end := max(found.End, t.served)
	switch {
	case end == 0:
		return fmt.Errorf("--trail: %s holds no event, so that it shows nothing; %s", r.trail, otherTrail)
	case r.asJSON:
		err = writeUndone(found.Undone, out)
	default:
		err = r.tabulateUndone(found.Undone, end, out)
	}
	if err == nil && end < served {
		err = fmt.Errorf("--trail: %s ends at %s, before the database was last served: what was done after that it cannot show; %s", r.trail, formatTime(end), otherTrail)
	}
	return err
}

// otherTrail is the advice where a trail does not go far enough.
const otherTrail = `name the database
that was replaced, or a later tabard audit export (it leaves out its last minute).
Without --trail all is listed that has access`

func writeUndone(all []restore.Undone, out io.Writer) error {
	for _, u := range all {
		if err := json.NewEncoder(out).Encode(u); err != nil {
			return err
		}
	}
	return nil
}

func (r *restoration) tabulateUndone(all []restore.Undone, end int64, out io.Writer) error {
	if len(all) == 0 {
		fmt.Fprintln(out, "The database has every change of access that --trail has.")
	} else {
		columns := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(columns, "UNDONE\tOF\tBY\tABOUT\tNOW")
		for _, u := range all {
			fmt.Fprintln(columns, strings.Join([]string{printable(u.Action), formatTime(u.At), actorText(u.Event), subjectText(u.Event), u.Now}, "\t"))
		}
		if err := columns.Flush(); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "The trail ends at %s: what was done later it does not show.\n", formatTime(end))
	return err
}

// openTrail opens the value of --trail: a database, its export, or a file of events.
func (r *restoration) openTrail(ctx context.Context) (*openedTrail, error) {
	switch path, embedded := strings.CutPrefix(r.trail, sqlitePrefix); {
	case embedded:
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no database %s; tabard restore --replace names the file in which it kept what it replaced", path)
		}
		return r.openTrailDatabase(ctx)
	case checkDatabase(r.trail) == "":
		return r.openTrailDatabase(ctx)
	case strings.HasSuffix(r.trail, d1ExportSuffix):
		store, err := importFile(ctx, r.trail)
		if err != nil {
			return nil, err
		}
		return &openedTrail{restore.Kept(ctx, store), 0, store.Close}, nil // the audit log may be all of it
	}
	file, err := os.Open(r.trail)
	if err != nil {
		return nil, err
	}
	return &openedTrail{restore.Exported(file), 0, file.Close}, nil
}

func (r *restoration) openTrailDatabase(ctx context.Context) (*openedTrail, error) {
	other := r.settings
	other.database, other.tells = r.trail, false
	store, err := other.openExisting(ctx)
	if err != nil {
		return nil, err
	}
	served, err := store.LastServed(ctx)
	if err != nil {
		store.Close()
		return nil, err
	}
	return &openedTrail{restore.Kept(ctx, store), served, store.Close}, nil
}
