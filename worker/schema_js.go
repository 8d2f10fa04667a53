package main

import (
	"context"
	"fmt"

	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/worker/d1"
)

// newestMigration is the name of the release's newest migration, which compile sets.
var newestMigration string

// checkSchema is the Schema of host.Readiness. Names of migrations begin with their numbers.
func checkSchema(ctx context.Context) error {
	applied, err := d1.Migration(ctx)
	if err == nil && applied < newestMigration {
		err = &host.NotReady{Part: host.PartSchema, Cause: fmt.Errorf(
			"the newest migration of the database is %q, and of this release %s; %s", applied, newestMigration, d1.Migrate)}
	}
	return err
}
