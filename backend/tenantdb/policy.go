package tenantdb

import (
	"fmt"
	"regexp"
)

var identifier = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// Policy returns the SQL, for a migration, that restricts a PostgreSQL table's rows to
// the organization that the transaction is bound to, by a column of type text. In an
// unbound transaction no row can be read or written. The policy applies to the table's
// owner too, and no other policy of the table can widen it. Names must be plain
// lower-case identifiers. Prove finds what a database lacks of all this.
//
// The role that the service connects as must not be a superuser, have BYPASSRLS, or be
// able to change or TRUNCATE the table. Foreign keys and unique indexes ignore
// policies: let them include the column. A view reads as its owner, unless it is made
// WITH (security_invoker).
func Policy(table, column string) (string, error) {
	for _, name := range []string{table, column} {
		if !identifier.MatchString(name) {
			return "", fmt.Errorf("tenantdb: %q is not a plain identifier", name)
		}
	}
	// Once a transaction that set it has ended, the setting is empty, not absent.
	condition := fmt.Sprintf(`"%s" = NULLIF(current_setting('tabard.org_id', true), '')`, column)
	return fmt.Sprintf(`ALTER TABLE "%[1]s" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "%[1]s" FORCE ROW LEVEL SECURITY;
CREATE POLICY organization_rows ON "%[1]s" USING (%[2]s) WITH CHECK (%[2]s);
CREATE POLICY organization_only ON "%[1]s" AS RESTRICTIVE USING (%[2]s) WITH CHECK (%[2]s);
`, table, condition), nil
}
