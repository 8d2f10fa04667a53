package authn

import (
	"fmt"
	"net/http"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/trace"
)

// admit accepts a request from one of the workspace's apps, and finds that app. It
// prevents cross-site request forgery, including by same-site sibling hosts (RFC 10017
// section 6.1.3.3). SameSite cookies alone do not exclude siblings, and some browsers
// send no Fetch Metadata.
//
//	Sec-Fetch-Site   Origin must be
//	same-origin      a registered one, or absent (then the backend's own counts)
//	same-site        a registered one
//	absent           a registered one; absent only for reading
//	anything else    refused
//
// Host and Forwarded are ignored. A request that may change state also needs the custom
// header.
func admit(c *Request) error {
	c.W.Header().Add("Vary", "Origin, Sec-Fetch-Site")
	origin, sent := SingleHeader(c.R.Header, "Origin")
	switch site, _ := SingleHeader(c.R.Header, "Sec-Fetch-Site"); {
	case site == "same-site" && sent, site == "" && sent, site == "same-origin" && sent:
	case site == "same-origin", site == "" && c.ReadOnly():
		origin = c.Origin
	default:
		return unknownOrigin(origin)
	}
	if err := findApp(c, origin); err != nil {
		return err
	}
	if sent && origin != c.Origin {
		c.allowOrigin(origin)
	}
	if !c.ReadOnly() && c.R.Header.Get(api.HeaderClient) == "" {
		return refusal.New(api.InvalidRequest, "The header "+api.HeaderClient+" is missing: let the proxy pass it on.")
	}
	if err := readAccount(c); err != nil {
		return err
	}
	return checkAge(c)
}

// findApp finds the app of an origin and, if the origin names one, the only organization
// that its pages act for. If the origin is unknown, it checks for a newer revision of the
// workspace.
func findApp(c *Request, origin string) error {
	for _, seen := range []int64{0, Latest} {
		w, err := c.Current(c.Ctx, seen)
		if err != nil {
			return err
		}
		if app, _, ok := w.AppByOrigin(origin); ok {
			c.Workspace, c.App = w, app
			if err := c.MoveTo(origin); err != nil {
				return unknownTenant(origin, err)
			}
			sendNonce(c)
			return nil
		}
	}
	return unknownOrigin(origin)
}

// maxOrigin is the longest origin, in bytes, that a refusal names.
const maxOrigin = 200

// unknownOrigin refuses a page whose origin belongs to no app, or that is on another site.
func unknownOrigin(origin string) error {
	if origin == "" {
		return refusal.New(api.OriginNotAllowed, "Only pages of the workspace's apps may send requests, and this one has no Origin header: let the proxy pass it on.")
	}
	if len(origin) > maxOrigin {
		origin = origin[:maxOrigin]
	}
	cause := fmt.Errorf("no app of the workspace file has the origin %q, or it is not on the backend's site", origin)
	return refusal.New(api.OriginNotAllowed, fmt.Sprintf("Only pages of the workspace's apps, on the backend's own site, may send requests. This page's origin is %q: "+
		"add it to the origins of the app in the workspace file, or open the page at one of those.", origin)).WithCause(cause)
}

// allowOrigin sends the CORS headers for a registered origin, with credentials.
func (c *exchange) allowOrigin(origin string) {
	h := c.W.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Expose-Headers", "Retry-After, WWW-Authenticate, "+trace.HeaderRequestID+", "+api.HeaderNonce)
}

// preflight answers a CORS preflight request.
func preflight(c *Request) error {
	c.W.Header().Add("Vary", "Origin")
	origin, sent := SingleHeader(c.R.Header, "Origin")
	if !sent {
		return unknownOrigin(origin)
	}
	if err := findApp(c, origin); err != nil {
		return err
	}
	c.allowOrigin(origin)
	h := c.W.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
	allowed := "Content-Type, " + api.HeaderClient + ", " + api.HeaderTime + ", " + api.HeaderProof
	if c.several() {
		allowed += ", " + api.HeaderAccount
	}
	h.Set("Access-Control-Allow-Headers", allowed)
	h.Set("Access-Control-Max-Age", "600")
	c.W.WriteHeader(http.StatusNoContent)
	c.Record.Status = http.StatusNoContent
	return nil
}

// checkAge refuses a request that took longer to arrive than rotation tolerates. A
// suspended page may have sent it before its later requests.
func checkAge(c *Request) error {
	text := c.R.Header.Get(api.HeaderTime)
	if text == "" {
		return nil
	}
	switch old, err := grant.TooOld(text, c.Now); {
	case err != nil:
		return refusal.New(api.InvalidRequest, "The header "+api.HeaderTime+" must be in Unix seconds.")
	case old:
		return refusal.New(api.RequestTooOld, "The request took too long to arrive. Send it again.")
	}
	return nil
}

// SingleHeader returns a header that must not be repeated. A repeated header is
// returned as a value that matches nothing.
func SingleHeader(h http.Header, name string) (value string, present bool) {
	values := h.Values(name)
	switch len(values) {
	case 0:
		return "", false
	case 1:
		return values[0], true
	}
	return "\x00", true
}

// ReadOnly reports whether the request must not change state.
func (c *exchange) ReadOnly() bool {
	return c.R.Method == http.MethodGet || c.R.Method == http.MethodHead
}

// SameOrigin reports whether a page of the backend's own origin sent the request.
// Browsers without Sec-Fetch-Site send the Origin of the form's page.
func (c *Request) SameOrigin() bool {
	if site, sent := SingleHeader(c.R.Header, "Sec-Fetch-Site"); sent {
		return site == "same-origin"
	}
	origin, _ := SingleHeader(c.R.Header, "Origin")
	return origin == c.Origin
}

// CheckNavigation refuses a request that is not a top-level navigation, according to
// Fetch Metadata.
func (c *exchange) CheckNavigation() error {
	mode, hasMode := SingleHeader(c.R.Header, "Sec-Fetch-Mode")
	dest, hasDest := SingleHeader(c.R.Header, "Sec-Fetch-Dest")
	if (hasMode || hasDest) && (mode != "navigate" || dest != "document") {
		return refusal.New(api.OriginNotAllowed, "Open the sign-in as a page of its own, not in a frame or by a script.")
	}
	return nil
}
