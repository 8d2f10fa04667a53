package d1

import (
	"errors"
	"fmt"
	"strings"
)

// Migrate says how the schema is brought up to date.
const Migrate = "apply the migrations: npx wrangler d1 migrations apply"

// errSchema is the error of a statement that the schema does not fit.
var errSchema = errors.New(Migrate)

// explain adds to an error of D1 what to do, where the schema is the cause.
func explain(err error) error {
	for _, sign := range []string{"no such table", "no such column", "has no column named"} {
		if strings.Contains(err.Error(), sign) {
			return fmt.Errorf("%w; %w", err, errSchema)
		}
	}
	return err
}
