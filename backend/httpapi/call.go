package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/keys"
	"github.com/tabard-auth/tabard/backend/strictjson"
)

// call is one request on its way to its answer.
type call struct {
	*server
	ctx       context.Context
	w         http.ResponseWriter
	r         *http.Request
	now       int64 // Unix seconds
	workspace *directory.Workspace
	app       directory.App
	record    record
	// proof is the request's device proof, nil without one: prove, once.
	proof func() (*dpop.Proof, error)
	// proofUsed notes that the proof is used: useProof, once.
	proofUsed func() error
}

// grant is what the call may grant, in its app.
func (c *call) grant() *grant.Grant {
	return &grant.Grant{
		Issuer: c.issuer, Store: c.store, Keys: c.keys, Workspace: c.workspace, App: c.app, Now: c.now, Audit: c.audit,
	}
}

// endpoint answers a call, or returns why not.
type endpoint func(*call) error

// serve runs the endpoint of the request's method. Every error becomes an answer
// here, and every answer a line of the log.
func (s *server) serve(methods map[string]endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{server: s, ctx: r.Context(), w: w, r: r, now: s.now().Unix()}
		c.proof, c.proofUsed = sync.OnceValues(c.prove), sync.OnceValue(c.useProof)
		c.secure()
		defer c.recovered()
		if err := c.dispatch(methods); err != nil {
			c.refuse(refusalOf(err))
		}
		c.log.write(c)
	})
}

func (c *call) dispatch(methods map[string]endpoint) error {
	if methods == nil {
		return refuse(api.NotFound, "There is nothing at this address.")
	}
	if c.r.Method == http.MethodOptions {
		return c.preflight()
	}
	run, ok := methods[c.r.Method]
	if !ok && c.r.Method == http.MethodHead {
		run, ok = methods[http.MethodGet]
	}
	if !ok {
		c.w.Header().Set("Allow", allowed(methods))
		return refuse(api.InvalidRequest, "This address does not answer "+c.r.Method+".").with(http.StatusMethodNotAllowed)
	}
	return run(c)
}

// allowed is the header Allow of a path (RFC 9110 section 10.2.1).
func allowed(methods map[string]endpoint) string {
	names := slices.Sorted(maps.Keys(methods))
	if methods[http.MethodGet] != nil {
		names = append(names, http.MethodHead)
	}
	return strings.Join(append(names, http.MethodOptions), ", ")
}

// secure sets what every answer carries.
func (c *call) secure() {
	h := c.w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-site")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	if c.origin[:5] == "https" {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// recovered keeps a panic from crossing the boundary.
func (c *call) recovered() {
	if v := recover(); v != nil {
		err := fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		c.refuse(refuse(api.ServerError, "Something failed on the server.").because(err))
		c.log.write(c)
	}
}

// refuse answers with an error: JSON for programs, a page for people. A fault of
// the server's changes nothing in the browser.
func (c *call) refuse(because *refusal) {
	r := *because // a refusal may be shared between calls
	r.ServerTime = c.now
	c.record.refusal = &r
	if r.httpStatus() >= http.StatusInternalServerError {
		c.w.Header().Del("Set-Cookie")
	}
	switch r.Code {
	case api.InsufficientUserAuthentication:
		c.w.Header().Set("WWW-Authenticate", challenge(&r))
	case api.RateLimited, api.TemporarilyUnavailable:
		c.w.Header().Set("Retry-After", strconv.FormatInt(max(r.RetryAfter, 1), 10))
	}
	if c.page() {
		c.sorry(&r)
		return
	}
	c.json(r.httpStatus(), r.body)
}

// challenge is the step-up challenge (RFC 9470 section 3).
func challenge(r *refusal) string {
	text := `Bearer error="insufficient_user_authentication"`
	if r.ACRValues != "" {
		text += fmt.Sprintf(`, acr_values=%q`, r.ACRValues)
	}
	if r.MaxAge != nil {
		text += fmt.Sprintf(`, max_age="%d"`, *r.MaxAge)
	}
	return text
}

func (c *call) json(status int, value any) {
	text, err := json.Marshal(value)
	if err != nil { // no type of the contract fails to encode
		panic(err)
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	c.record.status = status
	c.w.Write(append(text, '\n'))
}

// answer makes an endpoint of a function of the contract: it admits the request,
// reads its body and writes what the function returns.
func answer[Request, Response any](run func(*call, Request) (Response, error)) endpoint {
	return func(c *call) error {
		if err := c.admit(); err != nil {
			return err
		}
		var request Request
		if c.r.Method == http.MethodPost {
			if err := c.read(&request); err != nil {
				return err
			}
		}
		response, err := run(c, request)
		if err != nil {
			return err
		}
		c.json(http.StatusOK, response)
		return nil
	}
}

// public makes an endpoint of what everybody may read and caches may keep.
func public[Response any](run func(*call) (Response, error)) endpoint {
	return func(c *call) error {
		response, err := run(c)
		if err != nil {
			return err
		}
		c.w.Header().Set("Cache-Control", "public, max-age="+strconv.Itoa(keys.SetAge))
		c.w.Header().Set("Access-Control-Allow-Origin", "*")
		c.w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		c.json(http.StatusOK, response)
		return nil
	}
}

const maxBody = 16 << 10

// read reads a JSON object: of the media type, bounded, every member known and
// named once.
func (c *call) read(into any) error {
	if media, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return refuse(api.InvalidRequest, "The body must be application/json.").with(http.StatusUnsupportedMediaType)
	}
	if c.r.Body == nil {
		return refuse(api.InvalidRequest, "The body is missing.")
	}
	text, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return refuse(api.InvalidRequest, "The body is too large.").with(http.StatusRequestEntityTooLarge)
	case err != nil:
		return refuse(api.InvalidRequest, "The body could not be read.").because(err)
	}
	if err := strictjson.Decode(text, into, 1); err != nil {
		return refuse(api.InvalidRequest, "The body is not what was expected: "+err.Error()+".")
	}
	return nil
}
