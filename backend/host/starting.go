package host

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// PartStarting is the part of a replica that waits for its database, or migrates it.
const PartStarting = "starting"

// ReasonStarting is the reason of answers before a replica serves.
const ReasonStarting = "starting"

var errStarting = errors.New("the server waits for its database, or migrates it")

// Starting returns the handler of a replica that does not serve yet: it is alive and not
// ready. Other requests get the handler for which await waits, so that a usual start refuses
// nothing; where that is nil they should be sent to another replica, or again in a second.
func Starting(publicURL string, await func(context.Context) http.Handler) (http.Handler, error) {
	public, err := publicurl.Parse(publicURL)
	if err != nil {
		return nil, err
	}
	base, secure := strings.TrimSuffix(public.Path, "/"), public.Scheme == "https"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case base + "/healthz":
			health(w, nil, nil)
		case base + "/readyz":
			health(w, &NotReady{PartStarting, errStarting}, nil)
		default:
			if next := await(r.Context()); next != nil {
				next.ServeHTTP(w, r)
				return
			}
			unavailable := refusal.New(api.TemporarilyUnavailable, "The server is starting. Try again.")
			unavailable.Reason, unavailable.RetryAfter = ReasonStarting, 1
			refuse(w, r, secure, unavailable)
		}
	}), nil
}
