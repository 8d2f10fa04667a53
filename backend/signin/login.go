package signin

import (
	"cmp"
	"errors"
	"maps"
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
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// MaxAttempts is how many sign-ins a browser may have under way.
const MaxAttempts = 4

// query returns the request's parameters, each of which may stand once.
func query(c *authn.Request) (url.Values, error) {
	query, err := url.ParseQuery(c.R.URL.RawQuery)
	if err != nil {
		return nil, refusal.New(api.InvalidRequest, "The address is malformed.")
	}
	for name, values := range query {
		if len(values) > 1 {
			return nil, refusal.New(api.InvalidRequest, "The parameter "+strconv.Quote(name)+" stands twice.")
		}
	}
	return query, nil
}

// landing finds the app that a sign-in is for, by its id or by where it returns,
// and where that is.
func landing(c *authn.Request, appID, returnTo string) (string, error) {
	for _, seen := range []int64{0, authn.Unseen} {
		w, err := c.Current(c.Ctx, seen)
		if err != nil {
			return "", err
		}
		for _, app := range w.Apps {
			if app.Disabled || (appID != "" && appID != app.ID) {
				continue
			}
			if address, ok := publicurl.ReturnAddress(c.Issuer, app, returnTo); ok && owns(c, w, app, appID, returnTo) {
				c.Workspace, c.App = w, app
				return address, nil
			}
		}
	}
	return "", refusal.New(api.InvalidRequest, "The app is not known, or return_to is none of its addresses.")
}

// owns tells whether an app that was not named is the one meant by a path: the one
// at the backend's own origin, or the only one.
func owns(c *authn.Request, w *directory.Workspace, app directory.App, appID, returnTo string) bool {
	path := returnTo == "" || strings.HasPrefix(returnTo, "/")
	return appID != "" || !path || publicurl.Home(c.Origin, app) == c.Origin || len(w.Apps) == 1
}

// remember keeps the attempt in a cookie of its own, the newest few of them.
func (f *Flow) remember(c *authn.Request, a login.Attempt) error {
	name := authn.AttemptCookieName(a.ID)
	sealed, err := a.Seal(f.attempts, name)
	if err != nil {
		return err
	}
	older := f.attemptsUnderWay(c)
	for len(older) >= MaxAttempts {
		clearAttempt(c, authn.AttemptCookieName(older[0].ID))
		older = older[1:]
	}
	http.SetCookie(c.W, &http.Cookie{
		Name: name, Value: sealed, Path: "/", MaxAge: login.AttemptLife,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	return nil
}

// attemptsUnderWay returns the attempts that the browser carries, the oldest
// first; what is none is cleared.
func (f *Flow) attemptsUnderWay(c *authn.Request) []login.Attempt {
	var all []login.Attempt
	for _, cookie := range c.R.Cookies() {
		if !strings.HasPrefix(cookie.Name, authn.AttemptCookie) {
			continue
		}
		attempt, err := login.OpenAttempt(f.attempts, cookie.Value, cookie.Name, c.Now)
		if err != nil {
			clearAttempt(c, cookie.Name)
			continue
		}
		all = append(all, attempt)
	}
	slices.SortFunc(all, func(a, b login.Attempt) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) })
	return all
}

func clearAttempt(c *authn.Request, name string) {
	http.SetCookie(c.W, &http.Cookie{
		Name: name, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// Callback is GET /callback: the provider sends the browser back here, and it
// leaves with a session of a new id, or with more authentication in an old one. Cookies
// of older ones are not sent on this navigation (they are Strict), so it clears none.
func (f *Flow) Callback(c *authn.Request) error {
	query, err := query(c)
	if err != nil {
		return err
	}
	attempt, err := f.attempt(c, query.Get("state"), c.R.PathValue("connection"))
	if err != nil {
		return err
	}
	clearAttempt(c, authn.AttemptCookieName(attempt.ID))
	w, err := c.Current(c.Ctx, authn.Unseen) // what was applied since the last mint decides already
	if err != nil {
		return err
	}
	app, ok := w.AppByID(attempt.App)
	if !ok {
		return refusal.New(api.InvalidRequest, "The app is not known any more.")
	}
	c.Workspace, c.App = w, app
	var refused *login.Refused
	if err := f.arrive(c, attempt, query); errors.As(err, &refused) {
		giveUp(c, attempt, refused)
		return nil
	} else if err != nil && !errors.Is(err, session.ErrAttemptUsed) { // what it began goes on
		return err
	}
	c.Redirect(attempt.ReturnTo)
	return nil
}

// attempt finds the sign-in that the callback ends: one that this browser began, at
// the provider whose callback it is.
func (f *Flow) attempt(c *authn.Request, state, connection string) (login.Attempt, error) {
	unknown := refusal.New(api.InvalidRequest, "This sign-in was not started in this browser, or took too long. Start again.")
	if len(state) < authn.NameChars {
		return login.Attempt{}, unknown
	}
	name := authn.AttemptCookieName(state)
	cookies := c.R.CookiesNamed(name)
	if len(cookies) != 1 || cookies[0].Quoted {
		return login.Attempt{}, unknown
	}
	attempt, err := login.OpenAttempt(f.attempts, cookies[0].Value, name, c.Now)
	if err != nil || attempt.ID != state || attempt.Connection != connection {
		return login.Attempt{}, unknown.Because(err)
	}
	return attempt, nil
}

// giveUp goes back to the app with the reason why nobody signed in.
func giveUp(c *authn.Request, attempt login.Attempt, refused *login.Refused) {
	c.Redirect(gaveUp(c, attempt, refused))
}

// gaveUp is where the app is told why nobody signed in. The address stays as the app
// wrote it.
func gaveUp(c *authn.Request, attempt login.Attempt, refused *login.Refused) string {
	address, fragment, marked := strings.Cut(attempt.ReturnTo, "#")
	mark := "?"
	if strings.Contains(address, mark) {
		mark = "&"
	}
	address += mark + url.Values{api.ParamError: {refused.Code}}.Encode()
	if marked {
		address += "#" + fragment
	}
	c.Record.Refusal = refusal.New(api.LoginRequired, "The sign-in was refused.").Because(refused)
	return address
}

// signIn makes the session of an identity and gives the browser its first token. One
// that begins at an organisation's own provider opens that organisation alone.
func (f *Flow) signIn(c *authn.Request, attempt login.Attempt, i login.Identity, own *directory.Connection) (session.ID, error) {
	user, err := person(c, i, own)
	if err != nil {
		return session.ID{}, err
	}
	if user.Disabled {
		return session.ID{}, refusal.New(api.SessionRevoked, "Your account is disabled.").With(http.StatusForbidden)
	}
	confinedTo := ""
	if own != nil {
		confinedTo, err = own.OrganizationID, f.provision(c, own, i, user)
	} else {
		err = f.claimed(c, user, i)
	}
	if err != nil {
		return session.ID{}, err
	}
	id := session.NewID()
	first, row := session.First(id, session.NewTokenID(), c.Now)
	s := session.Session{
		ID: id, App: c.App.ID, UserID: user.ID, Secret: session.NewSecret(), Row: row,
		CreatedAt: c.Now, ExpiresAt: c.Workspace.Policy.SessionEnd(c.Now),
		SignIn:     session.Authentication{Time: i.AuthTime, ACR: i.ACR, AMR: i.AMR, Connection: attempt.Connection},
		ConfinedTo: confinedTo, Attempt: attempt.ID, JKT: attempt.JKT, UpstreamSID: i.SessionID, UpstreamToken: f.Upstream.Seal([]byte(i.Token), id.String()),
		UserAgent: authn.Clip(c.R.UserAgent()), Address: authn.Clip(c.R.RemoteAddr),
	}
	err = c.Store.Create(c.Ctx, s)
	if err != nil {
		return session.ID{}, err
	}
	c.Record.Session, c.Record.User = s.ID.String(), user.ID
	c.Audit(audit.Event{Action: audit.SignIn, UserID: user.ID, OrganizationID: confinedTo, SessionID: s.ID.String()})
	c.Keep(s, first)
	return s.ID, nil
}

// claimed brings memberships in line with what the provider says of them, where
// the workspace lets it, and writes down in each organisation what that changed.
func (f *Flow) claimed(c *authn.Request, user directory.User, i login.Identity) error {
	if c.Workspace.MembershipClaim == nil {
		return nil
	}
	roles, ok := c.Workspace.MembershipClaim.FromClaims(i.Claims)
	if !ok {
		return nil
	}
	before, err := f.store.ClaimedRoles(c.Ctx, user.ID)
	if err != nil {
		return err
	}
	if err := c.Store.ReplaceClaimed(c.Ctx, user.ID, roles, c.Now); err != nil {
		return err
	}
	after, err := f.store.ClaimedRoles(c.Ctx, user.ID)
	if err != nil {
		return err
	}
	either := maps.Clone(before)
	maps.Copy(either, after)
	for organization := range either {
		c.AuditMember(organization, "", user, before[organization], after[organization])
	}
	return nil
}
