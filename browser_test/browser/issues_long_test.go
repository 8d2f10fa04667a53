//go:build long

package browser

import "testing"

// TestPainCRotationSignsNobodyOutForLonger is TestPainCRotationSignsNobodyOut with more
// rounds.
func TestPainCRotationSignsNobodyOutForLonger(t *testing.T) {
	t.Parallel()
	rotationSignsNobodyOut(t, 6)
}
