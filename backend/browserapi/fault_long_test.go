//go:build long

package browserapi_test

import "testing"

// TestStorageFault_EitherWay is TestStorageFault_ChangesNothing with the faults of every call
// before and after its effect.
func TestStorageFault_EitherWay(t *testing.T) {
	storageFaults(t, func(int) []bool { return []bool{false, true} })
}

// TestCookies_CrowdsComeBack is TestCookies_CrowdComesBack with further crowds.
func TestCookies_CrowdsComeBack(t *testing.T) {
	crowdsComeBack(t, []gathering{{60, 1, 0}, {60, 1, 50}, {60, 6, 0}, {150, 6, 50}})
}
