//go:build !race && long

package isolationtest_test

import (
	"strings"
	"testing"
)

// The kit finds the leaks of this file after most of its attempts.

// lateShelfLeaks are of kinds that no other sample has, beside shelfLeaks.
var lateShelfLeaks = []string{
	"a revision is found by its number alone", "a share's code opens for everybody", "a parent may be foreign",
	"a watcher hears of later changes", "a precondition comes before the owner", "OPTIONS tells which exist",
	"an operator in place of an id", "an id is a pattern",
}

// TestCheck_LateShelfLeaks is TestCheck_ShelfLeaks with more leaks.
func TestCheck_LateShelfLeaks(t *testing.T) { findsShelfLeaks(t, lateShelfLeaks) }

// lateDeskLeaks were planted with deskLeaks.
var lateDeskLeaks = []string{
	"a node is found by its id alone", "a cursor holds the organization", "a bulk change takes any id", "suggestions are everybody's",
	"a repeated request is known by its key alone", "a batch's requests are not checked",
}

// TestCheck_LateDeskLeaks is TestCheck_DeskLeaks with more leaks.
func TestCheck_LateDeskLeaks(t *testing.T) { findsDeskLeaks(t, lateDeskLeaks) }

// lateGuardedLeaks are leaks of an API that is guarded, beside guardedLeaks, and whether the kit
// finds them.
var lateGuardedLeaks = map[string]bool{
	"a batch compares its first row":    true,
	"a copy takes a foreign row":        true,
	"the cursor names the organization": true,
	"texts are unique among everybody":  true,
	"an export has everybody's rows":    true,
	"an export has no owner":            true,
	"a link is made to any row":         true,
	"an old address is not guarded":     false,
}

// TestKit_LateLeaksOfGuardedAPIs is TestKit_LeaksOfGuardedAPIs with more leaks.
func TestKit_LateLeaksOfGuardedAPIs(t *testing.T) { findsGuardedLeaks(t, lateGuardedLeaks) }

// lateSecondLeaks were thought of with secondLeaks.
var lateSecondLeaks = []string{
	"validation comes before the owner", "suggestions are everybody's", "a merge checks only one side", "a merge takes a foreign row",
	"an imported row names its organization", "a row of a list names its organization", "a list of ids is checked at its first",
}

// TestCheck_LateLeaksOfASecondList is TestCheck_FindsLeaksOfASecondList with more leaks.
func TestCheck_LateLeaksOfASecondList(t *testing.T) { findsSecondLeaks(t, lateSecondLeaks) }

// TestCheck_NamesTheCause: what an attempt left behind in the sender's own views is not put
// down to the attempts after it.
func TestCheck_NamesTheCause(t *testing.T) {
	t.Parallel()
	report := checkSample(t, newShelf("a parent may be foreign"), false)
	if len(report.Findings) == 0 {
		t.Error("not found")
	}
	for _, f := range report.Findings {
		if !strings.Contains(f.Attempt, "parent_id") || f.Repeated > 12 {
			t.Error(f)
		}
	}
}
