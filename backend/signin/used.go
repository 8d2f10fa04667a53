package signin

import (
	"errors"
	"slices"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// checkUsed returns the error of a second use of an attempt by a user: ErrAttemptUsed if
// they are signed in in this browser, as after the Back button. Otherwise they have signed
// out since, or another person signed in with the attempt. Both are told, since the app
// would show a person whom they did not choose, or nobody.
func checkUsed(c *authn.Request, attempt login.Attempt, userID string) error {
	browser, known := c.Browser()
	if !known {
		return usedAttempt(c, attempt)
	}
	all, err := c.Store.OfBrowser(c.Ctx, browser.Fingerprint(), c.Now, maxBrowserSessions)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(s session.Session) bool {
		return s.App == c.App.ID && s.UserID == userID && c.CheckIdle(s) == nil
	}) {
		return session.ErrAttemptUsed
	}
	return usedAttempt(c, attempt)
}

// checkLanded does so for an attempt that landed on a session which another one made. The
// store would let it make one of its own. ended reads the session of the attempt.
func checkLanded(c *authn.Request, attempt login.Attempt, userID string, ended func() (session.Session, error)) error {
	switch _, err := ended(); {
	case err == nil:
		return checkUsed(c, attempt, userID)
	case errors.Is(err, session.ErrNotFound):
		return nil
	default:
		return err
	}
}

// endedStepUp returns the error of a step-up whose session has ended: ErrAttemptUsed if the
// user has signed in anew in this browser, as another tab may have done.
func endedStepUp(c *authn.Request, attempt login.Attempt, userID string, code api.Code) error {
	if err := checkUsed(c, attempt, userID); !refusal.Is(err) {
		return err
	}
	return refusedWith(code)
}

func usedAttempt(c *authn.Request, attempt login.Attempt) error {
	return refusal.New(api.InvalidRequest, "This sign-in has finished before. Start again.").OnPage(page.Used, retryURL(c, attempt))
}

// renew answers a callback whose code the provider refused. If the attempt has ended
// before, its callback was loaded again. Otherwise an earlier request has redeemed the
// code and the provider's answer was lost, so that the attempt starts again, once: a
// provider that remembers the person would otherwise send the browser around without end.
func (f *Flow) renew(c *authn.Request, attempt login.Attempt, refused error) error {
	s, err := c.Store.OfAttempt(c.Ctx, attempt.ID)
	if err == nil && attempt.Session == "" {
		err = checkUsed(c, attempt, s.UserID)
	}
	switch {
	case err == nil:
		return session.ErrAttemptUsed
	case !errors.Is(err, session.ErrNotFound):
		return err
	case attempt.Renewed:
		return refused
	}
	c.Record.Refusal = refusal.New(api.LoginRequired, "The sign-in was refused.").WithCause(refused)
	provider, _, err := f.ProviderFor(c, attempt)
	if err != nil {
		return err
	}
	attempt.Renewed = true
	target, err := f.authorize(c, provider, &attempt)
	if err == nil {
		c.Redirect(target)
	}
	return err
}
