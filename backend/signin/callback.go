package signin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// query returns the request's parameters.
func query(c *authn.Request) (url.Values, error) { return parameters(c.R.URL.RawQuery) }

// known are the parameters of a sign-in. unneeded are those without which one goes on: where
// to land, and whom to suggest.
var (
	known = []string{
		api.ParamApp, api.ParamOrganization, api.ParamMaxAge, api.ParamACRValues, api.ParamPrompt, api.ParamEmail, api.ParamUser, api.ParamConfirm,
		api.ParamSessionCookie, api.ParamFollowed, api.ParamAsk, api.ParamAgain, api.ParamJoin, api.ParamIssuer, api.ParamAccount,
	}
	unneeded = []string{api.ParamReturnTo, api.ParamTarget, api.ParamLoginHint}
)

// parameters reads the parameters of a sign-in. None may be malformed or repeated, but for
// unneeded ones, which are then left out. All others are ignored, as links carry parameters
// of their own.
func parameters(raw string) (url.Values, error) {
	read := url.Values{}
	var unclear []string
	for pair := range strings.SplitSeq(raw, "&") {
		escaped, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(escaped)
		if err != nil || !slices.Contains(known, name) && !slices.Contains(unneeded, name) {
			continue
		}
		value, err = url.QueryUnescape(value)
		switch {
		case (err != nil || read.Has(name)) && slices.Contains(unneeded, name):
			unclear = append(unclear, name)
		case err != nil:
			return nil, refusal.New(api.InvalidRequest, "Parameter "+name+" is malformed.")
		case read.Has(name):
			return nil, repeated(name)
		}
		read.Set(name, value)
	}
	for _, name := range unclear {
		read.Del(name)
	}
	return read, nil
}

// response returns the parameters of an authorization response. None may be repeated.
// Others are ignored, malformed ones as well.
func response(c *authn.Request) (url.Values, error) {
	all, _ := url.ParseQuery(c.R.URL.RawQuery)
	answer := pick(all)
	return answer, checkRepeated(answer)
}

func checkRepeated(query url.Values) error {
	for name, values := range query {
		if len(values) > 1 {
			return repeated(name)
		}
	}
	return nil
}

func repeated(name string) error {
	return refusal.New(api.InvalidRequest, "Parameter "+strconv.Quote(name)+" is repeated.")
}

// returnURL returns the address that a sign-in returns to. It selects the app by its id
// or by that address, and sets it in the request.
func returnURL(c *authn.Request, appID, returnTo string) (string, error) {
	for _, seen := range []int64{0, authn.Latest} {
		w, err := c.Current(c.Ctx, seen)
		if err != nil {
			return "", err
		}
		for _, app := range w.Apps {
			if app.Disabled || (appID != "" && appID != app.ID && !(seen == authn.Latest && renamed(w, app, appID, returnTo))) {
				continue
			}
			if address, ok := publicurl.ReturnAddress(c.Issuer, app, returnTo); ok && matchesPath(c, w, app, appID, returnTo) {
				c.Workspace, c.App = w, app
				if err := c.MoveTo(publicurl.OriginOf(address)); errors.Is(err, directory.ErrNoOrganization) {
					return "", unknownReturn(c, returnTo)
				} else {
					return address, err
				}
			}
		}
	}
	return "", unknownReturn(c, returnTo)
}

// renamed reports whether an app may have had an id that no app has now: the address that
// comes with the id is the app's. Pages that were opened before keep the former id.
func renamed(w *directory.Workspace, app directory.App, formerID, returnTo string) bool {
	known := slices.ContainsFunc(w.Apps, func(a directory.App) bool { return a.ID == formerID })
	_, has := app.HasOrigin(publicurl.OriginOf(returnTo))
	return !known && has
}

// unknownReturn refuses a sign-in for an unknown app, or to an address of none. The log
// names the origin, which is often the one that the workspace file lacks. So does the
// page, unless a foreign link leads to it: it shows nothing of a stranger's.
func unknownReturn(c *authn.Request, returnTo string) error {
	const text = "The app is unknown, or return_to is not one of its addresses."
	u, err := url.Parse(returnTo)
	if err != nil || u.Host == "" || len(u.Host) > 100 {
		return refusal.New(api.InvalidRequest, text)
	}
	named := fmt.Sprintf("%s The origin of return_to is %q: add it to the origins of the app in the workspace file.", text, u.Scheme+"://"+u.Host)
	if c.SameOrigin() {
		return refusal.New(api.InvalidRequest, named).WithCause(errors.New(named))
	}
	return refusal.New(api.InvalidRequest, text).WithCause(errors.New(named))
}

