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

// A task points only to a project of its own organization.
func ExampleReference() {
	sql, err := tenantdb.Reference("tasks", "organization_id", []string{"project_id"}, "projects", []string{"id"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sql)
	// Output:
	// CREATE UNIQUE INDEX IF NOT EXISTS "projects_id_of_organization_id" ON "projects" ("organization_id", "id");
	// ALTER TABLE "tasks" ADD CONSTRAINT "tasks_project_id_of_organization_id" FOREIGN KEY ("organization_id", "project_id") REFERENCES "projects" ("organization_id", "id");
}

// A test runs the service's migrations on an empty database, connects as the service's
// role, and fails for each gap.
func ExampleProve() {
	failures := func(ctx context.Context, pool *pgxpool.Pool) (all []string, err error) {
		gaps, err := tenantdb.Prove(ctx, pool, "organization_id", "tenant_id")
		for _, gap := range gaps {
			all = append(all, gap.String())
		}
		return all, err
	}
	_ = failures
	fmt.Println(tenantdb.Gap{Code: tenantdb.GapNotForced, Object: "public.notes", Text: "the table's owner ignores its policies: FORCE ROW LEVEL SECURITY"})
	// Output:
	// row_security_not_forced: public.notes: the table's owner ignores its policies: FORCE ROW LEVEL SECURITY
}
