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
// token, or when the feed refuses it, and the handler has to return then. A stream has no
// renewal: the page opens it anew.
func (h *Holder) Protect(rule resource.Rule, next http.Handler) http.Handler {
	return h.guard.Protect(rule, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		_, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		l := h.hold(raw, resource.ClaimsFrom(ctx), cancel)
		defer l.release()
		next.ServeHTTP(w, r.WithContext(ctx))
	}))
}

func refuse(w http.ResponseWriter, status int, code, description string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": description})
}
