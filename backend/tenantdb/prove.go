package tenantdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Gap is a part of a database's schema that does not keep organizations apart.
type Gap struct {
	Code   string // stable: one of the Gap constants
	Object string // the table, view, function, index, constraint or role
	Text   string // what is wrong, and what would be right
}

func (g Gap) String() string { return g.Code + ": " + g.Object + ": " + g.Text }

// The codes of gaps.
const (
	GapRowSecurity = "row_security_disabled" // the table's policies do not apply
	GapNotForced   = "row_security_not_forced"
	GapPolicy      = "policy_missing"     // a command is not restricted to the organization
	GapNullable    = "column_nullable"    // rows may be of no organization
	GapUnique      = "unique_index"       // also of an exclusion constraint: a conflict tells of another organization's row
	GapForeignKey  = "foreign_key"        // a row may point to another organization's
	GapNoColumn    = "column_missing"     // a table of rows of organizations lacks the column
	GapView        = "view_as_owner"      // a view reads with its owner's rights
	GapFunction    = "definer_function"   // a function that runs past policies, or binds another organization
	GapRole        = "role_bypasses"      // the role ignores policies, or may become one that does
	GapOwner       = "role_owns"          // the role may change the table's policies
	GapTruncate    = "truncate_privilege" // TRUNCATE ignores policies
)

// ErrNoTables refuses to prove anything of a database without a table that has the
// column: its name may be misspelled.
var ErrNoTables = errors.New("tenantdb: no table has the column of the organization")

// Rower reads one row; *pgxpool.Pool, *pgx.Conn and pgx.Tx do.
type Rower interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Prove reads the catalog of a database and returns every gap by which one
// organization's rows may be seen, counted, changed or pointed to from another: the
// tables that have the organization's column, in capitals or not, and everything that
// reaches them. Without columns it is organization_id. It reads no rows.
//
// Connect as the role that the service connects as: whether it is held by policies is
// part of the proof. In a test of the migrations it is one line:
//
//	gaps, err := tenantdb.Prove(ctx, pool)
func Prove(ctx context.Context, db Rower, columns ...string) ([]Gap, error) {
	return prove(columns, func(query string, args ...any) scanner { return db.QueryRow(ctx, query, args...) })
}

// ProveSQL is Prove for database/sql.
func ProveSQL(ctx context.Context, db *sql.DB, columns ...string) ([]Gap, error) {
	return prove(columns, func(query string, args ...any) scanner { return db.QueryRowContext(ctx, query, args...) })
}

type scanner interface{ Scan(...any) error }

func prove(columns []string, row func(query string, args ...any) scanner) (gaps []Gap, err error) {
	if len(columns) == 0 {
		columns = []string{"organization_id"}
	}
	names := strings.Join(columns, ",")
	var tables int
	if err := row(protected+`SELECT count(*) FROM t`, names).Scan(&tables); err != nil {
		return nil, fmt.Errorf("tenantdb: %w", err)
	}
	if tables == 0 {
		return nil, fmt.Errorf("%w: %s", ErrNoTables, names)
	}
	for _, c := range catalog {
		var text string
		query := fmt.Sprintf(`%s, found AS (%s) SELECT COALESCE(json_agg(json_build_array(object, text) ORDER BY object, text), '[]')::text FROM found`, protected, c.query)
		if err := row(query, names).Scan(&text); err != nil {
			return nil, fmt.Errorf("tenantdb: %s: %w", c.code, err)
		}
		var found [][2]string
		if err := json.Unmarshal([]byte(text), &found); err != nil {
			return nil, fmt.Errorf("tenantdb: %s: %w", c.code, err)
		}
		for _, each := range found {
			gaps = append(gaps, Gap{c.code, each[0], each[1]})
		}
	}
	return gaps, nil
}
