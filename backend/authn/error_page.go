package authn

import (
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// wantsPage reports whether a person is looking: at a navigation of /login, /callback or
// /handover/code.
func wantsPage(c *Request) bool {
	form := c.R.Header.Get("Content-Type") == "application/x-www-form-urlencoded"
	return (c.ReadOnly() || form) && strings.Contains(c.R.Header.Get("Accept"), "text/html")
}

// pageKinds are the pages for refusals that name none.
var pageKinds = map[api.Code]page.Kind{
	api.InvalidRequest:         page.Invalid,
	api.OriginNotAllowed:       page.Refused,
	api.TemporarilyUnavailable: page.Unavailable,
	api.RateLimited:            page.Busy,
	api.SessionRevoked:         page.Disabled,
}

// errorPage answers a person with a page that leads on.
func errorPage(c *Request, r *refusal.Refusal) {
	p := page.Page{Kind: r.Page, Status: r.HTTPStatus(), Code: string(r.Code), Detail: r.Text, Links: errorLinks(c, r)}
	if p.Kind == "" {
		p.Kind = page.Failed
		if kind, known := pageKinds[r.Code]; known {
			p.Kind = kind
		}
	}
	c.WritePage(p)
}

// WritePage answers with a page.
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

// errorLinks returns the links of a page about a refusal: to the same thing once more, where it
// may go better, or to a new sign-in, and back into the app.
func errorLinks(c *Request, r *refusal.Refusal) []page.Link {
	var links []page.Link
	switch {
	case r.Again != "":
		links = append(links, page.Link{Label: page.Again, URL: r.Again})
	case c.ReadOnly() && r.HTTPStatus() >= http.StatusInternalServerError:
		links = append(links, page.Link{Label: page.Retry, URL: retryURL(c)})
	}
	return append(links, c.HomeLinks()...)
}

// retryURL is the address of the request, of one that may be made once more.
func retryURL(c *Request) string {
	if !c.ReadOnly() {
		return ""
	}
	return c.Origin + c.R.URL.RequestURI()
}

// HomeLinks lead into the request's app or, where that is not known, into the one that
// the backend is at, or into every app of the workspace.
func (c *Request) HomeLinks() []page.Link {
	home := func(app directory.App) page.Link {
		return page.Link{Label: page.Back, App: app.Name, URL: publicurl.Home(c.Origin, app) + "/"}
	}
	var all []page.Link
	w := cachedWorkspace(c)
	if w == nil {
		return nil
	}
	if app, ok := w.AppByID(c.App.ID); ok {
		return []page.Link{home(app)}
	}
	if app, ok := w.AppByOrigin(c.Origin); ok {
		return []page.Link{home(app)}
	}
	for _, app := range w.Apps {
		if !app.Disabled && len(all) < maxHomeLinks {
			all = append(all, home(app))
		}
	}
	return all
}

// maxHomeLinks is how many apps a page offers at most.
const maxHomeLinks = 12

// cachedWorkspace is the workspace's document as the request or another knows it; nil where
// none was read yet.
func cachedWorkspace(c *Request) *directory.Workspace {
	if c.Workspace != nil {
		return c.Workspace
	}
	w, _ := c.Current(c.Ctx, 0) // a fault of the storage is told by the page already
	return w
}
