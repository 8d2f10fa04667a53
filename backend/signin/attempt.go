package signin

import (
	"errors"
	"net/http"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// authorize binds an attempt to the browser and returns the authorization URL of the
// provider. It sets a new browser value if the browser has none. A known value is set
// again, for a longer life, only when no answer that set another one can be on its way.
func (f *Flow) authorize(c *authn.Request, provider *login.Provider, attempt *login.Attempt) (string, error) {
	browser, known := c.Browser()
	if !known {
		browser = f.attempts.NewBrowserAt(attempt.Connection, c.Now)
	}
	if err := f.bind(c.App, attempt, browser); err != nil {
		return "", err
	}
	target, err := provider.AuthorizationURL(c.Ctx, *attempt, login.Request{
		LoginHint: attempt.LoginHint, Prompt: attempt.Prompt, Age: c.Workspace.Policy.AuthenticationAge,
		Offline: attempt.Connection == "" && c.Workspace.SignIn.Revalidate > 0,
	})
	if err == nil && (!known || c.Now-browser.MadeAt() > login.AttemptLife) {
		c.SetBrowser(browser)
	}
	return target, err
}

// bind seals an attempt for a browser. If the return address is too long for the state,
// it is replaced by the app's start page; the client itself remembers the address of
// its page.
func (f *Flow) bind(app directory.App, attempt *login.Attempt, browser login.Browser) error {
	err := f.attempts.Bind(attempt, browser)
	if errors.Is(err, login.ErrStateTooLong) {
		attempt.ReturnTo = publicurl.Start(app, publicurl.OriginOf(attempt.ReturnTo))
		err = f.attempts.Bind(attempt, browser)
	}
	if errors.Is(err, login.ErrStateTooLong) {
		return refusal.New(api.InvalidRequest, "organization and acr_values together are too long.")
	}
	return err
}

const (
	// concurrentStart is the time in seconds within which several tabs count as
	// starting a sign-in at once: the longest time that an answer takes to reach the
	// browser.
	concurrentStart = 60
	// maxBrowserSessions is the largest number of a browser's sessions that are
	// checked.
	maxBrowserSessions = 12

	unknownAttempt = "This sign-in was not started in this browser, or took too long. Start again."
	noCookies      = "This browser does not store cookies for this site, which signing in requires. Allow cookies, then start again."
)

// openAttempt opens the attempt that a callback of the connection completes. fits
// reports whether the attempt was started in this browser. If the attempt cannot
// continue, openAttempt may answer the request itself.
func (f *Flow) openAttempt(c *authn.Request, state, connection string) (a login.Attempt, sameBrowser bool, err error) {
	a, err = f.attempts.Open(state, c.Now)
	if errors.Is(err, login.ErrAttempt) {
		a, err = f.openCookieAttempt(c, state)
		sameBrowser = !errors.Is(err, login.ErrAttempt)
	} else if browser, known := c.Browser(); known {
		sameBrowser = f.attempts.BoundTo(&a, browser)
	}
	if err == nil && a.Connection != connection {
		err = login.ErrAttempt
	}
	if err != nil {
		return a, false, f.refuseAttempt(c, a, sameBrowser, err)
	}
	return a, sameBrowser, nil
}

// openCookieAttempt opens an attempt that the previous release kept in a cookie.
func (f *Flow) openCookieAttempt(c *authn.Request, state string) (login.Attempt, error) {
	name := authn.AttemptCookieName(state)
	cookies := c.R.CookiesNamed(name)
	if len(cookies) != 1 || cookies[0].Quoted {
		return login.Attempt{}, login.ErrAttempt
	}
	a, err := f.attempts.OpenCookie(cookies[0].Value, name, state, c.Now)
	if err == nil {
		http.SetCookie(c.W, &http.Cookie{
			Name: name, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
	}
	return a, err
}