// matchesPath reports whether a path, without an app id, refers to the app: the one at
// the backend's own origin, or the only one.
func matchesPath(c *authn.Request, w *directory.Workspace, app directory.App, appID, returnTo string) bool {
	_, absolute := app.HasOrigin(publicurl.OriginOf(returnTo))
	return appID != "" || absolute || publicurl.Home(c.Origin, app) == c.Origin || len(w.Apps) == 1
}

// Callback is GET /callback. The provider redirects the browser here after the sign-in.
// Callback creates a session, or completes a step-up. This navigation carries no Strict
// cookies, so that earlier sessions' cookies are not cleared here.
func (f *Flow) Callback(c *authn.Request) error {
	if err := c.CheckNavigation(); err != nil {
		return err
	}
	query, err := response(c)
	if err != nil {
		return err
	}
	attempt, sameBrowser, err := f.openAttempt(c, query.Get("state"), c.R.PathValue("connection"))
	if err != nil || c.Record.Status != 0 { // already answered
		return err
	}
	w, err := c.Current(c.Ctx, authn.Latest) // a newly applied workspace takes effect at once
	if err != nil {
		return err
	}
	app, ok := w.AppByID(attempt.App)
	if !ok { // it may have another id since
		app, _, ok = w.AppByOrigin(publicurl.OriginOf(attempt.ReturnTo))
		attempt.App = app.ID
	}
	if !ok {
		return refusal.New(api.InvalidRequest, "The app no longer exists.")
	}
	c.Workspace, c.App = w, app
	if err := c.MoveTo(publicurl.OriginOf(attempt.ReturnTo)); errors.Is(err, directory.ErrNoOrganization) {
		return refusal.New(api.InvalidRequest, "There is no organization at this address any more.").WithCause(err)
	} else if err != nil {
		return err
	}
	r, err := f.returnedBy(c, attempt, sameBrowser)
	if err != nil {
		return err
	}
	var refused *login.Refused
	switch err = f.takeStep(c, r.next(), attempt, query); {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		if !showDenial(c, attempt, refused, query) {
			fail(c, attempt, refused)
		}
		return nil
	case errors.Is(err, session.ErrAttemptUsed): // the person is signed in
		c.Redirect(attempt.ReturnTo)
		return nil
	}
	return withLinks(c, attempt, err)
}

// takeStep takes the step by which a callback continues.
func (f *Flow) takeStep(c *authn.Request, next step, attempt login.Attempt, answer url.Values) error {
	switch next {
	case finishes:
		err := f.finish(c, attempt, answer)
		if errors.Is(err, login.ErrCodeRefused) {
			return f.renew(c, attempt, err)
		}
		if asksWhom(c, attempt, err) {
			attempt.Prompt = selectAccount
			return f.renew(c, attempt, err)
		}
		if err != nil {
			return err
		}
		c.Redirect(arrivalURL(c, attempt))
	case lands:
		c.Redirect(attempt.ReturnTo)
	case settles:
		settle(c, answer)
	case restarts:
		return f.restart(c, attempt)
	default:
		return next.failure(c, attempt)
	}
	return nil
}

// fail redirects to the app with the reason why the sign-in failed.
func fail(c *authn.Request, attempt login.Attempt, refused *login.Refused) {
	c.Redirect(failureURL(c, attempt, refused))
}

// failureURL returns the app's address with the reason why the sign-in failed. The rest
// of the address is unchanged.
func failureURL(c *authn.Request, attempt login.Attempt, refused *login.Refused) string {
	c.Record.Refusal = refusal.New(api.LoginRequired, "The sign-in was refused.").WithCause(refused)
	c.Record.Refusal.Fault = string(refused.Fault)
	return publicurl.WithParameter(attempt.ReturnTo, api.ParamError, refused.Code)
}

