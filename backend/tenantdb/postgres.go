// Package tenantdb prevents a query that forgets its organization from reading or
// writing another's rows. It uses PostgreSQL's row-level security, which the database
// itself enforces ([InTx], [InSQLTx], [Policy], [Reference]); [Prove] finds its gaps.
//
// Threat model. It protects against mistakes, not against an attacker that can choose
// the SQL: such an attacker may bind another organization.
package tenantdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Errors of InTx and InSQLTx.
var (
	// ErrNoOrganization refuses work without an organization.
	ErrNoOrganization = errors.New("tenantdb: no organization is named")
	// ErrBypass refuses a role that ignores row-level security: a superuser, or one
	// with BYPASSRLS.
	ErrBypass = errors.New("tenantdb: the database role bypasses row-level security")
	// ErrOtherOrganization refuses work for an organization in a transaction that is
	// bound to another one.
	ErrOtherOrganization = errors.New("tenantdb: the transaction is bound to another organization")
)

// bind sets the organization until the transaction ends, however it ends: the
// connection returns to its pool without it. It returns the previous setting, and
// whether the role bypasses all policies.
const bind = `WITH before AS MATERIALIZED (SELECT COALESCE(current_setting('tabard.org_id', true), '') AS id)
SELECT before.id, set_config('tabard.org_id', $1, true),
	(SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
FROM before`

// rollbackWithin limits the time of a rollback. It does not end with the caller's
// context, since that may be the cause of the rollback.
const rollbackWithin = 5 * time.Second

// Beginner begins transactions; *pgxpool.Pool and *pgx.Conn do.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// InTx runs work in a transaction that is bound to an organization, by id. It commits
// if work returns nil, and rolls back if work fails or panics. Within a transaction (a
// pgx.Tx begins savepoints) it must be for the same organization.
func InTx(ctx context.Context, db Beginner, organizationID string, work func(pgx.Tx) error) error {
	if organizationID == "" {
		return ErrNoOrganization
	}
	tx, err := db.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackWithin)
		defer cancel()
		tx.Rollback(ctx) // no effect after a commit
	}()
	if err := bound(tx.QueryRow(ctx, bind, organizationID), organizationID); err != nil {
		return err
	}
	if err := work(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// InSQLTx is InTx for database/sql.
func InSQLTx(ctx context.Context, db *sql.DB, organizationID string, work func(*sql.Tx) error) error {
	if organizationID == "" {
		return ErrNoOrganization
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := bound(tx.QueryRowContext(ctx, bind, organizationID), organizationID); err != nil {
		return err
	}
	if err := work(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// bound reads the result of bind.
func bound(row interface{ Scan(...any) error }, organizationID string) error {
	var before, set string
	var bypasses bool
	switch err := row.Scan(&before, &set, &bypasses); {
	case err != nil:
		return fmt.Errorf("tenantdb: %w", err)
	case bypasses:
		return ErrBypass
	case before != "" && before != organizationID:
		return ErrOtherOrganization
	case set != organizationID:
		return fmt.Errorf("tenantdb: the transaction is bound to %q", set)
	}
	return nil
}
