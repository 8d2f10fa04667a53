package tab

import "time"

// minSleep is the least by which the wall clock must run ahead of the monotonic one to
// mean that the computer slept.
const minSleep = 5 * time.Second

// clock counts elapsed time, sleep included, and tracks the server's time by its
// responses. It never relies on the time of day.
type clock struct {
	Clock
	wallAhead time.Duration // wall minus monotonic, when last compared
	slept     time.Duration // sleep that the monotonic clock did not count
	server    int64         // the server's time, Unix seconds, 0 while unknown
	serverAt  time.Duration // when it was received
}

func newClock(c Clock) clock {
	return clock{Clock: c, wallAhead: c.Wall() - c.Monotonic()}
}

// now returns the time since a fixed moment.
func (c *clock) now() time.Duration { return c.Monotonic() + c.slept }

// detectSleep reports whether the computer has slept since its last call. A time of day
// set forward looks the same and costs a renewal; one set back is ignored.
func (c *clock) detectSleep() bool {
	ahead := c.Wall() - c.Monotonic()
	jump := ahead - c.wallAhead
	c.wallAhead = ahead
	if jump < minSleep {
		return false
	}
	c.slept += jump
	return true
}

// setServerTime takes the server's time from a response that just came.
func (c *clock) setServerTime(unix int64) {
	if unix > 0 {
		c.server, c.serverAt = unix, c.now()
	}
}

// serverTime returns the server's time in Unix seconds, 0 while it is unknown.
func (c *clock) serverTime() int64 {
	if c.server == 0 {
		return 0
	}
	return c.server + int64((c.now()-c.serverAt)/time.Second)
}

// backoff spaces out requests to a backend that fails.
type backoff struct {
	failures int
	until    time.Duration // no background request before
	err      *Error        // the last failure
}

// The pauses between requests to a failing backend double from the first to
// the last, each shortened by up to a half at random.
const (
	minPause = 2 * time.Second
	maxPause = time.Minute
)

// recordFailure notes a failed request. random is 64 random bits.
func (b *backoff) recordFailure(err *Error, now time.Duration, random uint64) {
	pause := min(minPause<<min(b.failures, 10), maxPause)
	pause -= randomPart(pause/2, random)
	pause = max(pause, time.Duration(err.RetryAfter)*time.Second)
	b.failures, b.until, b.err = b.failures+1, now+pause, err
}

// endPause ends the pause after a failure, unless the backend asked for it.
func (b *backoff) endPause() {
	if b.err != nil && b.err.RetryAfter == 0 {
		b.until = 0
	}
}

// randomPart returns a random part of d.
func randomPart(d time.Duration, random uint64) time.Duration {
	return time.Duration(random % uint64(d+1))
}
