package session

import "fmt"

// Limits are the constants of rotation, in seconds, with the names used in ROTATION.md.
// [Limits.Check] states their conditions.
type Limits struct {
	// D is the longest time after which a request or a response can still have an
	// effect. The client aborts earlier, and the server refuses an older request before
	// the verdict.
	D int64
	// G is the grace within which uses of two neighboring tokens may be requests of one
	// browser that arrived in the wrong order.
	G int64
	// W is the most by which a crash can set back the cookie jar.
	W int64
	// R is the least time between two rotations.
	R int64
	// K is the most consecutive rotations that a crash may set back.
	K int64
	// Slack is the most by which the clocks of two replicas may differ.
	Slack int64
	// Flush is how long a browser keeps a cookie in memory before it writes it
	// to the disk.
	Flush int64
}

// LimitsFor returns the limits of a session. If a key authenticates each presentation,
// that of a device or of an app's server, a copied token is useless without it, so the
// token rotates less often.
func LimitsFor(keyed bool) Limits {
	limits := Limits{D: 30, G: 65, W: 40, R: 240, K: 3, Slack: 5, Flush: 30}
	if keyed {
		limits.R = 3600
	}
	return limits
}

// Check returns an error for the first condition that does not hold. Every condition is
// needed: otherwise an honest browser can be mistaken for a thief.
func (l Limits) Check() error {
	switch {
	case l.D <= 0 || l.K < 0 || l.Slack < 0 || l.Flush < 0:
		return fmt.Errorf("session: limits %+v: D must be positive, the others not negative", l)
	case l.G < 2*l.D+l.Slack:
		return fmt.Errorf("session: limits: G = %d must be at least 2D + slack = %d", l.G, 2*l.D+l.Slack)
	case l.W < l.Flush+2*l.Slack:
		return fmt.Errorf("session: limits: W = %d must be at least flush + 2 slack = %d", l.W, l.Flush+2*l.Slack)
	case l.R <= l.G+l.W:
		return fmt.Errorf("session: limits: R = %d must be more than G + W = %d", l.R, l.G+l.W)
	}
	return nil
}
