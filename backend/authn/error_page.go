package authn

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/web"
)

// wantsPage reports whether the request is a navigation to /login, /callback or
// /handover/code, so that a person reads the answer.
func wantsPage(c *Request) bool {
	posted := web.IsForm(c.R) && (isBelow(c, api.PathLogin) || isBelow(c, api.PathCallback) || isBelow(c, api.PathHandoverCode))
	return (c.ReadOnly() || posted) && strings.Contains(c.R.Header.Get("Accept"), "text/html")
}

// pageKinds are the pages of refusals that do not name one.
var pageKinds = map[api.Code]page.Kind{
	api.InvalidRequest:         page.Invalid,
	api.NotFound:               page.Missing,
	api.OriginNotAllowed:       page.Refused,
	api.TemporarilyUnavailable: page.Unavailable,
	api.RateLimited:            page.Busy,
	api.SessionRevoked:         page.Disabled,
	api.SessionLimitReached:    page.Limited,
}

// PageKind returns the kind of the page for a refusal with that code.
func PageKind(code api.Code) page.Kind {
	if kind, known := pageKinds[code]; known {
		return kind
	}
	return page.Failed
}

// errorPage writes an error page with links to continue.
func errorPage(c *Request, r *refusal.Refusal) {
	if r.HTTPStatus() == http.StatusMethodNotAllowed {
		r.Page = page.Missing
	}
	p := page.Page{
		Kind: cmp.Or(r.Page, PageKind(r.Code)), Status: r.HTTPStatus(), Code: string(r.Code), Detail: r.Text, Links: errorLinks(c, r),
	}
	if r.RetryURL == "" && !c.ReadOnly() && p.Status >= http.StatusInternalServerError {
		p.Retry = fields(c.R.PostForm)
	}
	c.WritePage(p)
}

// fields returns the fields of a form.
func fields(form url.Values) (all []page.Field) {
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			all = append(all, page.Field{Name: name, Value: value})
		}
	}
	return all
}

// WritePage writes a page.
func (c *Request) WritePage(p page.Page) {
	c.Record.Status = p.Status
	var texts page.Texts
	if w := cachedWorkspace(c); w != nil {
		texts = w.Pages
	}
	if c.App.ID != "" {
		p.App = c.App.Name
	}
	_, p.Host, _ = strings.Cut(c.Origin, "://")
	page.Write(c.W, c.R, p, texts)
}

// errorLinks returns the links of an error page: to a new sign-in or a retry, if one
// may help, and to the app.
func errorLinks(c *Request, r *refusal.Refusal) []page.Link {
	var links []page.Link
	switch {
	case r.Page == page.Large, r.Code == api.NotFound && strings.Contains(c.R.URL.Path, api.PathCallback):
		links = append(links, page.Link{Label: page.Continue, URL: c.Issuer + api.PathLogin})
	case r.RetryURL != "":
		links = append(links, page.Link{Label: page.Again, URL: r.RetryURL})
	case c.ReadOnly() && r.HTTPStatus() >= http.StatusInternalServerError:
		links = append(links, page.Link{Label: page.Retry, URL: retryURL(c)})
	}
	return append(links, c.HomeLinks()...)
}

// retryURL returns the URL of the request. A foreign link to /login is marked: a link of
// the backend's own page would otherwise pass for one of the app's.
func retryURL(c *Request) string {
	address := c.Origin + c.R.URL.RequestURI()
	if !isBelow(c, api.PathLogin) || c.SameOrigin() || c.R.URL.Query().Has(api.ParamAsk) {
		return address
	}
	mark := "?"
	if strings.Contains(address, mark) {
		mark = "&"
	}
	return address + mark + api.ParamAsk + "=1"
}

// isBelow reports whether the request is for a path, or for a connection's address below.
func isBelow(c *Request, path string) bool {
	rest, found := strings.CutPrefix(c.R.URL.Path, c.Base+path)
	return found && (rest == "" || rest[0] == '/')
}

// HomeLinks returns a link to the request's app. If that is unknown, it returns a link
// to the app at the backend's own origin, or to every app of the workspace.
func (c *Request) HomeLinks() []page.Link {
	home := func(app directory.App) page.Link {
		return page.Link{Label: page.Back, App: app.Name, URL: publicurl.Start(app, publicurl.Home(c.Origin, app))}
	}
	var all []page.Link
	w := cachedWorkspace(c)
	if w == nil {
		return nil
	}
	if app, ok := w.AppByID(c.App.ID); ok {
		return []page.Link{home(app)}
	}
	if app, _, ok := w.AppByOrigin(c.Origin); ok {
		return []page.Link{home(app)}
	}
	for _, app := range w.Apps {
		if !app.Disabled && len(all) < maxHomeLinks {
			all = append(all, home(app))
		}
	}
	return all
}

// maxHomeLinks is the largest number of apps on a page.
const maxHomeLinks = 12

// cachedWorkspace returns the workspace, or nil if none has been loaded.
func cachedWorkspace(c *Request) *directory.Workspace {
	if c.Workspace != nil {
		return c.Workspace
	}
	w, _ := c.Current(c.Ctx, 0) // the page already reports a failure of the storage
	return w
}
