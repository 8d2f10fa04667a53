package metrics

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Database is the part of the database that metrics read.
type Database interface {
	PoolStats() sql.DBStats
	// CountLive counts the sessions that have neither ended nor expired, limit at most.
	CountLive(ctx context.Context, now, limit int64) (int64, error)
}

const (
	// countEvery is the least time between two counts of the sessions.
	countEvery = 5 * time.Minute
	// mostCounted limits the cost of a count.
	mostCounted  = 1_000_000
	countTimeout = time.Minute
	// keysTimeout limits reading keys that the ring does not have in its cache.
	keysTimeout = time.Second
)

var (
	poolOpen   = description("tabard_database_connections", "Connections to the database, by state: in_use or idle.", "state")
	poolMost   = description("tabard_database_connections_max", "Maximum number of connections to the database.")
	poolWaits  = description("tabard_database_connection_waits_total", "Statements that waited for a connection.")
	poolWaited = description("tabard_database_connection_wait_seconds_total", "Total time that statements waited for a connection.")
	liveNow    = description("tabard_sessions_live", "Sessions that have neither ended nor expired, a million at most. Counted every five minutes while metrics are read.")
	signingAge = description("tabard_signing_key_age_seconds", "How long the workspace's signing key has signed.")
)

func description(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Watch shows the state of a database and the age of the workspace's signing key. keys
// returns the current ring, or nil.
func (m *Metrics) Watch(database Database, keys func() *signingkey.KeyRing) {
	m.registry.MustRegister(&watch{database: database, keys: keys})
}

// watch looks when metrics are read.
type watch struct {
	database Database
	keys     func() *signingkey.KeyRing

	mu       sync.Mutex
	counting bool
	counted  time.Time // when the last count began
	known    bool
	live     int64
}

// Describe implements prometheus.Collector.
func (w *watch) Describe(all chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{poolOpen, poolMost, poolWaits, poolWaited, liveNow, signingAge} {
		all <- d
	}
}

// Collect implements prometheus.Collector. It shows the last count and does not wait
// for a new one.
func (w *watch) Collect(all chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		all <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	pool := w.database.PoolStats()
	gauge(poolOpen, float64(pool.InUse), "in_use")
	gauge(poolOpen, float64(pool.Idle), "idle")
	gauge(poolMost, float64(pool.MaxOpenConnections))
	all <- prometheus.MustNewConstMetric(poolWaits, prometheus.CounterValue, float64(pool.WaitCount))
	all <- prometheus.MustNewConstMetric(poolWaited, prometheus.CounterValue, pool.WaitDuration.Seconds())
	now := time.Now()
	if live, known := w.sessions(now); known {
		gauge(liveNow, float64(live))
	}
	if since, ok := w.signingSince(now); ok {
		gauge(signingAge, now.Sub(since).Seconds())
	}
}

// sessions returns the last count, and begins the next one where it is due.
func (w *watch) sessions(now time.Time) (live int64, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.counting && now.Sub(w.counted) >= countEvery {
		w.counting, w.counted = true, now
		go w.count(now)
	}
	return w.live, w.known
}

func (w *watch) count(now time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	n, err := w.database.CountLive(ctx, now.Unix(), mostCounted)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counting = false
	if err == nil { // of a database that is away readiness tells
		w.live, w.known = n, true
	}
}

// signingSince returns since when the workspace's signing key signs.
func (w *watch) signingSince(now time.Time) (since time.Time, ok bool) {
	ring := w.keys()
	if ring == nil {
		return since, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), keysTimeout)
	defer cancel()
	keys, err := ring.Published(ctx, "", now.Unix())
	if err != nil {
		return since, false
	}
	for _, k := range keys {
		if at := time.Unix(k.SignsAt, 0); !at.After(now) && at.After(since) {
			since, ok = at, true
		}
	}
	return since, ok
}
