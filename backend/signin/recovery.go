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

// Every sign-in that cannot continue leads somewhere: to the requested page if the user
// is signed in already, and otherwise to a page that says what happened and has links
// to continue.

// retryURL returns the address that starts an attempt again from a page of the backend.
// A step-up, and a sign-in for an account, can only be started by the app's page.
func retryURL(c *authn.Request, attempt login.Attempt) string {
	if attempt.FromPage() {
		return attempt.ReturnTo
	}
	query := url.Values{api.ParamApp: {attempt.App}}
	for name, value := range map[string]string{api.ParamOrganization: attempt.Organization, api.ParamReturnTo: attempt.ReturnTo, api.ParamSessionCookie: attempt.SessionCookie} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return c.Issuer + api.PathLogin + "?" + query.Encode()
}

// againURL is retryURL for an attempt of another browser, or of one without cookies. The
// next attempt tells these apart. If the first one chose an organization, whoever started
// it may run that organization's provider, so that the person is asked first.
func againURL(c *authn.Request, attempt login.Attempt) string {
	address := retryURL(c, attempt)
	if attempt.FromPage() {
		return address
	}
	address += "&" + api.ParamAgain + "=1"
	if attempt.Organization != "" {
		address += "&" + api.ParamAsk + "=1"
	}
	return address
}

// refuseAttempt answers a callback whose attempt is unknown or too old.
func (f *Flow) refuseAttempt(c *authn.Request, attempt login.Attempt, sameBrowser bool, cause error) error {
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
	if errors.Is(cause, login.ErrAttemptTooOld) {
		kind = page.Expired
	}
	switch {
	case attempt.App != "" && !sameBrowser:
		to = againURL(c, attempt)
	case attempt.App != "":
		to = retryURL(c, attempt)
	}
	return refusal.New(api.InvalidRequest, unknownAttempt).WithCause(cause).OnPage(kind, to)
}

// defaultApp returns the id of the app at the backend's own origin, or of the only app.
// It is empty if there are several.
func defaultApp(c *authn.Request) string {
	if homes := c.HomeLinks(); len(homes) != 1 {
		return ""
	}
	if app, _, ok := c.Workspace.AppByOrigin(c.Origin); ok {
		return app.ID
	}
	return c.Workspace.Apps[slices.IndexFunc(c.Workspace.Apps, func(a directory.App) bool { return !a.Disabled })].ID
}

// continueURL returns where to continue if this browser has signed in since the attempt
// started. It is empty otherwise. Without an attempt, any session of the browser
// counts.
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

// showDenial shows the provider's own message about a denied sign-in. Only the backend
// shows such messages, since any page can open the app with an error of its choice. It
// returns false if the app reports the error instead.
func showDenial(c *authn.Request, attempt login.Attempt, refused *login.Refused, query url.Values) bool {
	message := query.Get("error_description")
	if api.Code(refused.Code) != api.AccessDenied || message == "" || attempt.Prompt == "none" || !strings.Contains(c.R.Header.Get("Accept"), "text/html") {
		return false
	}
	links := []page.Link{{Label: page.Again, URL: retryURL(c, attempt)}, {Label: page.Back, App: c.App.Name, URL: failureURL(c, attempt, refused)}}
	if attempt.FromPage() {
		links = links[1:]
	}
	c.WritePage(page.Page{Kind: page.Denied, Status: http.StatusForbidden, Code: refused.Code, Message: message, Links: links})
	return true
}

// withLinks adds the link to a new sign-in to a refusal.
func withLinks(c *authn.Request, attempt login.Attempt, err error) error {
	var r *refusal.Refusal
	if !errors.As(err, &r) || r.RetryURL != "" || r.HTTPStatus() >= http.StatusInternalServerError {
		return err
	}
	if r.Code == api.SessionRevoked && !attempt.FromPage() { // the account is disabled; another may be enabled
		return r.OnPage(page.Disabled, retryURL(c, attempt)+"&"+api.ParamPrompt+"=login")
	}
	return r.OnPage(r.Page, retryURL(c, attempt))
}
