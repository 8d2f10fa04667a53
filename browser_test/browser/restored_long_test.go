//go:build long

package browser

import "testing"

// TestRestoredTabs_FiftyTabs is TestRestoredTabs_OneModule for who leaves everything open.
func TestRestoredTabs_FiftyTabs(t *testing.T) { oneModule(t, 50) }
