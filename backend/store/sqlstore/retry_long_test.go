//go:build long

package sqlstore_test

import (
	"testing"

	"github.com/tabard-auth/tabard/backend/store/storetest"
)

// TestEveryStatementThatTheDatabaseUndidIsRunAgain is
// TestStatementsThatTheDatabaseUndidAreRunAgain with all promises of a store.
func TestEveryStatementThatTheDatabaseUndidIsRunAgain(t *testing.T) {
	storetest.Run(t, openUndoing)
}
