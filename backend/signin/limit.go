package signin

import (
	"slices"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// maxSignIns is the largest number of a person's sign-ins that are read for the limit:
// several apps in each browser.
const maxSignIns = 10 * directory.MostSessions

// limitSessions keeps the workspace's limit of browsers after a sign-in: it ends the new
// session and refuses, or ends the sessions of the browsers that signed in longest ago.
// It runs after the session was stored, so that of sign-ins at once each sees the others.
// before are the person's sign-ins of before that, whose order times in seconds do not tell.
// Sessions that are confined to an organization count apart: whoever runs its provider
// must not end others.
func limitSessions(c *authn.Request, s session.Session, before []session.Session) error {
	settings := c.Workspace.SignIn
	all, err := signIns(c, s)
	if err != nil || len(all) == 0 {
		return err
	}
	refused := false
	for _, other := range beyondLimit(c, all, before) {
		refused = refused || other.ID == s.ID && settings.AtLimit == directory.RefuseSignIn
		if err := endBeyond(c, other, other.ID == s.ID && refused); err != nil {
			return err
		}
	}
	if refused {
		return refusal.New(api.SessionLimitReached, "You have reached the limit of browsers that you may be signed in with. Sign out in one of them, then sign in here again.")
	}
	return nil
}

// signIns returns the sign-ins of a session's person that the limit counts, newest first. There
// are none without a limit.
func signIns(c *authn.Request, s session.Session) ([]session.Session, error) {
	if c.Workspace.SignIn.MaxSessions == 0 {
		return nil, nil
	}
	return c.Store.SignIns(c.Ctx, s.UserID, s.ConfinedTo, c.Now, maxSignIns)
}

// beyondLimit returns the sessions in browsers beyond the limit, given all of the person's,
// newest first. If the limit refuses sign-ins, these are sessions that began just now:
// the new one, or of several at once another one. All of these keep to one order.
func beyondLimit(c *authn.Request, all, before []session.Session) (beyond []session.Session) {
	settings := c.Workspace.SignIn
	wasBefore := func(s session.Session) bool {
		return slices.ContainsFunc(before, func(b session.Session) bool { return b.ID == s.ID })
	}
	later := slices.DeleteFunc(slices.Clone(all), wasBefore)
	all = append(later, slices.DeleteFunc(all, func(s session.Session) bool { return !wasBefore(s) })...)
	refuses := settings.AtLimit == directory.RefuseSignIn
	if refuses {
		slices.Reverse(all)
	}
	var counted []session.Session
	browsers := int64(0)
	for _, s := range all {
		switch {
		case !opens(c, s):
		case slices.ContainsFunc(counted, func(other session.Session) bool { return sameBrowser(s, other) }):
			counted = append(counted, s)
		case browsers < settings.MaxSessions:
			browsers, counted = browsers+1, append(counted, s)
		case !refuses || !wasBefore(s) && s.CreatedAt >= c.Now-concurrentStart:
			beyond = append(beyond, s)
		}
	}
	return beyond
}

// opens reports whether a session that has not ended can be used. Its app may be disabled,
// or no longer in the workspace; then its person cannot sign out there either.
func opens(c *authn.Request, s session.Session) bool {
	_, enabled := c.Workspace.AppByID(s.App)
	return enabled && c.CheckIdle(s) == nil
}

// sameBrowser reports whether two sessions are of one browser: it has one value, or several
// of tabs that began together, and one device key for each app. A step-up replaces a
// session in its own browser. A session whose browser is unknown counts by itself.
func sameBrowser(a, b session.Session) bool {
	return a.Browser != "" && a.Browser == b.Browser || a.JKT != "" && a.JKT == b.JKT || a.Replaces == b.ID || b.Replaces == a.ID
}

// endBeyond ends a session beyond the limit: a new one that is refused, or another one.
func endBeyond(c *authn.Request, s session.Session, refused bool) error {
	e := audit.Event{
		Action: audit.SignOut, Reason: string(session.ReasonLimit), Actor: audit.Server,
		UserID: s.UserID, OrganizationID: s.ConfinedTo, SessionID: s.ID.String(),
	}
	if refused {
		e.Action, e.Outcome, e.Actor = audit.SignIn, audit.Refused, ""
	}
	return c.Revoke(s.ID, session.ReasonLimit, e)
}
