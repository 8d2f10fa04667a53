//go:build long

package browser

import "testing"

// TestDrafts_LeaveByHistory is TestDrafts_Leave with routes on the History API.
func TestDrafts_LeaveByHistory(t *testing.T) {
	t.Parallel()
	onDraft(t, byHistory, leavesDraft)
}

// TestBeforeSwitch_OneQuestionByHistory is TestBeforeSwitch_OneQuestion with routes on the
// History API.
func TestBeforeSwitch_OneQuestionByHistory(t *testing.T) {
	t.Parallel()
	onDraft(t, byHistory, askedOnce)
}
