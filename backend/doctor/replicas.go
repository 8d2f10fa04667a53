package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Limits on the difference between replicas' clocks, in seconds: the rotation of refresh
// tokens allows for the first, and requests that seem to be older than the second are
// refused.
const (
	replicaSlack = 5
	replicaLimit = 30
)

// How often is asked so that each replica is met: a balancer that chooses at random misses
// one of n replicas in 16·n requests once in nine million times.
const (
	asksPerReplica = 16
	maxAsks        = 400
	leastAsks      = 8 // meets a server that is not a replica
)

// replicas compares the clocks of all replicas, which a balancer shows one by one.
func (e *examination) replicas(ctx context.Context, met []probed) {
	clocks := map[string]int64{}
	for _, p := range met {
		clocks[p.report.Replica] = p.ahead
	}
	asks := min(max(len(e.living), 1)*asksPerReplica, maxAsks)
	for i := range asks {
		if i >= leastAsks && len(e.living) > 0 && len(e.missing(clocks)) == 0 {
			break
		}
		if p, err := e.sendPlain(ctx); err == nil {
			clocks[p.report.Replica] = p.ahead
		}
	}
	off := false
	for _, name := range slices.Sorted(maps.Keys(clocks)) {
		off = e.replicaClock(name, clocks[name]) || off
	}
	if missing := e.missing(clocks); len(missing) > 0 {
		e.add("clock", Look, fmt.Sprintf("One that was killed counts as running for %d minutes: run this command again after that. Where the proxy sends all requests of one address to one replica, run it in several places, or compare the clocks by hand.", signingkey.AliveFor/60),
			"in %d requests these replicas were not met: %s", asks, strings.Join(missing, ", "))
	}
	if !off {
		e.ok("clock", "the clocks of the replicas that were met (%d) agree with this machine's", len(clocks))
	}
}

// missing returns the living replicas that were not met.
func (e *examination) missing(met map[string]int64) (names []string) {
	for _, r := range e.living {
		if _, ok := met[r.Name]; !ok {
			names = append(names, r.Name+r.Silence(e.now()/1000))
		}
	}
	return names
}

// replicaClock reports whether a replica's clock is off.
func (e *examination) replicaClock(name string, ahead int64) bool {
	direction, by := "ahead", ahead
	if ahead < 0 {
		direction, by = "behind", -ahead
	}
	const advice = "Keep the clocks of all replicas by NTP (chrony, systemd-timesyncd)."
	switch by = (by + 500) / 1000; {
	case by > replicaLimit:
		e.add("clock", Problem, advice, "the clock of replica %s is %d s %s of this machine's: requests that began at another replica are refused", name, by, direction)
	case by > replicaSlack:
		e.add("clock", Warning, advice, "the clock of replica %s is %d s %s of this machine's", name, by, direction)
	default:
		return false
	}
	return true
}

// now is the time in Unix milliseconds.
func (e *examination) now() int64 { return e.Now*1000 + time.Since(e.begun).Milliseconds() }
