package hold

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/resource"
)

// Protect is [resource.Guard.Protect] for answers that are streamed, such as server-sent
// events that a page reads by the client's fetch. The request's context ends with the
// token, or when the feed refuses it, and the handler has to return then. The answer is
// broken off, so that it does not look complete. A stream has no renewal: the page opens it
// anew.
func (h *Holder) Protect(rule resource.Rule, next http.Handler) http.Handler {
	return h.guard.Protect(rule, h.keep(next))
}

// ProtectLink is [resource.Links.Protect] for what lasts: long downloads, server-sent events
// and WebSockets that are opened by a link. The request's context ends as that of
// [Holder.Protect] does, with the token that made the link, and also whenever the feed
// withdraws a signing key. A WebSocket has to be of a page of the holder's origins.
func (h *Holder) ProtectLink(links *resource.Links, rule resource.Rule, next http.Handler) http.Handler {
	protected := links.Protect(rule, h.keep(next))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header.Values("Upgrade")) > 0 && !h.fromPage(r) {
			refuseOrigin(w)
			return
		}
		protected.ServeHTTP(w, r)
	})
}

// keep ends the context of requests that were admitted when that is over.
func (h *Holder) keep(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		_, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		l := h.hold(raw, resource.ClaimsFrom(ctx), cancel)
		defer l.release()
		next.ServeHTTP(w, r.WithContext(ctx))
		if ctx.Err() != nil && r.Context().Err() == nil {
			panic(http.ErrAbortHandler) // which the server takes as the end of the connection
		}
	})
}

func refuseOrigin(w http.ResponseWriter) {
	refuse(w, http.StatusForbidden, "origin_not_allowed", "The origin is not in the API's list of origins for WebSockets.")
}

func refuse(w http.ResponseWriter, status int, code, description string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": description})
}
