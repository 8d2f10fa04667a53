//go:build !js && long

package main_test

import (
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/worker/workerd"
)

// TestReadiness_OtherDatabases is TestReadiness_OnD1 with more databases.
func TestReadiness_OtherDatabases(t *testing.T) {
	t.Parallel()
	checkReadiness(t, []readinessCase{
		{"no migration", workerd.Options{State: t.TempDir()}, "schema", http.StatusServiceUnavailable, []string{"no such table: current_epoch", migrate}},
		{"of a later release", workerd.Options{State: schemaOf(t, "INSERT INTO d1_migrations (name) VALUES ('9999_later.sql')")}, "", http.StatusOK, nil},
		{"no binding", workerd.Options{NoDatabase: true}, "database", http.StatusServiceUnavailable, []string{"no D1 database is bound as DB"}},
	})
}
