//go:build long

package serverapi_test

import "testing"

// TestNoFaultOfTheStorageEitherWay is TestNoFaultOfTheStorageIsTakenForSuccess with the faults
// of every call before and after its effect.
func TestNoFaultOfTheStorageEitherWay(t *testing.T) {
	noFaultIsTakenForSuccess(t, func(int) []bool { return []bool{false, true} })
}
