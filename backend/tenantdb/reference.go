package tenantdb

import (
	"errors"
	"fmt"
	"strings"
)

// Reference returns the SQL, for a migration, by which rows of a table point only to
// rows of their own organization: a foreign key that includes the column of the
// organization. PostgreSQL checks foreign keys past all policies, so that a key without
// it lets a row point to another organization's, and tells which rows exist.
//
// Both tables have the column. Keys are columns of the table, and otherKeys, as many,
// those of the other table that they point to. A foreign key without the column that is
// there already has to be dropped.
func Reference(table, column string, keys []string, other string, otherKeys []string) (string, error) {
	if len(keys) == 0 || len(keys) != len(otherKeys) {
		return "", errors.New("tenantdb: a foreign key needs as many columns as it points to, and at least one")
	}
	for _, name := range append(append([]string{table, column, other}, keys...), otherKeys...) {
		if !identifier.MatchString(name) {
			return "", fmt.Errorf("tenantdb: %q is not a plain identifier", name)
		}
	}
	from := `"` + strings.Join(append([]string{column}, keys...), `", "`) + `"`
	to := `"` + strings.Join(append([]string{column}, otherKeys...), `", "`) + `"`
	unique := shortened(other + "_" + strings.Join(otherKeys, "_") + "_of_" + column)
	foreign := shortened(table + "_" + strings.Join(keys, "_") + "_of_" + column)
	return fmt.Sprintf(`CREATE UNIQUE INDEX IF NOT EXISTS "%s" ON "%s" (%s);
ALTER TABLE "%s" ADD CONSTRAINT "%s" FOREIGN KEY (%s) REFERENCES "%s" (%s);
`, unique, other, to, table, foreign, from, other, to), nil
}

// shortened returns a name of no more bytes than PostgreSQL keeps.
func shortened(name string) string { return name[:min(len(name), 63)] }
