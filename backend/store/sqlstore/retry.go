package sqlstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

const (
	// mostTries is how often a statement is run that the database undid because of others.
	mostTries = 10
	// firstPause is the pause before it is run again, twice as long each time up to
	// longestPause.
	firstPause, longestPause = 4 * time.Millisecond, 250 * time.Millisecond
)

// retried repeats a statement or transaction that the database rolled back because of a
// concurrent one. A rolled-back statement had no effect, so that every statement can be
// repeated.
func retried(ctx context.Context, run func() error) error {
	err := run()
	for try, pause := 1, firstPause; retryable(err) && try < mostTries && ctx.Err() == nil; try, pause = try+1, min(2*pause, longestPause) {
		sleep(ctx, pause/2+rand.N(pause))
		err = run()
	}
	return err
}

// retryable reports whether the database undid all that was asked for: a serialization
// failure, or the victim of a deadlock.
func retryable(err error) bool {
	if err == nil {
		return false
	}
	state := sqlState(err)
	return state == "40001" || state == "40P01"
}

// sqlState returns PostgreSQL's code of an error, or "".
func sqlState(err error) string {
	var refused interface{ SQLState() string }
	if !errors.As(err, &refused) {
		return ""
	}
	return refused.SQLState()
}
