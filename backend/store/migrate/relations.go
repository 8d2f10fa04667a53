package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// ErrForeign is the error for a database that holds tables of another program alone.
var ErrForeign = errors.New("the database holds tables of another program")

// named is how many relations are named.
const named = 3

// Relations returns the first names of tables, views and the like where the tables would
// be made. Those of PostgreSQL's extensions do not count.
func Relations(ctx context.Context, db *sql.DB, dialect sqlstore.Dialect) (names []string, err error) {
	query := `SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\_%%' ESCAPE '\' ORDER BY name LIMIT %d`
	if dialect == sqlstore.Postgres {
		query = `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (current_schemas(false)) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
	AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') ORDER BY c.relname LIMIT %d`
	}
	rows, err := db.QueryContext(ctx, fmt.Sprintf(query, named))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// refuseForeign returns ErrForeign if the database holds something, and none of this
// program's tables. It looks for those last: another replica may be making them.
func refuseForeign(ctx context.Context, db *sql.DB, dialect sqlstore.Dialect) error {
	names, err := Relations(ctx, db, dialect)
	if err != nil || len(names) == 0 {
		return err
	}
	state, err := Look(ctx, db, dialect)
	if err != nil || state.table {
		return err
	}
	return fmt.Errorf("%w (%s), and none of Tabard's: correct its name, or run tabard migrate to make Tabard's beside them", ErrForeign, strings.Join(names, ", "))
}
