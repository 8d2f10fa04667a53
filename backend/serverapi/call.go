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

// call is one request on its way to its answer.
type call struct {
	*server
	ctx context.Context
	w   http.ResponseWriter
	r   *http.Request
	by  admin.Actor
}

func (s *server) routes() http.Handler {
	byPath := map[string]map[string]action{}
	for _, r := range s.named {
		if byPath[r.Path] == nil {
			byPath[r.Path] = map[string]action{}
		}
		byPath[r.Path][r.Method] = r.action
	}
	mux := http.NewServeMux()
	for path, methods := range byPath {
		mux.Handle(s.base+path, s.serve(methods))
	}
	mux.HandleFunc("GET "+s.base+documentPath, document(s.document))
	mux.Handle("/", s.serve(nil))
	return mux
}

// serve runs the action of the request's method. Every error becomes an answer here,
// and every answer a line of the log.
func (s *server) serve(methods map[string]action) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{server: s, ctx: r.Context(), w: w, r: r}
		web.Secure(w.Header(), s.secure)
		defer c.recovered()
		status, err := c.dispatch(methods)
		if err != nil {
			c.refuse(err)
			return
		}
		c.record(status, "", nil)
	})
}

func (c *call) dispatch(methods map[string]action) (status int, err error) {
	if methods == nil {
		return 0, web.NoPath()
	}
	a, ok := methods[c.r.Method]
	if !ok {
		return 0, web.NoMethod(c.w.Header(), c.r.Method, slices.Sorted(maps.Keys(methods)))
	}
	if err := c.admit(); err != nil {
		return 0, err
	}
	value, err := a.run(c)
	if err != nil {
		return 0, err
	}
	if a.status == http.StatusNoContent {
		c.w.WriteHeader(a.status)
		return a.status, nil
	}
	status = max(a.status, http.StatusOK)
	web.WriteJSON(c.w, status, value)
	return status, nil
}

// recovered keeps a panic from crossing the boundary.
func (c *call) recovered() {
	if v := recover(); v != nil {
		c.refuse(fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
	}
}

// refuse answers with an error.
func (c *call) refuse(err error) {
	r := refusal.Of(err)
	var cause error
	if !refusal.Is(err) {
		cause = err
	}
	web.RefusalHeaders(c.w.Header(), r)
	web.WriteJSON(c.w, r.HTTPStatus(), r.Body())
	c.record(r.HTTPStatus(), r.Code, cause)
}

// record writes the request's line of the log. No key is in it, and no query.
func (c *call) record(status int, code api.Code, cause error) {
	attributes := []any{"method", c.r.Method, "path", c.r.URL.Path, "status", status}
	if c.by.ID != "" {
		attributes = append(attributes, "key", c.by.ID)
	}
	if code != "" {
		attributes = append(attributes, "code", string(code))
	}
	level := slog.LevelInfo
	if cause != nil {
		level, attributes = slog.LevelError, append(attributes, "cause", cause)
	}
	c.log.Log(c.ctx, level, string(c.kind)+" API", attributes...)
}

// maxDepth is how deep a body may be: a connection, its provisioning, a list of groups,
// each with a list of roles.
const maxDepth = 5
