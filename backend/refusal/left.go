package refusal

import (
	"context"
	"errors"

	"github.com/tabard-auth/tabard/backend/api"
)

// StatusClientLeft is the status, in the log and the metrics, of a request whose client
// left before it was answered. Proxies write the same.
const StatusClientLeft = 499

// UnlessClientLeft returns the outcome of a request: a failure after its client left is no
// fault of the server, its database or a provider. A panic is.
func (r *Refusal) UnlessClientLeft(ctx context.Context) *Refusal {
	if r.Code != api.TemporarilyUnavailable || !errors.Is(ctx.Err(), context.Canceled) {
		return r
	}
	left := *r
	left.Status, left.Fault = StatusClientLeft, ""
	return &left
}
