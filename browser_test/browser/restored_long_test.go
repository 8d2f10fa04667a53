//go:build long

package browser

import "testing"

// TestRestoredTabs_AsManyAsLoad is TestRestoredTabs_OneModule for who leaves everything
// open: Chromium loads about twenty tabs by itself, and the others when they are looked at.
func TestRestoredTabs_AsManyAsLoad(t *testing.T) { oneModule(t, 20) }
