package serverapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/strictjson"
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
		c.secured()
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
		return 0, refuse(api.NotFound, "There is nothing at this address.")
	}
	a, ok := methods[c.r.Method]
	if !ok {
		c.w.Header().Set("Allow", strings.Join(slices.Sorted(maps.Keys(methods)), ", "))
		return 0, &refusal{refuse(api.InvalidRequest, "This address does not answer "+c.r.Method+"."), http.StatusMethodNotAllowed}
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
	c.json(status, value)
	return status, nil
}

// secured sets what every answer carries.
func (c *call) secured() {
	h := c.w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	if c.secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// recovered keeps a panic from crossing the boundary.
func (c *call) recovered() {
	if v := recover(); v != nil {
		c.refuse(fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
	}
}

// refusal is a refusal with another status than its code's.
type refusal struct {
	*admin.Refusal
	status int
}

func (r *refusal) Unwrap() error { return r.Refusal }

func refuse(code api.Code, text string) *admin.Refusal {
	return &admin.Refusal{Code: code, Text: text}
}

// refuse answers with an error. What is no refusal is a fault of the storage or of
// the host: nothing is known, and the client may try again.
func (c *call) refuse(err error) {
	known := refuse(api.TemporarilyUnavailable, "Something failed on the server. Try again.")
	cause := err
	if errors.As(err, &known) {
		cause = nil
	}
	status := known.Code.Status()
	var other *refusal
	if errors.As(err, &other) {
		status = other.status
	}
	body := api.Error{Code: known.Code, Description: known.Text}
	var denied *denial
	if errors.As(err, &denied) {
		body.Reason = denied.reason
	}
	switch known.Code {
	case api.AdminKeyRequired, api.WorkspaceAPIKeyRequired:
		c.w.Header().Set("WWW-Authenticate", "Bearer")
	case api.RateLimited:
		body.RetryAfter = c.failures.retryAfter(c.now().Unix())
		c.w.Header().Set("Retry-After", strconv.FormatInt(body.RetryAfter, 10))
	case api.TemporarilyUnavailable:
		c.w.Header().Set("Retry-After", "1")
	}
	c.json(status, body)
	c.record(status, known.Code, cause)
}

func (c *call) json(status int, value any) {
	text, err := json.Marshal(value)
	if err != nil { // no type of the API fails to encode
		panic(err)
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	c.w.Write(append(text, '\n'))
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

const (
	maxBody  = 16 << 10
	maxDepth = 5 // a connection: its provisioning, a list of groups, each with a list of roles
)

// read reads the request's body: one JSON object.
func (c *call) read(into any) error {
	if media, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return &refusal{refuse(api.InvalidRequest, "The body must be application/json."), http.StatusUnsupportedMediaType}
	}
	if c.r.Body == nil {
		return refuse(api.InvalidRequest, "The body is missing.")
	}
	text, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &refusal{refuse(api.InvalidRequest, "The body is too large."), http.StatusRequestEntityTooLarge}
	case err != nil:
		return refuse(api.InvalidRequest, "The body could not be read.")
	}
	if err := strictjson.Decode(text, into, maxDepth); err != nil {
		return refuse(api.InvalidRequest, "The body is not what was expected: "+err.Error()+".")
	}
	return nil
}
