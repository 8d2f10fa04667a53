package authn

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/orgsession"
	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/web"
)

// Request is an HTTP request in progress.
type Request struct {
	*Server
	exchange
	Ctx       context.Context
	Now       int64 // Unix seconds
	Workspace *directory.Workspace
	App       directory.App
	// Only is the id of the only organization that the page may act for, because its
	// origin, TenantOrigin, names it. Both are empty where the page acts for all.
	Only, TenantOrigin string
	// Posted means that a form of the backend's own page posted the request. Chromium
	// applies that page's form-action policy to redirects of the answer.
	Posted bool

	// Beside is called with the session that the request names, before that is read and
	// checked. It begins further reads, so that a database that is far away answers all of
	// them in one round trip. It must not change anything.
	Beside func(session.ID)

	// browserSessions and endedSessions are set once BeginBrowserSessions began to read them.
	browserSessions, endedSessions func() ([]session.Session, error)

	account  account           // whom the request is for
	used     *cookieToken      // the token that Authenticate found
	sessions int               // the number of the browser's sessions
	proven   once[*dpop.Proof] // the outcome of prove
	spent    once[struct{}]    // the outcome of useProof
	beside   []*furtherProof   // see ProveAlso
}

// exchange is a request, its answer and its log record.
type exchange struct {
	W      http.ResponseWriter
	R      *http.Request
	Record record
}

// Grant returns the grant of access tokens for the request's app.
func (c *Request) Grant() *grant.Grant {
	return &grant.Grant{
		Issuer: c.Issuer, Store: c.Store, Keys: c.Keys, Workspace: c.Workspace, App: c.App, Now: c.Now, Trail: c,
		Revalidator: c.revalidator, Begin: c.beginRedemption,
	}
}

// OrganizationSessions returns the transitions of the session's organization sessions.
func (c *Request) OrganizationSessions() orgsession.Transitions {
	return orgsession.Transitions{Store: c.Store, Now: c.Now, Trail: c}
}

// Endpoint answers a request or returns an error.
type Endpoint func(*Request) error

// Serve returns a handler that calls the endpoint of the request's method. It answers
// errors and logs every request.
func (s *Server) Serve(methods map[string]Endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &Request{Server: s, exchange: exchange{W: w, R: r}, Ctx: r.Context(), Now: s.now().Unix()}
		setSecurityHeaders(c)
		defer recoverPanic(c)
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
		return web.NoMethod(c.W.Header(), c.R.Method, allowedMethods(methods))
	}
	if err := checkHeader(c); err != nil {
		return err
	}
	if err := limited(c); err != nil {
		return err
	}
	return run(c)
}

// allowedMethods returns the methods that a path supports.
func allowedMethods(methods map[string]Endpoint) []string {
	names := slices.Sorted(maps.Keys(methods))
	if methods[http.MethodGet] != nil && methods[http.MethodHead] == nil {
		names = append(names, http.MethodHead)
	}
	return append(names, http.MethodOptions)
}

// Head answers HEAD where GET changes something (RFC 9110 section 9.2.1). Programs that
// look links over for people send it.
func Head(c *Request) error {
	c.W.WriteHeader(http.StatusOK)
	c.Record.Status = http.StatusOK
	return nil
}

// setSecurityHeaders sets the security headers of every answer. Sibling hosts of the
// same site may read answers.
func setSecurityHeaders(c *Request) {
	web.Secure(c.W.Header(), c.Origin[:5] == "https")
	c.W.Header().Set("Cross-Origin-Resource-Policy", "same-site")
}

// recoverPanic turns a panic into a server error.
func recoverPanic(c *Request) {
	if v := recover(); v != nil {
		err := fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		refuse(c, refusal.New(api.ServerError, "Something failed on the server.").WithCause(err))
		c.log.write(c)
	}
}

// refuse answers with an error: a page for a navigation, JSON otherwise. A server error
// sets no cookies.
func refuse(c *Request, r *refusal.Refusal) {
	if r.HTTPStatus() >= http.StatusInternalServerError {
		c.W.Header().Del("Set-Cookie")
	}
	r = r.UnlessClientLeft(c.Ctx)
	c.Record.Refusal = r
	web.RefusalHeaders(c.W.Header(), r)
	if wantsPage(c) {
		errorPage(c, r)
		return
	}
	body, status := r.Body(), r.HTTPStatus()
	body.ServerTime, c.Record.Status = c.Now, status // log and metrics count by the code's own status
	if c.R.URL.RawQuery == api.QuietRefusals && r.Code.IsFinding() {
		signedIn := r.Code.Action() != api.SignIn
		body.SignedIn, status = &signedIn, http.StatusOK
	}
	web.WriteJSON(c.W, status, body)
}

func (c *exchange) writeJSON(status int, value any) {
	c.Record.Status = status
	web.WriteJSON(c.W, status, value)
}

// Answer returns the endpoint of a typed function. It admits the request, decodes the
// body and encodes the result.
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
		c.writeJSON(http.StatusOK, response)
		return nil
	}
}

// Public returns the endpoint of a public, cacheable resource.
func Public[Out any](run func(*Request) (Out, error)) Endpoint {
	return func(c *Request) error {
		response, err := run(c)
		if err != nil {
			return err
		}
		c.W.Header().Set("Cache-Control", "public, max-age="+strconv.Itoa(signingkey.SetAge))
		c.W.Header().Set("Access-Control-Allow-Origin", "*")
		c.W.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		c.writeJSON(http.StatusOK, response)
		return nil
	}
}

// Redirect redirects the browser with GET (RFC 9110 section 15.4.4). Where a page of the
// backend's own posted a form it does so by a page: the policy of that page, which lets the
// form go nowhere else, would block the redirect.
func (c *Request) Redirect(target string) {
	if c.Posted {
		c.WritePage(page.Page{Kind: page.Returning, Status: http.StatusOK, Refresh: target})
		return
	}
	c.W.Header().Set("Location", target)
	c.W.WriteHeader(http.StatusSeeOther)
	c.Record.Status = http.StatusSeeOther
}
