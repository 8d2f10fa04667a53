//go:build long

package browser

import "testing"

// TestScenarios_Others plays what TestScenarios_TheFakeClientDoesWhatTheRealOneDoes leaves
// out.
func TestScenarios_Others(t *testing.T) {
	t.Parallel()
	playScenarios(t, func(i int) bool { return i%6 != 0 })
}
