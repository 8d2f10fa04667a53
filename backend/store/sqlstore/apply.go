package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tabard-auth/tabard/backend/directory"
)

// insertWorkspace inserts a workspace. If the document does not set session_idle, the
// column's default applies: that of a new workspace, or none for a workspace of the
// previous release.
const insertWorkspace = `
INSERT INTO workspace (one, revision, document, session_idle) VALUES (1, 1, ?1, 28800)`

const upsertWorkspace = insertWorkspace + `
ON CONFLICT (one) DO UPDATE SET revision = workspace.revision + 1, document = excluded.document`

// ApplyOptions are the options of an apply. The zero value applies without reports.
type ApplyOptions struct {
	// DryRun reports the changes without applying them.
	DryRun bool
	// OnProgress receives the number of checked memberships after each organization.
	OnProgress func(members int)
	// OnDifference receives each difference before it is written.
	OnDifference func(directory.Difference)
	// OnWait is called once if another apply is in progress.
	OnWait func()
}

// Apply changes the directory to match a workspace file. Repeating it changes nothing.
// If the directory conflicts with the file, the error is directory.Conflicts and
// nothing is applied.
//
// It writes in transactions of about a tenth of a second, so that sign-ins do not wait:
// apps, policies and existing organizations first, then new organizations, connections
// and members. A small file is applied in one transaction. A large one can be
// interrupted between transactions: each leaves a valid state, and another Apply
// completes it. One apply runs at a time.
//
// Members that the file once gave an organization and no longer names are removed.
// Members admitted by an administrator or a claim are kept, unless the file names them:
// then the file manages them. Connections that it no longer names are disabled and
// belong to administrators from then on. Organizations that it does not name are not
// changed.
func (s *Store) Apply(ctx context.Context, d directory.Desired, now int64) (directory.Changes, error) {
	return s.ApplyWith(ctx, d, now, ApplyOptions{})
}

// ApplyReporting is Apply. After each organization it reports the number of memberships
// checked so far.
func (s *Store) ApplyReporting(ctx context.Context, d directory.Desired, now int64, report func(members int)) (directory.Changes, error) {
	return s.ApplyWith(ctx, d, now, ApplyOptions{OnProgress: report})
}

// ApplyWith is Apply with options. With an error, it returns the changes made before
// it.
func (s *Store) ApplyWith(ctx context.Context, d directory.Desired, now int64, how ApplyOptions) (directory.Changes, error) {
	a := &applier{database: s.database, ApplyOptions: how, now: now, rows: firstRows}
	if !how.DryRun {
		lock, err := s.lockApply(ctx, how.OnWait)
		if err != nil {
			return directory.Changes{}, fmt.Errorf("sqlstore: apply: %w", cmp.Or(ctx.Err(), err))
		}
		defer lock.release()
		a.lock = lock
	}
	// After an interruption, the driver can return one of several errors.
	if err := a.all(ctx, d); err != nil {
		return a.committed, fmt.Errorf("sqlstore: apply: %w", cmp.Or(ctx.Err(), err))
	}
	return a.committed, nil
}

// applier applies a Desired to the database.
type applier struct {
	*database
	ApplyOptions
	now       int64
	lock      *applyLock
	pending   pendingWrites
	changes   directory.Changes // including pending ones
	committed directory.Changes

	rows              int // of a transaction
	written, analyzed int // rows written, and at the last ANALYZE
}

func (a *applier) report(kind directory.DifferenceKind, what, organization, name, format string, args ...any) {
	if a.OnDifference != nil {
		a.OnDifference(directory.Difference{Kind: kind, What: what, Organization: organization, Name: name, Detail: fmt.Sprintf(format, args...)})
	}
}

// each calls scan for every row that a statement returns.
func (a *applier) each(ctx context.Context, scan func(*sql.Rows) error, statement string, args ...any) error {
	scanned := false
	return retried(ctx, func() error {
		rows, err := a.pool.QueryContext(ctx, a.dialect.uncached(statement), args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			scanned = true
			if err := scan(rows); err != nil {
				return err
			}
		}
		if err := rows.Err(); err != nil && scanned {
			return fmt.Errorf("half of the rows were read: %v", err) // must not be retried
		}
		return rows.Err()
	})
}

func (a *applier) all(ctx context.Context, d directory.Desired) error {
	found, err := a.match(ctx, d.Organizations)
	if err != nil {
		return err
	}
	stored, err := a.storedConnections(ctx, "")
	if err != nil {
		return err
	}
	if err := checkConnections(stored, found, d.Organizations); err != nil {
		return err
	}
	domains, err := a.storedDomains(ctx)
	if err != nil {
		return err
	}
	if err := a.workspace(ctx, d.Workspace); err != nil {
		return err
	}
	if err := a.organizations(ctx, found, d.Organizations); err != nil {
		return err
	}
	for i, o := range d.Organizations {
		if err := a.ofOrganization(o.Slug, found[i].id, stored, o.Connections); err != nil {
			return err
		}
		a.domains(o.Slug, found[i].id, domains[found[i].id], o.Domains)
	}
	done := 0
	for i, o := range d.Organizations {
		if err := a.members(ctx, found[i], &o); err != nil {
			return err
		}
		done += o.MemberCount()
		if a.OnProgress != nil {
			a.OnProgress(done)
		}
	}
	return a.flush(ctx)
}

func (a *applier) workspace(ctx context.Context, w directory.Workspace) error {
	var text string
	err := a.row(ctx, selectWorkspace).Scan(new(int64), &text)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	var stored *directory.Workspace
	if err == nil {
		stored = &directory.Workspace{}
		if err := json.Unmarshal([]byte(text), stored); err != nil {
			return err
		}
	}
	w.KeepUnsaid(stored)
	document, err := json.Marshal(w)
	if err != nil {
		return err
	}
	if text == string(document) {
		return nil
	}
	a.changes.Workspace = true
	a.pending.add(upsertWorkspace, string(document))
	if a.OnDifference == nil {
		return nil
	}
	differences, err := w.Differences(stored)
	for _, d := range differences {
		a.OnDifference(d)
	}
	return err
}
