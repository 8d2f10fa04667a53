//go:build long

package browser

import "testing"

// TestP11EveryActAtEveryPoint is TestP11AnActAtEveryPoint with every act at each point.
func TestP11EveryActAtEveryPoint(t *testing.T) {
	t.Parallel()
	for _, p := range points {
		p.try(t, acts...)
	}
}
