package serverapi

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/web"
)

// Call is a request being handled.
type Call struct {
	*server
	W     http.ResponseWriter
	R     *http.Request
	Actor admin.Actor // of the request's key
}

// Context returns the request's context.
func (c *Call) Context() context.Context { return c.R.Context() }

// serve runs the action for the request's method. It turns every error into a response,
// and logs every request.
func (s *server) serve(answered methods) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &Call{server: s, W: w, R: r}
		web.Secure(w.Header(), s.secure)
		defer c.recoverPanic()
		status, err := c.dispatch(answered)
		if err != nil {
			c.refuse(err)
			return
		}
		c.logRequest(status, "", nil)
	})
}

func (c *Call) dispatch(answered methods) (status int, err error) {
	if answered == nil {
		return 0, web.NoPath()
	}
	a, ok := answered[c.R.Method]
	if !ok {
		return 0, web.NoMethod(c.W.Header(), c.R.Method, slices.Sorted(maps.Keys(answered)))
	}
	if err := c.authenticate(); err != nil {
		return 0, err
	}
	value, err := a.run(c)
	if err != nil {
		return 0, err
	}
	if a.status == http.StatusNoContent {
		c.W.WriteHeader(a.status)
		return a.status, nil
	}
	status = max(a.status, http.StatusOK)
	web.WriteJSON(c.W, status, value)
	return status, nil
}

// recoverPanic turns a panic into a response.
func (c *Call) recoverPanic() {
	if v := recover(); v != nil {
		c.refuse(fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
	}
}

// refuse responds with an error.
func (c *Call) refuse(err error) {
	r := refusal.From(err).UnlessClientLeft(c.Context())
	var cause error
	if !refusal.Is(err) {
		cause = err
	}
	web.RefusalHeaders(c.W.Header(), r)
	web.WriteJSON(c.W, r.HTTPStatus(), r.Body())
	c.logRequest(r.HTTPStatus(), r.Code, cause)
}

// logRequest logs the request, without keys and query.
func (c *Call) logRequest(status int, code api.Code, cause error) {
	attributes := []any{"method", c.R.Method, "path", c.R.URL.Path, "status", status}
	if c.Actor.ID != "" {
		attributes = append(attributes, "key", c.Actor.ID)
	}
	if code != "" {
		attributes = append(attributes, "code", string(code))
	}
	level := slog.LevelInfo
	if cause != nil {
		attributes = append(attributes, "cause", cause)
	}
	if cause != nil && status != refusal.StatusClientLeft {
		level = slog.LevelError
	}
	c.Log.Log(c.Context(), level, string(c.kind)+" API", attributes...)
}
