package authn

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
	"github.com/tabard-auth/tabard/backend/orgsession"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/web"
)

// Request is one request on its way to its answer.
type Request struct {
	*Server
	exchange
	Ctx       context.Context
	Now       int64 // Unix seconds
	Workspace *directory.Workspace
	App       directory.App
	// Posted means that a page whose forms may lead to the backend alone posted the request:
	// Chromium applies that to redirects of the answer, too.
	Posted bool

	used     *carried // what Authenticate found
	sessions int      // that the browser is known to have
	// proof is the request's device proof, nil without one: prove, once.
	proof func() (*dpop.Proof, error)
	// proofUsed notes that the proof is used: useProof, once.
	proofUsed func() error
}

// exchange is a request, its answer, and what the log says of both.
type exchange struct {
	W      http.ResponseWriter
	R      *http.Request
	Record record
}

// Grant is what the call may grant, in its app.
func (c *Request) Grant() *grant.Grant {
	return &grant.Grant{
		Issuer: c.Issuer, Store: c.Store, Keys: c.Keys, Workspace: c.Workspace, App: c.App, Now: c.Now, Audit: c.Audit,
	}
}

// OrganizationSessions are those of the call's session.
func (c *Request) OrganizationSessions() orgsession.Transitions {
	return orgsession.Transitions{Store: c.Store, Now: c.Now, Audit: c.Audit}
}

// Endpoint answers a call, or returns why not.
type Endpoint func(*Request) error

// Serve runs the endpoint of the request's method. Every error becomes an answer
// here, and every answer a line of the log.
func (s *Server) Serve(methods map[string]Endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &Request{Server: s, exchange: exchange{W: w, R: r}, Ctx: r.Context(), Now: s.now().Unix()}
		c.proof, c.proofUsed = sync.OnceValues(c.prove), sync.OnceValue(c.useProof)
		secure(c)
		defer recovered(c)
		if err := dispatch(c, methods); err != nil {
			refuse(c, RefusalOf(err))
		}
		c.log.write(c)
	})
}

func dispatch(c *Request, methods map[string]Endpoint) error {
	if methods == nil {
		return web.NoPath()
	}
	if c.R.Method == http.MethodOptions {
		return preflight(c)
	}
	run, ok := methods[c.R.Method]
	if !ok && c.R.Method == http.MethodHead {
		run, ok = methods[http.MethodGet]
	}
	if !ok {
		return web.NoMethod(c.W.Header(), c.R.Method, allowed(methods))
	}
	return run(c)
}

// allowed returns the methods that a path answers.
func allowed(methods map[string]Endpoint) []string {
	names := slices.Sorted(maps.Keys(methods))
	if methods[http.MethodGet] != nil {
		names = append(names, http.MethodHead)
	}
	return append(names, http.MethodOptions)
}

// secure sets what every answer carries. Pages of sibling hosts are answered too.
func secure(c *Request) {
	web.Secure(c.W.Header(), c.Origin[:5] == "https")
	c.W.Header().Set("Cross-Origin-Resource-Policy", "same-site")
}

// recovered keeps a panic from crossing the boundary.
func recovered(c *Request) {
	if v := recover(); v != nil {
		err := fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		refuse(c, refusal.New(api.ServerError, "Something failed on the server.").Because(err))
		c.log.write(c)
	}
}

// refuse answers with an error: JSON for programs, a page for people. A fault of
// the server's changes nothing in the browser.
func refuse(c *Request, r *refusal.Refusal) {
	if r.HTTPStatus() >= http.StatusInternalServerError {
		c.W.Header().Del("Set-Cookie")
	}
	r = r.UnlessClientLeft(c.Ctx)
	c.Record.Refusal = r
	web.RefusalHeaders(c.W.Header(), r)
	if isPage(c) {
		errorPage(c, r)
		return
	}
	body := r.Body()
	body.ServerTime = c.Now
	c.json(r.HTTPStatus(), body)
}

func (c *exchange) json(status int, value any) {
	c.Record.Status = status
	web.WriteJSON(c.W, status, value)
}

// Answer makes an endpoint of a function of the contract: it admits the request,
// reads its body and writes what the function returns.
func Answer[In, Out any](run func(*Request, In) (Out, error)) Endpoint {
	return func(c *Request) error {
		if err := admit(c); err != nil {
			return err
		}
		var request In
		if c.R.Method == http.MethodPost {
			if err := web.Read(c.W, c.R, &request, 1); err != nil {
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

// Public makes an endpoint of what everybody may read and caches may keep.
func Public[Out any](run func(*Request) (Out, error)) Endpoint {
	return func(c *Request) error {
		response, err := run(c)
		if err != nil {
			return err
		}
		c.W.Header().Set("Cache-Control", "public, max-age="+strconv.Itoa(signingkey.SetAge))
		c.W.Header().Set("Access-Control-Allow-Origin", "*")
		c.W.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		c.json(http.StatusOK, response)
		return nil
	}
}

// Redirect sends the browser on, by GET (RFC 9110 section 15.4.4).
func (c *Request) Redirect(target string) {
	if c.Posted {
		moveOn(c, target)
		return
	}
	c.W.Header().Set("Location", target)
	c.W.WriteHeader(http.StatusSeeOther)
	c.Record.Status = http.StatusSeeOther
}
