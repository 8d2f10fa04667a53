package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
)

const (
	selectWorkspace         = `SELECT revision, document FROM workspace WHERE one = 1`
	readWorkspace           = `SELECT revision, document, unmarked_cookies_until, session_idle FROM workspace WHERE one = 1`
	selectWorkspaceRevision = `SELECT revision FROM workspace WHERE one = 1`

	createWorkspace = insertWorkspace + `
ON CONFLICT (one) DO NOTHING`

	changeDocument = `
UPDATE workspace SET revision = revision + 1, document = ?2 WHERE one = 1 AND revision = ?1`
)

// workspace stores the workspace's document and rules.
type workspace struct{ *database }

// Workspace implements directory.Store. An empty store has an empty workspace.
func (s workspace) Workspace(ctx context.Context) (*directory.Workspace, error) {
	var w directory.Workspace
	var document string
	var idle int64
	err := s.row(ctx, readWorkspace).Scan(&w.Revision, &document, &w.UnmarkedCookiesUntil, &idle)
	if errors.Is(err, sql.ErrNoRows) {
		return &w, nil
	}
	if err != nil {
		return nil, fmt.Errorf("sqlstore: workspace: %w", err)
	}
	if err := json.Unmarshal([]byte(document), &w); err != nil {
		return nil, fmt.Errorf("sqlstore: workspace: %w", err)
	}
	w.Policy.SessionIdle = max(0, cmp.Or(w.Policy.SessionIdle, idle)) // policy.NoLimit is below 0
	return &w, nil
}

// WorkspaceRevision implements directory.Store.
func (s workspace) WorkspaceRevision(ctx context.Context) (revision int64, err error) {
	err = s.row(ctx, selectWorkspaceRevision).Scan(&revision)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("sqlstore: workspace revision: %w", err)
	}
	return revision, nil
}

// SetWorkspacePolicy stores the workspace, as it was read, with new rules. It returns
// directory.ErrOvertaken if it has changed since.
func (s workspace) SetWorkspacePolicy(ctx context.Context, w directory.Workspace, rules policy.Rules) error {
	if rules.SessionIdle == 0 { // these are all the rules: none is unsaid
		rules.SessionIdle = policy.NoLimit
	}
	w.Policy = rules
	document, err := json.Marshal(w)
	if err != nil {
		return fmt.Errorf("sqlstore: policy: %w", err)
	}
	changed, err := s.changed(ctx, "policy", changeDocument, w.Revision, string(document))
	if err == nil && !changed {
		return directory.ErrOvertaken
	}
	return err
}

// WorkspaceDocument implements admin.FileStore.
func (s workspace) WorkspaceDocument(ctx context.Context) (*directory.Workspace, error) {
	var w directory.Workspace
	var document string
	err := s.row(ctx, selectWorkspace).Scan(&w.Revision, &document)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(document), &w)
	}
	if err != nil {
		return nil, fmt.Errorf("sqlstore: workspace: %w", err)
	}
	return &w, nil
}

// SetWorkspace implements admin.FileStore.
func (s workspace) SetWorkspace(ctx context.Context, w directory.Workspace) error {
	document, err := json.Marshal(w)
	if err != nil {
		return fmt.Errorf("sqlstore: set workspace: %w", err)
	}
	statement, args := changeDocument, []any{w.Revision, string(document)}
	if w.Revision == 0 {
		statement, args = createWorkspace, args[1:]
	}
	changed, err := s.changed(ctx, "set workspace", statement, args...)
	if err == nil && !changed {
		return directory.ErrOvertaken
	}
	return err
}

// checkRoles returns directory.ErrNoRole if one of the roles does not exist in the
// workspace.
func (s workspace) checkRoles(ctx context.Context, roles []string) error {
	w, err := s.Workspace(ctx)
	if err != nil {
		return err
	}
	return w.CheckGiven(roles)
}
