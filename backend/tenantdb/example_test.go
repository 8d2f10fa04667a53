package tenantdb_test

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tabard-auth/tabard/backend/tenantdb"
)

// The statements belong in a migration of the service.
func ExamplePolicy() {
	sql, err := tenantdb.Policy("notes", "organization_id")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sql)
	// Output:
	// ALTER TABLE "notes" ENABLE ROW LEVEL SECURITY;
	// ALTER TABLE "notes" FORCE ROW LEVEL SECURITY;
	// CREATE POLICY organization_rows ON "notes" USING ("organization_id" = NULLIF(current_setting('tabard.org_id', true), '')) WITH CHECK ("organization_id" = NULLIF(current_setting('tabard.org_id', true), ''));
	// CREATE POLICY organization_only ON "notes" AS RESTRICTIVE USING ("organization_id" = NULLIF(current_setting('tabard.org_id', true), '')) WITH CHECK ("organization_id" = NULLIF(current_setting('tabard.org_id', true), ''));
}

// The transaction is bound to the organization of the request, usually
// resource.OrganizationFrom(ctx). The statement names no organization and deletes only
// that organization's row.
func ExampleInTx() {
	remove := func(ctx context.Context, pool *pgxpool.Pool, organization, note string) error {
		return tenantdb.InTx(ctx, pool, organization, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "DELETE FROM notes WHERE id = $1", note)
			return err
		})
	}
	fmt.Println(remove(context.Background(), nil, "", "note_1"))
	// Output:
	// tenantdb: no organization is named
}
