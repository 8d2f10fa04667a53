package host

import (
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
// ready, and other requests should be sent to another replica, or again in a second.
func Starting(publicURL string) (http.Handler, error) {
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
			unavailable := refusal.New(api.TemporarilyUnavailable, "The server is starting. Try again.")
			unavailable.Reason, unavailable.RetryAfter = ReasonStarting, 1
			refuse(w, r, secure, unavailable)
		}
	}), nil
}
