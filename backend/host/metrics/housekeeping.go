package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tabard-auth/tabard/backend/host"
)

// housekeeping shows the remaining entries and the time of the last clean-up.
type housekeeping struct {
	left *prometheus.GaugeVec
	last prometheus.Gauge
	// behind is of the named exports.
	behind prometheus.Gauge
}

func newHousekeeping() housekeeping {
	h := housekeeping{
		left: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tabard_cleanup_backlog",
			Help: "Expired sessions and events that are not deleted yet, and old events that are kept for a named export alone, as last counted by this replica, up to a million.",
		}, []string{"what"}),
		last: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tabard_cleanup_last_timestamp_seconds",
			Help: "Time of the last clean-up by this replica, or of its last check that another replica does it.",
		}),
		behind: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tabard_audit_export_behind_seconds",
			Help: "How long the oldest event has waited that a named export of the audit log has not written, as last seen by this replica.",
		}),
	}
	for _, kind := range []string{host.BacklogSessions, host.BacklogEvents, host.BacklogExports} {
		h.left.WithLabelValues(kind)
	}
	return h
}

// Backlog records the number of remaining entries of a kind.
func (m *Metrics) Backlog(kind string, left int64) {
	m.housekeeping.left.WithLabelValues(kind).Set(float64(left))
}

// ExportsBehind records how far the named exports of the audit log are behind.
func (m *Metrics) ExportsBehind(by time.Duration) { m.housekeeping.behind.Set(by.Seconds()) }

// CleanedUp is told when a clean-up succeeded.
func (m *Metrics) CleanedUp(at time.Time) { m.housekeeping.last.Set(float64(at.Unix())) }
