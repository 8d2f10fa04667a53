package httpapi

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/web"
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
		return web.NoPath()
	}
	if c.r.Method == http.MethodOptions {
		return c.preflight()
	}
	run, ok := methods[c.r.Method]
	if !ok && c.r.Method == http.MethodHead {
		run, ok = methods[http.MethodGet]
	}
	if !ok {
		return web.NoMethod(c.w.Header(), c.r.Method, allowed(methods))
	}
	return run(c)
}

// allowed returns the methods that a path answers.
func allowed(methods map[string]endpoint) []string {
	names := slices.Sorted(maps.Keys(methods))
	if methods[http.MethodGet] != nil {
		names = append(names, http.MethodHead)
	}
	return append(names, http.MethodOptions)
}

// secure sets what every answer carries. Pages of sibling hosts are answered too.
func (c *call) secure() {
	web.Secure(c.w.Header(), c.origin[:5] == "https")
	c.w.Header().Set("Cross-Origin-Resource-Policy", "same-site")
}

// recovered keeps a panic from crossing the boundary.
func (c *call) recovered() {
	if v := recover(); v != nil {
		err := fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		c.refuse(refusal.New(api.ServerError, "Something failed on the server.").Because(err))
		c.log.write(c)
	}
}

// refuse answers with an error: JSON for programs, a page for people. A fault of
// the server's changes nothing in the browser.
func (c *call) refuse(r *refusal.Refusal) {
	c.record.refusal = r
	if r.HTTPStatus() >= http.StatusInternalServerError {
		c.w.Header().Del("Set-Cookie")
	}
	web.RefusalHeaders(c.w.Header(), r)
	if c.page() {
		c.sorry(r)
		return
	}
	body := r.Body()
	body.ServerTime = c.now
	c.json(r.HTTPStatus(), body)
}

func (c *call) json(status int, value any) {
	c.record.status = status
	web.WriteJSON(c.w, status, value)
}

// answer makes an endpoint of a function of the contract: it admits the request,
// reads its body and writes what the function returns.
func answer[In, Out any](run func(*call, In) (Out, error)) endpoint {
	return func(c *call) error {
		if err := c.admit(); err != nil {
			return err
		}
		var request In
		if c.r.Method == http.MethodPost {
			if err := web.Read(c.w, c.r, &request, 1); err != nil {
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
func public[Out any](run func(*call) (Out, error)) endpoint {
	return func(c *call) error {
		response, err := run(c)
		if err != nil {
			return err
		}
		c.w.Header().Set("Cache-Control", "public, max-age="+strconv.Itoa(signingkey.SetAge))
		c.w.Header().Set("Access-Control-Allow-Origin", "*")
		c.w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		c.json(http.StatusOK, response)
		return nil
	}
}

// redirect sends the browser on, by GET (RFC 9110 section 15.4.4).
func (c *call) redirect(target string) {
	c.w.Header().Set("Location", target)
	c.w.WriteHeader(http.StatusSeeOther)
	c.record.status = http.StatusSeeOther
}
