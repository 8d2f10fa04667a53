package session

import "fmt"

// Limits are the constants of rotation, in seconds, under the names that the
// proof of its soundness gives them. [Limits.Check] states their conditions.
type Limits struct {
	// D is the longest that a request or a response can still have an effect:
	// the client aborts earlier, and the server refuses an older request
	// before the verdict.
	D int64
	// G is the grace within which two uses of neighboring tokens may be
	// requests of one browser that overtook each other.
	G int64
	// W is how far a crash can throw the cookie jar back.
	W int64
	// R is the least time between two rotations.
	R int64
	// K is how many times in a row the jar may be thrown back.
	K int64
	// Slack is how far the clocks of two replicas may differ.
	Slack int64
	// Flush is how long a browser keeps a cookie in memory before it writes it
	// to the disk.
	Flush int64
}

// LimitsFor returns the limits of a session. Where a key authenticates each
// presentation, that of a device or that of an app's server, a copied token is
// worthless without it, so the token rotates less often.
func LimitsFor(keyed bool) Limits {
	limits := Limits{D: 30, G: 65, W: 40, R: 240, K: 3, Slack: 5, Flush: 30}
	if keyed {
		limits.R = 3600
	}
	return limits
}

// Check reports the first condition that does not hold. Without any of them an
// honest browser can be taken for a thief.
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
