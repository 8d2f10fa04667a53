package d1

import (
	"context"
	"database/sql"
	"errors"
)

// selectMigration reads the table in which wrangler notes what it applied.
const selectMigration = `SELECT name FROM d1_migrations ORDER BY name DESC LIMIT 1`

// Migration returns the name of the newest migration that was applied to the database, or "".
func Migration(ctx context.Context) (name string, err error) {
	err = Open().QueryRowContext(ctx, selectMigration).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) || errors.Is(err, errSchema) {
		return "", nil
	}
	return name, err
}
