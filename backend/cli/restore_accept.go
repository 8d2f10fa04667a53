package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tabard-auth/tabard/backend/restore"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// mostShown is how many of a kind --accept lists; --list lists all.
const mostShown = 50

// review lists the people, keys and sessions with access in a restored database, and
// accepts it if that was asked for.
func (r *restoration) review(ctx context.Context, out io.Writer) error {
	store, err := r.openRestored(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	if !r.accept {
		return r.show(ctx, store, out)
	}
	secret, err := r.secret()
	if err != nil {
		return err
	}
	a := restore.Acceptance{Store: store, Secret: secret, KeepSessions: r.keepSessions, By: commandLine(), Now: time.Now}
	if err := a.Check(ctx); err != nil {
		if errors.Is(err, signingkey.ErrSealed) {
			return fmt.Errorf("%s: %s opens no signing key of the database that signs, so that no server could serve it; name the file that the servers had when\nthe copy was made, or one that still has its value; nothing was changed", source(r.flags.Lookup("secret-file")), r.secretPath())
		}
		return err
	}
	if err := r.show(ctx, store, out); err != nil {
		return err
	}
	return r.accepted(ctx, a, out)
}

// openRestored opens the restored database, or its export.
func (r *restoration) openRestored(ctx context.Context) (*sqlstore.Store, error) {
	if r.d1Export == "" {
		return r.openExisting(ctx)
	}
	store, err := importFile(ctx, r.d1Export)
	if err != nil {
		return nil, fmt.Errorf("--d1-export: %w", err)
	}
	return store, nil
}

// importFile reads a file of wrangler d1 export.
func importFile(ctx context.Context, path string) (*sqlstore.Store, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	store, err := sqlite.Import(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read as a file of wrangler d1 export: %w", path, err)
	}
	return store, nil
}

// secret reads the servers' secret, whose epoch is the one to accept. None is made: it would
// open no restored value.
func (r *restoration) secret() (signingkey.Secret, error) {
	path, err := serverSecretPath(&r.settings)
	if err != nil {
		return signingkey.Secret{}, err
	}
	secret, err := readSecret(path)
	if err != nil {
		return secret, fmt.Errorf("--secret-file: %s: %w", path, err)
	}
	return secret, nil
}

// print prints the SQL that accepts a D1 database.
func (r *restoration) print(out io.Writer, now time.Time) error {
	secret, err := r.secret()
	if err != nil {
		return err
	}
	if secret.Epoch() == "" {
		return errors.New("--secret-file names no epoch, so that the Worker cannot tell a restored database from another; run tabard secret epoch and give the Worker the file as its TABARD_SECRET before the database is restored")
	}
	_, err = io.WriteString(out, restore.Script(secret.Epoch(), r.keepSessions, commandLine(), now))
	return err
}

func (r *restoration) accepted(ctx context.Context, a restore.Acceptance, out io.Writer) error {
	ended, err := a.Accept(ctx)
	if err != nil {
		return fmt.Errorf("%w; it is not accepted: run this again", err)
	}
	if r.asJSON {
		return json.NewEncoder(out).Encode(map[string]int64{"sessions_ended": ended})
	}
	text := fmt.Sprintf("\nEnded %s. Accepted: servers serve the database within some seconds.\n", plural(int(ended), "session"))
	if r.keepSessions {
		text = "\nNo session was ended. Accepted: servers serve the database within some seconds.\n"
	}
	_, err = io.WriteString(out, text)
	return err
}

// show lists the changes that the audit log has and the database lacks, or all people,
// keys and sessions with access.
func (r *restoration) show(ctx context.Context, store *sqlstore.Store, out io.Writer) error {
	served, err := store.LastServed(ctx)
	if err != nil {
		return err
	}
	if !r.asJSON {
		fmt.Fprintf(out, "The database was last served at %s: what was done later is undone.\n\n", formatTime(served))
	}
	if r.trail != "" {
		return r.showUndone(ctx, store, served, out)
	}
	for _, kind := range restore.Kinds {
		if err := r.showItems(ctx, store, kind, out); err != nil {
			return err
		}
	}
	return nil
}

// errEnough ends a list that is long enough.
var errEnough = errors.New("enough")

func (r *restoration) showItems(ctx context.Context, store *sqlstore.Store, kind restore.Kind, out io.Writer) error {
	columns := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	shown := 0
	err := restore.Items(ctx, store, kind, time.Now().Unix(), func(item restore.Item) error {
		if r.asJSON {
			return json.NewEncoder(out).Encode(item)
		}
		if shown == 0 {
			fmt.Fprintln(columns, strings.ToUpper(string(kind))+"\tNAME\tORGANIZATION\tROLES\tSINCE")
		}
		if shown++; r.accept && shown > mostShown {
			return errEnough
		}
		fmt.Fprintln(columns, strings.Join([]string{item.ID, printable(item.Name), printable(item.OrganizationID), joinOrDash(item.Roles), formatTime(item.Since)}, "\t"))
		if shown%1000 == 0 { // a long list is aligned part by part
			return columns.Flush()
		}
		return nil
	})
	if flushed := columns.Flush(); err == nil {
		err = flushed
	}
	switch {
	case errors.Is(err, errEnough):
		_, err = io.WriteString(out, "… and more: tabard restore --list\n\n")
	case err == nil && !r.asJSON && shown == 0:
		_, err = fmt.Fprintf(out, "No %s.\n\n", kind)
	case err == nil && !r.asJSON:
		_, err = io.WriteString(out, "\n")
	}
	return err
}
