package signin

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// authorize binds an attempt to the browser, which gets a value to be known by where it has
// none, and returns where the provider asks who is there.
func (f *Flow) authorize(c *authn.Request, provider *login.Provider, attempt *login.Attempt) (string, error) {
	browser, known := c.Browser()
	if !known {
		browser = login.NewBrowser(c.Now)
	}
	if err := f.bind(c.App, attempt, browser); err != nil {
		return "", err
	}
	target, err := provider.AuthorizationURL(c.Ctx, *attempt, login.Request{
		LoginHint: attempt.LoginHint, Prompt: attempt.Prompt, Age: c.Workspace.Policy.AuthenticationAge,
	})
	if err == nil {
		c.SetBrowser(browser)
	}
	return target, err
}

// bind seals an attempt for a browser. A long address to return to gives way: the page's
// own client keeps it where the page is the client's.
func (f *Flow) bind(app directory.App, attempt *login.Attempt, browser login.Browser) error {
	err := f.attempts.Bind(attempt, browser)
	if errors.Is(err, login.ErrStateTooLong) {
		attempt.ReturnTo = publicurl.Start(app, originOf(attempt.ReturnTo))
		err = f.attempts.Bind(attempt, browser)
	}
	if errors.Is(err, login.ErrStateTooLong) {
		return refusal.New(api.InvalidRequest, "acr_values and the organization's id are too long together.")
	}
	return err
}

// originOf returns the origin of an address that publicurl.ReturnAddress made.
func originOf(address string) string {
	scheme, rest, _ := strings.Cut(address, "://")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return scheme + "://" + rest
}

const (
	// concurrentStart is how far apart tabs begin that begin at once, in seconds: as long as the
	// slowest answer is on its way to the browser.
	concurrentStart = 60
	// maxBrowserSessions is the most sessions of a browser that are looked at.
	maxBrowserSessions = 12

	unknownAttempt = "This sign-in was not started in this browser, or took too long. Start again."
	noCookies      = "This browser keeps no cookies of this site, so that nobody can sign in. Allow cookies, then start again."
)

// openAttempt finds the sign-in that a callback ends, at the provider whose callback it is, and
// tells whether it was begun in this browser.
func (f *Flow) openAttempt(c *authn.Request, state, connection string) (a login.Attempt, fits bool, err error) {
	a, err = f.attempts.Open(state, c.Now)
	if errors.Is(err, login.ErrAttempt) {
		a, err = f.openCookieAttempt(c, state)
		fits = err == nil
	} else if browser, known := c.Browser(); err == nil && known {
		fits = f.attempts.BoundTo(&a, browser)
	}
	if err == nil && a.Connection != connection {
		err = login.ErrAttempt
	}
	if err != nil {
		return a, false, f.refuseAttempt(c, a, err)
	}
	return a, fits, nil
}

// openCookieAttempt finds an attempt that the release before began, in its cookie.
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

// restart begins an attempt a second time, whose callback came without the value of the
// browser that it was begun in: several tabs began before any of them had one, and each
// answer brought another, of which the browser kept the last. The code is not redeemed.
//
// Anybody can bring the callback of an attempt of their own to somebody else's browser. So
// the second attempt takes along nothing that the first one proved, goes to the workspace's
// provider alone, and is not begun for a browser that had a value before the first: its own
// attempts come back with it.
func (f *Flow) restart(c *authn.Request, attempt login.Attempt) error {
	browser, known := c.Browser()
	switch {
	case attempt.Restarted && !known:
		return refusal.New(api.InvalidRequest, noCookies).OnPage(page.NoCookies, retryURL(c, attempt))
	case attempt.Restarted, known && browser.MadeAt() < attempt.CreatedAt-concurrentStart:
		return refusal.New(api.InvalidRequest, unknownAttempt).OnPage(page.Unknown, retryURL(c, attempt))
	case attempt.Session != "" || attempt.Connection != "": // the app's page begins it
		return refusedWith(api.TemporarilyUnavailable)
	}
	attempt = attempt.Restart()
	target, err := f.authorize(c, f.provider, &attempt)
	if err == nil {
		c.Redirect(target)
	}
	return err
}

// signedInMeanwhile tells whether an attempt is over because another that the same browser had
// under way has ended: of tabs that began at once one is enough.
func (f *Flow) signedInMeanwhile(c *authn.Request, attempt login.Attempt, fits bool) (bool, error) {
	browser, known := c.Browser()
	if !known || attempt.Session != "" || fits && !attempt.Restarted {
		return false, nil
	}
	all, err := c.Store.OfBrowser(c.Ctx, browser.Fingerprint(), c.Now, maxBrowserSessions)
	return slices.ContainsFunc(all, func(s session.Session) bool {
		return s.App == c.App.ID && s.CreatedAt >= attempt.CreatedAt
	}), err
}
