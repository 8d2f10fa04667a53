//go:build !race

package isolationtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/isolationtest"
)

// TestCheck_ShelfLeaks plants leaks of kinds that the other samples do not have.
// TestCheck_LateShelfLeaks plants more.
func TestCheck_ShelfLeaks(t *testing.T) {
	t.Run("intact", func(t *testing.T) {
		t.Parallel()
		for _, f := range checkSample(t, newShelf(""), false).Findings {
			t.Error(f)
		}
	})
	findsShelfLeaks(t, shelfLeaks)
}

// findsShelfLeaks plants one leak at a time.
func findsShelfLeaks(t *testing.T, leaks []string) {
	t.Helper()
	for _, leak := range leaks {
		t.Run(leak, func(t *testing.T) {
			t.Parallel()
			report := checkSample(t, newShelf(leak), true)
			found := slices.IndexFunc(report.Findings, func(f isolationtest.Finding) bool { return f.Problem != isolationtest.Unproven })
			if found < 0 {
				t.Fatal("not found")
			}
			t.Log(strings.TrimSpace(report.Findings[found].String()))
		})
	}
}
