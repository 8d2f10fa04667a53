package web

import (
	"context"
	"errors"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// StatusClientLeft is the status, in the log and the metrics, of a request whose client
// left before it was answered. Proxies write the same.
const StatusClientLeft = 499

// UnlessClientLeft returns what a request came to: what fails after its client left, and
// since it left, is no fault of the server's, its database's or a provider's. A panic is.
func UnlessClientLeft(ctx context.Context, r *refusal.Refusal) *refusal.Refusal {
	if r.Code != api.TemporarilyUnavailable || !errors.Is(ctx.Err(), context.Canceled) {
		return r
	}
	left := *r
	left.Status, left.Fault = StatusClientLeft, ""
	return &left
}
