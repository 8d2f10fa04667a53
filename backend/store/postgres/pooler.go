package postgres

import (
	"context"
	"database/sql"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// modeSetting is how an address says in which way statements are sent.
const modeSetting = "default_query_exec_mode"

// pooled reports whether a pooler such as PgBouncer stands before the database: then the
// process that the connection was told of is not the one that answers.
func pooled(ctx context.Context, db *sql.DB) (is bool, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	err = conn.Raw(func(driver any) error {
		conn := driver.(*stdlib.Conn).Conn()
		var answers uint32
		if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&answers); err != nil {
			return err
		}
		is = answers != conn.PgConn().PID()
		return nil
	})
	return is, err
}

// withoutNames returns a database whose connections name no prepared statement: behind a
// pooler each transaction may have another connection, which does not know the name, or
// knows it already. The address may say otherwise.
func withoutNames(ctx context.Context, db *sql.DB, address string, config *pgx.ConnConfig, open func() *sql.DB) (*sql.DB, error) {
	if strings.Contains(address, modeSetting) {
		return db, nil
	}
	is, err := pooled(ctx, db)
	if err != nil || !is {
		return db, err
	}
	db.Close()
	config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	return open(), nil
}