// signIn creates the session of an identity and sets its first refresh token. A session
// from an organization's own provider only opens that organization.
func (f *Flow) signIn(c *authn.Request, attempt login.Attempt, i login.Identity, own *directory.Connection) (session.ID, error) {
	ended := authn.Begin(c, func() (session.Session, error) { return c.Store.OfAttempt(c.Ctx, attempt.ID) })
	user, err := findUser(c, i, own)
	if err != nil {
		return session.ID{}, err
	}
	if user.Disabled {
		return session.ID{}, refusal.New(api.SessionRevoked, "Your account is disabled.").WithStatus(http.StatusForbidden)
	}
	confinedTo := ""
	if own != nil {
		confinedTo = own.OrganizationID
	}
	if err := f.memberships(c).Apply(c.Ctx, own, i, user); err != nil {
		return session.ID{}, err
	}
	s := session.Session{
		App: c.App.ID, UserID: user.ID, Secret: session.NewSecret(), CreatedAt: c.Now, ExpiresAt: sessionEnd(c, i),
		SignIn:     policy.Authentication{Time: i.AuthTime, ACR: i.ACR, AMR: i.AMR, Connection: attempt.Connection},
		ConfinedTo: confinedTo, Origin: c.TenantOrigin, Attempt: attempt.ID, JKT: attempt.JKT, UpstreamSID: i.SessionID,
		UserAgent: authn.Clip(c.R.UserAgent()), Address: authn.Clip(c.R.RemoteAddr),
	}
	s.Added = attempt.Account != "" && c.App.Accounts == directory.SeveralAccounts
	s.EndsWithBrowser = c.Workspace.SignIn.EndsWithBrowser(attempt.SessionCookie)
	if browser, ok := c.Browser(); ok {
		s.Browser = browser.Fingerprint()
	}
	if err := checkLanded(c, attempt, user.ID, ended); err != nil {
		return session.ID{}, err
	}
	for look := looksFirst(c, own); ; look = true {
		id, err := f.begin(c, attempt, i, own, s, look)
		if !errors.Is(err, session.ErrIDTaken) {
			return id, err
		}
	}
}

// begin stores a new session, unless the callback lands on one. It returns
// session.ErrIDTaken if another callback was faster.
func (f *Flow) begin(c *authn.Request, attempt login.Attempt, i login.Identity, own *directory.Connection, s session.Session, look bool) (session.ID, error) {
	on, lands, err := f.place(c, attempt, &s, s.SignIn, look)
	if err != nil {
		return session.ID{}, err
	}
	if lands {
		return on.ID, f.signInOn(c, attempt, i, own, on)
	}
	var first session.Token
	first, s.Row = session.First(s.ID, session.NewTokenID(), c.Now)
	s.UpstreamToken = f.Upstream.Seal([]byte(i.Token), s.ID.String())
	if err := f.join(c, &s, own); err != nil {
		return session.ID{}, err
	}
	before, err := signIns(c, s)
	if err != nil {
		return session.ID{}, err
	}
	signedIn := c.Companion(audit.Event{Action: audit.SignIn, UserID: s.UserID, OrganizationID: s.ConfinedTo, SessionID: s.ID.String()})
	if s.RevalidateAt, err = f.keepProviderToken(c, s, attempt.Connection, own, i); err == nil {
		err = f.create(c, s, signedIn)
	}
	if errors.Is(err, session.ErrAttemptUsed) {
		err = checkUsed(c, attempt, s.UserID)
	}
	if err == nil && s.Holder != session.Joined { // this browser counts already
		err = limitSessions(c, s, before)
	}
	if err == nil {
		err = limitAccounts(c, attempt, s)
	}
	if err != nil {
		return session.ID{}, err
	}
	c.Record.Session, c.Record.User = s.ID.String(), s.UserID
	c.RecordCompanion(signedIn)
	return s.ID, c.SetFirstToken(s, first)
}

// create stores a new session. Its sign-in is recorded with it, unless a limit may yet
// refuse it.
func (f *Flow) create(c *authn.Request, s session.Session, signedIn *audit.Companion) error {
	c.BeginBrowserSessions(s.Browser)
	if c.Workspace.SignIn.MaxSessions > 0 || s.Added {
		return c.Store.Create(c.Ctx, s)
	}
	return f.store.CreateAccompanied(c.Ctx, s, signedIn)
}

// signInOn lets a sign-in land on a session. Its authentication counts there as that of a
// step-up does; finish adds one that is for an organization.
func (f *Flow) signInOn(c *authn.Request, attempt login.Attempt, i login.Identity, own *directory.Connection, on session.Session) error {
	if err := f.landOn(c, attempt, i, own, on); err != nil {
		return err
	}
	c.Audit(audit.Event{Action: audit.SignIn, UserID: on.UserID, OrganizationID: on.ConfinedTo, SessionID: on.ID.String()})
	if attempt.Organization != "" {
		return nil
	}
	return recordAuthentication(c, attempt, i, directory.Subject{Session: on})
}
