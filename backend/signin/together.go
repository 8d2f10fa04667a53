package signin

import (
	"net/url"
	"slices"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// Several tabs can begin a sign-in before the browser has a value. Each answer brings
// another value, in any order, and the browser keeps the one that arrived last. An
// attempt that is bound to another value restarts with the one that the browser keeps.
//
// Every tab comes back, because a restart sets no value if the browser has one. Only the
// answers of those first requests change the value, each of them once, so that a tab
// restarts at most as often as tabs began together.
//
// A session may have begun under a value that the browser no longer keeps. Therefore a
// tab that could restart asks for the callback once more from the backend's own page,
// which brings the cookies of sessions, and goes on if there is one.

// returned is what decides about a callback.
type returned struct {
	stepUp   bool // the attempt raises a session, or is for an account beside others
	restarts int  // how often the attempt restarted
	known    bool // the browser has a value
	fits     bool // the attempt is bound to it
	old      bool // it was made before the attempt, not together with it
	trusted  bool // the browser began at the attempt's provider, or it is the workspace's
	counted  bool // the workspace limits a person's browsers
	settled  bool // a page of the backend sent the request, with the cookies of sessions
	signedIn bool // the browser signed in after the attempt began
}

// step is how a callback continues.
type step int

const (
	finishes       step = iota // the code is redeemed
	lands                      // the browser goes on, signed in
	settles                    // a page of the backend sends the request again
	restarts                   // the attempt starts again, and the code is not redeemed
	failsStepUp                // the app's page must start a step-up
	failsUnknown               // the attempt belongs to another browser
	failsNoCookies             // the browser stores no cookies
)

// maxRestarts bounds the restarts of an attempt in a browser that loses cookies: more
// tabs than begin at once.
const maxRestarts = 100

// next decides how a callback continues.
//
// An attacker can bring the callback of their own attempt to another browser. Therefore
// a restarted attempt keeps nothing that the first one proved. It is refused in a browser
// that had a value before the first attempt, since that browser's own attempts come back
// with the value. It uses an organization's own provider, which the attacker may run,
// only in a browser that got its value by beginning there.
func (r returned) next() step {
	switch {
	case r.decided():
		return finishes
	case r.signedIn && !r.stepUp:
		return lands
	case !r.known && r.restarts > 0:
		return failsNoCookies
	case r.known && !r.fits && r.old:
		return failsUnknown
	case r.stepUp:
		return failsStepUp
	case r.known && !r.settled:
		return settles
	case r.fits:
		return finishes
	case r.restarts >= maxRestarts || !r.trusted:
		return failsUnknown
	}
	return restarts
}

// decided reports whether the attempt needs no look at the browser's sessions: it came back
// with its value. If browsers are counted, values of tabs that began together must not pass for
// several browsers.
func (r returned) decided() bool {
	return r.fits && (r.stepUp || r.restarts == 0 && (r.old || !r.counted))
}

// returnedBy describes a callback's attempt and its browser.
func (f *Flow) returnedBy(c *authn.Request, attempt login.Attempt, fits bool) (returned, error) {
	browser, known := c.Browser()
	r := returned{
		stepUp: attempt.FromPage(), restarts: attempt.Restarts, known: known, fits: fits,
		old:     known && browser.MadeAt() < attempt.CreatedAt-concurrentStart,
		trusted: attempt.Connection == "" || known && f.attempts.BeganAt(browser, attempt.Connection),
		counted: c.Workspace.SignIn.MaxSessions > 0,
		settled: c.Posted || c.R.URL.Query().Has(paramSettled),
	}
	if r.stepUp || r.decided() {
		return r, nil
	}
	var err error
	r.signedIn, err = signedInSince(c, attempt, r.settled)
	return r, err
}

// signedInSince reports whether the browser has signed in to the app since an attempt
// started: by the sessions that began with its value, and by its cookies. Of several tabs
// that start at once, one sign-in is enough.
func signedInSince(c *authn.Request, attempt login.Attempt, cookies bool) (bool, error) {
	since := func(s session.Session) bool {
		return s.App == c.App.ID && s.Origin == c.TenantOrigin && s.CreatedAt >= attempt.CreatedAt
	}
	if browser, known := c.Browser(); known {
		all, err := c.Store.OfBrowser(c.Ctx, browser.Fingerprint(), c.Now, maxBrowserSessions)
		if err != nil || slices.ContainsFunc(all, since) {
			return err == nil, err
		}
	}
	if !cookies {
		return false, nil
	}
	all, err := c.HeldSessions()
	return slices.ContainsFunc(all, since), err
}

// paramSettled marks the callback that a page of the backend sends again. It only says
// that asking once more is of no use.
const paramSettled = "settled"

// settle answers with a page that asks for the callback again. Navigations from the
// provider's site bring no Strict cookies; one from this page does.
func settle(c *authn.Request, answer url.Values) {
	answer.Set(paramSettled, "1")
	c.WritePage(page.Page{Kind: page.Returning, Status: 200, Refresh: c.Origin + c.R.URL.Path + "?" + answer.Encode()})
}

// restart starts an attempt again with the value that the browser has.
func (f *Flow) restart(c *authn.Request, attempt login.Attempt) error {
	attempt = attempt.Restart()
	provider, _, err := f.ProviderFor(c, attempt)
	if err != nil {
		return err
	}
	target, err := f.authorize(c, provider, &attempt)
	if err == nil {
		c.Redirect(target)
	}
	return err
}

// failure returns the error of a callback that does not continue.
func (s step) failure(c *authn.Request, attempt login.Attempt) error {
	switch s {
	case failsStepUp:
		return refusedWith(api.TemporarilyUnavailable)
	case failsNoCookies:
		return refusal.New(api.InvalidRequest, noCookies).OnPage(page.NoCookies, againURL(c, attempt))
	}
	return refusal.New(api.InvalidRequest, unknownAttempt).OnPage(page.Unknown, againURL(c, attempt))
}
