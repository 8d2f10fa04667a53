//go:build long

package postgres_test

import (
	"testing"

	"github.com/tabard-auth/tabard/backend/store/storetest"
)

// TestPgBouncer_KeepsEveryPromise is TestPgBouncer_KeepsTheStoresPromises with all promises.
func TestPgBouncer_KeepsEveryPromise(t *testing.T) {
	storetest.Run(t, behindPgBouncer)
}
