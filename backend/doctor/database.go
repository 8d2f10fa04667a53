package doctor

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/owner"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/inspect"
)

const database = "database"

func (e *examination) database(ctx context.Context) {
	unhurried := ctx // each request has a time of its own
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	d, err := e.Config.Database(ctx)
	switch {
	case errors.Is(err, inspect.ErrMissing):
		e.add(database, Warning, "`tabard apply` and `tabard serve` create it. If there was one, check --database: a relative file name depends on the directory.",
			"there is none yet")
		return
	case errors.As(err, new(*owner.Obstacle)): // says what to do
		e.add(database, Problem, "", "it cannot be used: %v", err)
		return
	case err != nil:
		e.add(database, Problem, "Check --database, and that the database runs and accepts this account.", "it cannot be used: %v", err)
		return
	}
	defer d.Store.Close()
	e.schema(d)
	e.durability(d)
	e.pooler(d)
	e.transit(d)
	for _, h := range d.Holding {
		e.add(database, Warning, h.Advice, "%s", h.Text)
	}
	e.disk(d)
	e.writes(ctx, d)
	if d.Ahead != 0 {
		e.clock("the database's", int64(d.Ahead/time.Second))
	}
	if d.Migrated() {
		e.workspaceDocument(ctx, d)
		e.authTime(ctx, d.Store)
		e.refreshTokens(ctx, d.Store)
		e.userInfo()
		e.replicasSecrets(ctx, d)
		e.epoch(ctx, d)
		e.signingKeys(ctx, d)
		e.secret(ctx, d)
		e.exports(ctx, d)
		if e.Tenants != nil {
			e.connections(unhurried, d.Store)
		}
	}
}

// writes checks that a write lands in the database, one that takes room included.
func (e *examination) writes(ctx context.Context, d *inspect.Database) {
	switch err := d.Write(ctx); {
	case errors.As(err, new(*owner.Obstacle)): // says what to do
		e.add(database, Problem, "", "it cannot be written: %v", err)
	case err != nil:
		e.add(database, Problem, "Make room on its disk, if that is full; give the server's account the right to write; and check that this is not a read-only replica or file.",
			"it cannot be written: %v", err)
	case d.Migrated():
		e.ok(database, "a write lands")
	case d.Schema > 0:
		e.ok(database, "it is writable")
	}
}

func (e *examination) schema(d *inspect.Database) {
	switch {
	case d.Migrated():
		e.ok(database, "its tables are of this release")
	case d.Schema == 0:
		e.add(database, Warning, "`tabard migrate`, `tabard apply` and `tabard serve` create them.", "it has no tables yet")
	case len(d.Pending) > 0:
		e.add(database, Warning, "Make a backup, then run `tabard migrate`; the start of `tabard serve` does it too.",
			"its tables are of an older release (%d of %d)", d.Schema, d.Release)
	default:
		e.add(database, Problem, "Run the newer release. A release runs only beside the next one, during an upgrade; tables are never downgraded.",
			"its tables are of a newer release (%d, this one has %d)", d.Schema, d.Release)
	}
}

func (e *examination) durability(d *inspect.Database) {
	var good, bad []string
	for _, s := range d.Durability {
		if setting := s.Name + " = " + s.Value; s.Durable {
			good = append(good, setting)
		} else {
			bad = append(bad, setting)
		}
	}
	if len(bad) > 0 {
		e.add(database, Problem, "Set it so that commits survive a crash: otherwise rotations are lost, and people signed out, when the machine fails. SQLite needs a local disk for WAL.",
			"commits may be lost in a crash: %s", strings.Join(bad, ", "))
		return
	}
	e.ok(database, "commits survive a crash: %s", strings.Join(good, ", "))
}

func (e *examination) workspaceDocument(ctx context.Context, d *inspect.Database) {
	w, err := d.Store.Workspace(ctx)
	if err != nil {
		e.add(database, Problem, "Apply the workspace file again.", "the workspace cannot be read: %v", err)
		return
	}
	e.workspace = w
}

func (e *examination) signingKeys(ctx context.Context, d *inspect.Database) {
	const subject = "keys"
	stored, err := d.Store.SigningKeys(ctx, "")
	if err != nil {
		e.add(subject, Problem, "Check the database.", "they cannot be read: %v", err)
		return
	}
	if len(stored) == 0 {
		e.ok(subject, "none yet; the first start makes one for %s", e.Algorithm)
		return
	}
	if e.Secret == nil {
		e.add(subject, Problem, "Restore the secret file from its copy: the contents of the database depend on it.",
			"there are %d, but no secret to open them", len(stored))
		return
	}
	opened, err := signingkey.NewKeyRing(d.Store, *e.Secret, e.Algorithm).Stored(ctx, "", e.Now)
	if err != nil {
		e.unopened(len(stored), err)
		return
	}
	sealed := stored.Unopened(*e.Secret, e.Now)
	if len(sealed) > 0 {
		e.add(subject, Warning, "Give every replica, and the commands that make keys, the same secret file. Where all have it, a server made these keys with a file that is gone: retire each (tabard signing-keys retire ID).",
			"keys sealed under another secret are not used: %s", strings.Join(sealed, ", "))
	}
	e.rotation(stored)
	counts := map[signingkey.Algorithm]int{}
	for _, k := range opened {
		counts[k.Algorithm]++
		if k.SignsAt <= e.Now || k.CreatedAt <= e.Now-signingkey.Soonest { // by then it is in every cache
			e.keyIDs = append(e.keyIDs, k.ID)
		}
	}
	if len(sealed) == 0 {
		e.ok(subject, "all of them (%d) can be opened with the secret", len(opened))
	}
	if counts[e.Algorithm] == 0 {
		e.add(subject, Warning, "Check that the APIs accept "+string(e.Algorithm)+"; the server's clean-up makes a key for it, which signs an hour later.",
			"none is for %s, the algorithm that tokens will be signed with", e.Algorithm)
		return
	}
	e.ok(subject, "%d for %s", counts[e.Algorithm], e.Algorithm)
}

// unopened reports that the secret opens no signing key.
func (e *examination) unopened(keys int, err error) {
	advice := "Give this command the file that the servers have. "
	if e.wrongFile {
		advice += "See secret."
	} else {
		advice += "If its value was replaced, add the previous one as a further line: the first line is used for new values, all lines open existing ones."
	}
	e.add("keys", Problem, advice, "none of them (%d) can be opened with this secret file: %v", keys, err)
}

// epoch tells whether servers with these settings serve the database.
func (e *examination) epoch(ctx context.Context, d *inspect.Database) {
	if e.Secret == nil || e.wrongFile {
		return
	}
	found, known, err := d.Store.KnownEpoch(ctx)
	switch file := e.Secret.Epoch(); {
	case err != nil:
		e.add(database, Problem, "Check the database.", "its epoch cannot be read: %v", err)
	case known && (found.Value != file || found.Copied):
		e.add(database, Problem, "A server answers every request with 503 until then.", "it is not served: %v", &host.HeldError{Database: found.Value, File: file})
	}
}

// rotation checks that signing keys are replaced in time.
func (e *examination) rotation(chain signingkey.Chain) {
	for i, k := range chain {
		signed := time.Duration(e.Now-k.SignsAt) * time.Second
		if chain.Stage(i, e.Now) == signingkey.Signing && e.KeyLife > 0 && signed > e.KeyLife+24*time.Hour {
			e.add("keys", Warning, "The clean-up of a running server, or the Worker's cron, makes the next one: check that it runs.",
				"key %s has signed for %d days", k.ID, int(signed/(24*time.Hour)))
		}
	}
}
