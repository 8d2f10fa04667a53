package doctor

import (
	"slices"

	"github.com/tabard-auth/tabard/backend/probe"
)

// forgedBy returns the header of a foreign probe by which a client chooses its address, or "".
// A proxy can take X-Forwarded-For away and still pass on Forwarded, which is then read.
func forgedBy(r probe.Report) string {
	switch {
	case slices.Contains(r.Arrived, probe.HeaderForwardedFor):
		return probe.HeaderForwardedFor
	case slices.Contains(r.Arrived, probe.HeaderForwarded) && r.Client == probe.ForgedAddress:
		return probe.HeaderForwarded
	}
	return ""
}
