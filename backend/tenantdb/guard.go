package tenantdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// Queries is what a guard stands before: *sql.DB, *sql.Conn or *sql.Tx.
type Queries interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Guard refuses statements that do not carry the organisation, for databases without
// row-level security whose driver knows named parameters, such as SQLite. It binds
// the parameter @organization itself.
//
// Every mention of one of the Tables (after FROM, JOIN, UPDATE, INTO or a comma) needs
// a condition Column = @organization of its own, in WHERE or ON, with nothing but ANDs
// and brackets around it, and by the table's alias where there are several; the ON of a
// LEFT JOIN holds for what is joined alone. What is inserted names its columns and has
// @organization for Column in each row; nothing assigns another. It reads clauses, not
// all of SQL, and refuses what it does not know. A view, a trigger, or a column of
// another table by the same name can still deceive it. Where the database can do
// better, let it ([Policy]).
type Guard struct {
	Tables []string // those whose rows belong to organisations
	Column string   // which of their columns says to whom
}

// Scoped are the queries of one organisation. An empty one finds nothing.
type Scoped struct {
	guard        Guard
	db           Queries
	organization sql.NamedArg
}

// For returns queries for an organisation, by id.
func (g Guard) For(db Queries, organizationID string) Scoped {
	return Scoped{g, db, sql.Named("organization", organizationID)}
}

// QueryContext runs a query that carries the organisation.
func (s Scoped) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	args, err := s.admit(query, args)
	if err != nil {
		return nil, err
	}
	return s.db.QueryContext(ctx, query, args...)
}

// ExecContext runs a statement that carries the organisation.
func (s Scoped) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	args, err := s.admit(query, args)
	if err != nil {
		return nil, err
	}
	return s.db.ExecContext(ctx, query, args...)
}

// admit returns the arguments with the organisation, which no caller names itself.
func (s Scoped) admit(query string, args []any) ([]any, error) {
	if s.organization.Value == "" {
		return nil, ErrNoOrganization
	}
	for _, arg := range args {
		if named, ok := arg.(sql.NamedArg); !ok || named.Name == s.organization.Name {
			return nil, fmt.Errorf("tenantdb: the arguments are named ones (sql.Named), and none is %s", s.organization.Name)
		}
	}
	if err := s.guard.Check(query); err != nil {
		return nil, err
	}
	return append(slices.Clone(args), s.organization), nil
}
