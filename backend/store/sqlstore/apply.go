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

const upsertWorkspace = `
INSERT INTO workspace (one, revision, document) VALUES (1, 1, ?1)
ON CONFLICT (one) DO UPDATE SET revision = workspace.revision + 1, document = excluded.document`

// Apply makes the directory match a workspace file, in one transaction: after an error,
// nothing has changed. Applying it again changes nothing. The error is
// directory.Conflicts if the current directory is incompatible.
//
// Members that the file once gave an organization and no longer names are removed.
// Members admitted by an administrator or a claim are kept, unless the file names them:
// then the file manages them. Connections that it no longer names are disabled and
// belong to administrators from then on. Organizations that it does not name are not
// changed.
func (s *Store) Apply(ctx context.Context, d directory.Desired, now int64) (directory.Changes, error) {
	return s.ApplyReporting(ctx, d, now, func(int) {})
}

// ApplyReporting is Apply. After each organization it reports the number of memberships
// checked so far.
func (s *Store) ApplyReporting(ctx context.Context, d directory.Desired, now int64, report func(members int)) (directory.Changes, error) {
	tx, err := s.pool.BeginTx(ctx, nil)
	if err != nil {
		return directory.Changes{}, fmt.Errorf("sqlstore: apply: %w", err)
	}
	defer tx.Rollback()
	a := &applying{database: s.database, tx: tx, now: now, report: report, prepared: map[string]*sql.Stmt{}}
	// The error of an interrupted transaction can be any of several.
	if err := a.all(ctx, d); err != nil {
		return directory.Changes{}, fmt.Errorf("sqlstore: apply: %w", cmp.Or(ctx.Err(), err))
	}
	if err := tx.Commit(); err != nil {
		return directory.Changes{}, fmt.Errorf("sqlstore: apply: %w", cmp.Or(ctx.Err(), err))
	}
	return a.changes, nil
}

// applying is the state of applying a Desired to the database.
type applying struct {
	*database
	tx       *sql.Tx
	now      int64
	report   func(members int)
	prepared map[string]*sql.Stmt // the transaction closes them
	changes  directory.Changes
}

// statement returns a prepared statement, prepared once.
func (a *applying) statement(ctx context.Context, text string) (*sql.Stmt, error) {
	if s := a.prepared[text]; s != nil {
		return s, nil
	}
	s, err := a.tx.PrepareContext(ctx, a.text(text))
	if err == nil {
		a.prepared[text] = s
	}
	return s, err
}

func (a *applying) exec(ctx context.Context, statement string, args ...any) error {
	s, err := a.statement(ctx, statement)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(ctx, args...)
	return err
}

// each calls scan for every row that a statement returns.
func (a *applying) each(ctx context.Context, scan func(*sql.Rows) error, statement string, args ...any) error {
	s, err := a.statement(ctx, statement)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (a *applying) all(ctx context.Context, d directory.Desired) error {
	if err := a.workspace(ctx, d.Workspace); err != nil {
		return err
	}
	ids, err := a.organizations(ctx, d.Organizations)
	if err != nil {
		return err
	}
	if err := a.connections(ctx, ids, d.Organizations); err != nil {
		return err
	}
	done := 0
	for i, o := range d.Organizations {
		if err := a.members(ctx, ids[i], o.Members); err != nil {
			return err
		}
		done += len(o.Members)
		a.report(done)
	}
	return nil
}

func (a *applying) workspace(ctx context.Context, w directory.Workspace) error {
	var revision int64
	var stored string
	err := a.tx.QueryRowContext(ctx, a.text(selectWorkspace)).Scan(&revision, &stored)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if w.OnReuse == "" {
		if w.OnReuse, err = keptOnReuse(stored); err != nil {
			return err
		}
	}
	document, err := json.Marshal(w)
	if err != nil {
		return err
	}
	if stored == string(document) {
		return nil
	}
	a.changes.Workspace = true
	return a.exec(ctx, upsertWorkspace, string(document))
}

// keptOnReuse returns the on_reuse that applies if the file does not set it: that of
// the stored document or, if there is none, the default of a new workspace.
func keptOnReuse(stored string) (directory.OnReuse, error) {
	if stored == "" {
		return directory.EndUser, nil
	}
	var w directory.Workspace
	err := json.Unmarshal([]byte(stored), &w)
	return w.OnReuse, err
}
