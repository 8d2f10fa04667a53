package httpapi

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
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/publicurl"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// maxAttempts is how many sign-ins a browser may have under way.
const maxAttempts = 4

// query returns the request's parameters, each of which may stand once.
func (c *call) query() (url.Values, error) {
	query, err := url.ParseQuery(c.r.URL.RawQuery)
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
func (c *call) landing(appID, returnTo string) (string, error) {
	for _, seen := range []int64{0, unseen} {
		w, err := c.current(c.ctx, seen)
		if err != nil {
			return "", err
		}
		for _, app := range w.Apps {
			if app.Disabled || (appID != "" && appID != app.ID) {
				continue
			}
			if address, ok := publicurl.ReturnAddress(c.issuer, app, returnTo); ok && c.owns(w, app, appID, returnTo) {
				c.workspace, c.app = w, app
				return address, nil
			}
		}
	}
	return "", refusal.New(api.InvalidRequest, "The app is not known, or return_to is none of its addresses.")
}

// owns tells whether an app that was not named is the one meant by a path: the one
// at the backend's own origin, or the only one.
func (c *call) owns(w *directory.Workspace, app directory.App, appID, returnTo string) bool {
	path := returnTo == "" || strings.HasPrefix(returnTo, "/")
	return appID != "" || !path || publicurl.Home(c.origin, app) == c.origin || len(w.Apps) == 1
}

// remember keeps the attempt in a cookie of its own, the newest few of them.
func (c *call) remember(a login.Attempt) error {
	name := attemptCookieName(a.ID)
	sealed, err := a.Seal(c.attempts, name)
	if err != nil {
		return err
	}
	older := c.attemptsUnderWay()
	for len(older) >= maxAttempts {
		c.clearAttempt(attemptCookieName(older[0].ID))
		older = older[1:]
	}
	http.SetCookie(c.w, &http.Cookie{
		Name: name, Value: sealed, Path: "/", MaxAge: login.AttemptLife,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	return nil
}

// attemptsUnderWay returns the attempts that the browser carries, the oldest
// first; what is none is cleared.
func (c *call) attemptsUnderWay() []login.Attempt {
	var all []login.Attempt
	for _, cookie := range c.r.Cookies() {
		if !strings.HasPrefix(cookie.Name, attemptCookie) {
			continue
		}
		attempt, err := login.OpenAttempt(c.attempts, cookie.Value, cookie.Name, c.now)
		if err != nil {
			c.clearAttempt(cookie.Name)
			continue
		}
		all = append(all, attempt)
	}
	slices.SortFunc(all, func(a, b login.Attempt) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) })
	return all
}

func (c *call) clearAttempt(name string) {
	http.SetCookie(c.w, &http.Cookie{
		Name: name, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// callback is GET /callback: the provider sends the browser back here, and it
// leaves with a session of a new id, or with more authentication in an old one. Cookies
// of older ones are not sent on this navigation (they are Strict), so it clears none.
func (c *call) callback() error {
	query, err := c.query()
	if err != nil {
		return err
	}
	attempt, err := c.attempt(query.Get("state"), c.r.PathValue("connection"))
	if err != nil {
		return err
	}
	c.clearAttempt(attemptCookieName(attempt.ID))
	w, err := c.current(c.ctx, unseen) // what was applied since the last mint decides already
	if err != nil {
		return err
	}
	app, ok := w.AppByID(attempt.App)
	if !ok {
		return refusal.New(api.InvalidRequest, "The app is not known any more.")
	}
	c.workspace, c.app = w, app
	var refused *login.Refused
	if err := c.arrive(attempt, query); errors.As(err, &refused) {
		c.giveUp(attempt, refused)
		return nil
	} else if err != nil {
		return err
	}
	c.redirect(attempt.ReturnTo)
	return nil
}

// attempt finds the sign-in that the callback ends: one that this browser began, at
// the provider whose callback it is.
func (c *call) attempt(state, connection string) (login.Attempt, error) {
	unknown := refusal.New(api.InvalidRequest, "This sign-in was not started in this browser, or took too long. Start again.")
	if len(state) < nameChars {
		return login.Attempt{}, unknown
	}
	name := attemptCookieName(state)
	cookies := c.r.CookiesNamed(name)
	if len(cookies) != 1 || cookies[0].Quoted {
		return login.Attempt{}, unknown
	}
	attempt, err := login.OpenAttempt(c.attempts, cookies[0].Value, name, c.now)
	if err != nil || attempt.ID != state || attempt.Connection != connection {
		return login.Attempt{}, unknown.Because(err)
	}
	return attempt, nil
}

// giveUp goes back to the app with the reason why nobody signed in.
func (c *call) giveUp(attempt login.Attempt, refused *login.Refused) {
	c.redirect(c.gaveUp(attempt, refused))
}

// gaveUp is where the app is told why nobody signed in. The address stays as the app
// wrote it.
func (c *call) gaveUp(attempt login.Attempt, refused *login.Refused) string {
	address, fragment, marked := strings.Cut(attempt.ReturnTo, "#")
	mark := "?"
	if strings.Contains(address, mark) {
		mark = "&"
	}
	address += mark + url.Values{api.ParamError: {refused.Code}}.Encode()
	if marked {
		address += "#" + fragment
	}
	c.record.refusal = refusal.New(api.LoginRequired, "The sign-in was refused.").Because(refused)
	return address
}

const usedBefore = "This sign-in was used before. Start again."

// signIn makes the session of an identity and gives the browser its first token. One
// that begins at an organisation's own provider opens that organisation alone.
func (c *call) signIn(attempt login.Attempt, i login.Identity, own *directory.Connection) (session.ID, error) {
	user, err := c.person(i, own)
	if err != nil {
		return session.ID{}, err
	}
	if user.Disabled {
		return session.ID{}, refusal.New(api.SessionRevoked, "Your account is disabled.").With(http.StatusForbidden)
	}
	confinedTo := ""
	if own != nil {
		confinedTo, err = own.OrganizationID, c.provision(own, i, user)
	} else {
		err = c.claimed(user, i)
	}
	if err != nil {
		return session.ID{}, err
	}
	id := session.NewID()
	first, row := session.First(id, session.NewTokenID(), c.now)
	s := session.Session{
		ID: id, App: c.app.ID, UserID: user.ID, Secret: session.NewSecret(), Row: row,
		CreatedAt: c.now, ExpiresAt: c.workspace.Policy.SessionEnd(c.now),
		SignIn:     session.Authentication{Time: i.AuthTime, ACR: i.ACR, AMR: i.AMR, Connection: attempt.Connection},
		ConfinedTo: confinedTo, Attempt: attempt.ID, JKT: attempt.JKT, UpstreamSID: i.SessionID, UpstreamToken: c.upstream.Seal([]byte(i.Token), id.String()),
		UserAgent: clip(c.r.UserAgent()), Address: clip(c.r.RemoteAddr),
	}
	err = c.store.Create(c.ctx, s)
	if errors.Is(err, session.ErrAttemptUsed) {
		return session.ID{}, refusal.New(api.InvalidRequest, usedBefore)
	}
	if err != nil {
		return session.ID{}, err
	}
	c.record.session, c.record.user = s.ID.String(), user.ID
	c.audit(audit.Event{Action: audit.SignIn, UserID: user.ID, OrganizationID: confinedTo, SessionID: s.ID.String()})
	c.keep(s, first)
	return s.ID, nil
}

// claimed brings memberships in line with what the provider says of them, where
// the workspace lets it, and writes down in each organisation what that changed.
func (c *call) claimed(user directory.User, i login.Identity) error {
	if c.workspace.MembershipClaim == nil {
		return nil
	}
	roles, ok := c.workspace.MembershipClaim.FromClaims(i.Claims)
	if !ok {
		return nil
	}
	before, err := c.store.ClaimedRoles(c.ctx, user.ID)
	if err != nil {
		return err
	}
	if err := c.store.ReplaceClaimed(c.ctx, user.ID, roles, c.now); err != nil {
		return err
	}
	after, err := c.store.ClaimedRoles(c.ctx, user.ID)
	if err != nil {
		return err
	}
	either := maps.Clone(before)
	maps.Copy(either, after)
	for organization := range either {
		c.auditMember(organization, "", user, before[organization], after[organization])
	}
	return nil
}
