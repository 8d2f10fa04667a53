package signin

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// Nobody is stranded on the way in: who is signed in already goes on to where they wanted
// to go, and everybody else meets a page that says what happened and leads on.

// retryURL is where an attempt can be begun anew, by a link on a page of the backend's own. A
// step-up begins in the app's page alone.
func retryURL(c *authn.Request, attempt login.Attempt) string {
	if attempt.Session != "" {
		return attempt.ReturnTo
	}
	query := url.Values{api.ParamApp: {attempt.App}}
	for name, value := range map[string]string{api.ParamOrganization: attempt.Organization, api.ParamReturnTo: attempt.ReturnTo} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return c.Issuer + api.PathLogin + "?" + query.Encode()
}

// refuseAttempt answers a callback that ends no attempt of this browser's, or one that took too
// long.
func (f *Flow) refuseAttempt(c *authn.Request, attempt login.Attempt, why error) error {
	if target, err := f.continueURL(c, attempt); err != nil || target != "" {
		if err == nil {
			c.Redirect(target)
		}
		return err
	}
	if attempt.App == "" {
		attempt.App = defaultApp(c)
	}
	kind, to := page.Unknown, ""
	if errors.Is(why, login.ErrAttemptTooOld) {
		kind = page.Expired
	}
	if attempt.App != "" {
		to = retryURL(c, attempt)
	}
	return refusal.New(api.InvalidRequest, unknownAttempt).WithCause(why).OnPage(kind, to)
}

// defaultApp is the id of the app that the backend is at, or of the only one; "" where
// there are several.
func defaultApp(c *authn.Request) string {
	if homes := c.HomeLinks(); len(homes) != 1 {
		return ""
	}
	if app, ok := c.Workspace.AppByOrigin(c.Origin); ok {
		return app.ID
	}
	return c.Workspace.Apps[slices.IndexFunc(c.Workspace.Apps, func(a directory.App) bool { return !a.Disabled })].ID
}

// continueURL returns where somebody goes on who signed in in this browser since the
// attempt began, or at any time where there is none; "" where nobody did.
func (f *Flow) continueURL(c *authn.Request, attempt login.Attempt) (string, error) {
	w, err := c.Current(c.Ctx, authn.Latest)
	if err != nil {
		return "", err
	}
	c.Workspace = w
	browser, known := c.Browser()
	if !known {
		return "", nil
	}
	all, err := c.Store.OfBrowser(c.Ctx, browser.Fingerprint(), c.Now, maxBrowserSessions)
	for _, s := range all {
		app, enabled := w.AppByID(s.App)
		if !enabled || attempt.App != "" && attempt.App != s.App || s.CreatedAt < attempt.CreatedAt || c.CheckIdle(s) != nil {
			continue
		}
		if attempt.ReturnTo != "" {
			return attempt.ReturnTo, nil
		}
		return publicurl.Start(app, publicurl.Home(c.Origin, app)), nil
	}
	return "", err
}

// showDenial answers a person whom the provider has sent back with its own words: they are
// shown here, and not by the app, whose address anybody can write. It reports false where
// the app is told instead.
func showDenial(c *authn.Request, attempt login.Attempt, refused *login.Refused, query url.Values) bool {
	said := query.Get("error_description")
	if api.Code(refused.Code) != api.AccessDenied || said == "" || attempt.Prompt == "none" || !strings.Contains(c.R.Header.Get("Accept"), "text/html") {
		return false
	}
	links := []page.Link{{Label: page.Again, URL: retryURL(c, attempt)}, {Label: page.Back, App: c.App.Name, URL: failureURL(c, attempt, refused)}}
	if attempt.Session != "" {
		links = links[1:]
	}
	c.WritePage(page.Page{Kind: page.Denied, Status: http.StatusForbidden, Code: refused.Code, Message: said, Links: links})
	return true
}

// withLinks adds to a refusal at the end of an attempt where its page leads on.
func withLinks(c *authn.Request, attempt login.Attempt, err error) error {
	var r *refusal.Refusal
	if !errors.As(err, &r) || r.RetryURL != "" || r.HTTPStatus() >= http.StatusInternalServerError {
		return err
	}
	if r.Code == api.SessionRevoked { // the account is disabled: perhaps another is not
		return r.OnPage(page.Disabled, retryURL(c, attempt)+"&"+api.ParamPrompt+"=login")
	}
	return r.OnPage(r.Page, retryURL(c, attempt))
}
