package authn

import (
	"net/http"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// admit lets a request of one of the workspace's apps pass, and finds the app.
// Threats: requests forged by other origins, same-site siblings included (RFC
// 10017 section 6.1.3.3). The cookie's SameSite alone does not stop siblings, and
// Fetch Metadata alone not browsers that lack it.
//
//	Sec-Fetch-Site   Origin must be
//	same-origin      a registered one, or absent (then the backend's own counts)
//	same-site        a registered one
//	absent           a registered one; absent only for reading
//	anything else    refused
//
// Host and Forwarded decide nothing. A request that changes something carries the
// custom header besides.
func admit(c *Request) error {
	c.W.Header().Add("Vary", "Origin, Sec-Fetch-Site")
	origin, named := SingleHeader(c.R.Header, "Origin")
	switch site, _ := SingleHeader(c.R.Header, "Sec-Fetch-Site"); {
	case site == "same-site" && named, site == "" && named, site == "same-origin" && named:
	case site == "same-origin", site == "" && c.ReadOnly():
		origin = c.Origin
	default:
		return refusal.New(api.OriginNotAllowed, "Requests from this page are not allowed.")
	}
	if err := findApp(c, origin); err != nil {
		return err
	}
	if named && origin != c.Origin {
		c.allowOrigin(origin)
	}
	if !c.ReadOnly() && c.R.Header.Get(api.HeaderClient) == "" {
		return refusal.New(api.InvalidRequest, "The header "+api.HeaderClient+" is missing.")
	}
	return checkAge(c)
}

// findApp finds the app that owns an origin. An origin that is not known may have
// been registered since the document was read.
func findApp(c *Request, origin string) error {
	for _, seen := range []int64{0, Latest} {
		w, err := c.Current(c.Ctx, seen)
		if err != nil {
			return err
		}
		if app, ok := w.AppByOrigin(origin); ok {
			c.Workspace, c.App = w, app
			sendNonce(c)
			return nil
		}
	}
	return refusal.New(api.OriginNotAllowed, "Requests from this page are not allowed.")
}

// allowOrigin answers a registered origin of the same site (CORS with credentials).
func (c *exchange) allowOrigin(origin string) {
	h := c.W.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Expose-Headers", "Retry-After, WWW-Authenticate, "+api.HeaderNonce)
}

// preflight answers what a browser asks before a request from another origin.
func preflight(c *Request) error {
	c.W.Header().Add("Vary", "Origin")
	origin, named := SingleHeader(c.R.Header, "Origin")
	if !named {
		return refusal.New(api.OriginNotAllowed, "Requests from this page are not allowed.")
	}
	if err := findApp(c, origin); err != nil {
		return err
	}
	c.allowOrigin(origin)
	h := c.W.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
	h.Set("Access-Control-Allow-Headers", "Content-Type, "+api.HeaderClient+", "+api.HeaderTime+", "+api.HeaderProof)
	h.Set("Access-Control-Max-Age", "600")
	c.W.WriteHeader(http.StatusNoContent)
	c.Record.Status = http.StatusNoContent
	return nil
}

// checkAge refuses a request that was sent longer ago than rotation tolerates: a
// page that slept sent it, and has sent others since.
func checkAge(c *Request) error {
	text := c.R.Header.Get(api.HeaderTime)
	if text == "" {
		return nil
	}
	switch old, err := grant.TooOld(text, c.Now); {
	case err != nil:
		return refusal.New(api.InvalidRequest, "The header "+api.HeaderTime+" is not in Unix seconds.")
	case old:
		return refusal.New(api.RequestTooOld, "The request took too long to arrive. Send it again.")
	}
	return nil
}

// SingleHeader returns a header that may stand once; twice counts as a value that
// matches nothing.
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

// ReadOnly tells that the request must change nothing.
func (c *exchange) ReadOnly() bool {
	return c.R.Method == http.MethodGet || c.R.Method == http.MethodHead
}

// SameOrigin reports whether a page of the backend's own origin sent a request that reads
// nothing. Browsers that tell no Sec-Fetch-Site name the origin of a form's page.
func (c *Request) SameOrigin() bool {
	if site, told := SingleHeader(c.R.Header, "Sec-Fetch-Site"); told {
		return site == "same-origin"
	}
	origin, _ := SingleHeader(c.R.Header, "Origin")
	return origin == c.Origin
}

// CheckNavigation refuses what is not a top-level navigation, where the browser tells.
func (c *exchange) CheckNavigation() error {
	mode, hasMode := SingleHeader(c.R.Header, "Sec-Fetch-Mode")
	dest, hasDest := SingleHeader(c.R.Header, "Sec-Fetch-Dest")
	if (hasMode || hasDest) && (mode != "navigate" || dest != "document") {
		return refusal.New(api.OriginNotAllowed, "A sign-in starts with a page of its own.")
	}
	return nil
}
