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
// Each ends sessions only beside as many as are allowed, and looks again after that: however
// many there are, as many remain. before are the person's sign-ins of before that, whose
// order times in seconds do not tell.
// Sessions that are confined to an organization count apart: whoever runs its provider
// must not end others.
func limitSessions(c *authn.Request, s session.Session, before []session.Session) error {
	for {
		all, err := signIns(c, s)
		if err != nil || len(all) == 0 {
			return err
		}
		within, beyond := parted(c, all, before)
		if len(beyond) == 0 {
			return checkLimited(c, s, all)
		}
		for _, other := range beyond {
			if err := endBeside(c, other, within, s); err != nil {
				return err
			}
		}
	}
}

// checkLimited refuses a sign-in whose session was ended by the limit, where that refuses
// sign-ins. Otherwise the browser is told at its next request.
func checkLimited(c *authn.Request, s session.Session, live []session.Session) error {
	if c.Workspace.SignIn.AtLimit != directory.RefuseSignIn || slices.ContainsFunc(live, isSession(s.ID)) {
		return nil
	}
	return refusal.New(api.SessionLimitReached, "You have reached the limit of browsers that you may be signed in with. Sign out in one of them, then sign in here again.")
}

func isSession(id session.ID) func(session.Session) bool {
	return func(s session.Session) bool { return s.ID == id }
}

// signIns returns the sign-ins of a session's person that the limit counts, newest first. There
// are none without a limit.
func signIns(c *authn.Request, s session.Session) ([]session.Session, error) {
	if c.Workspace.SignIn.MaxSessions == 0 {
		return nil, nil
	}
	return c.Store.SignIns(c.Ctx, s.UserID, s.ConfinedTo, c.Now, maxSignIns)
}

// parted returns one session of each browser within the limit, and the sessions in browsers
// beyond it, given all of the person's, newest first. If the limit refuses sign-ins, those
// beyond are sessions that began just now: the new one, or of several at once another one.
func parted(c *authn.Request, all, before []session.Session) (within []session.ID, beyond []session.Session) {
	settings := c.Workspace.SignIn
	wasBefore := func(s session.Session) bool { return slices.ContainsFunc(before, isSession(s.ID)) }
	later := slices.DeleteFunc(slices.Clone(all), wasBefore)
	all = append(later, slices.DeleteFunc(slices.Clone(all), func(s session.Session) bool { return !wasBefore(s) })...)
	refuses := settings.AtLimit == directory.RefuseSignIn
	if refuses {
		slices.Reverse(all)
	}
	var counted []session.Session
	for _, s := range all {
		switch {
		case !opens(c, s):
		case slices.ContainsFunc(counted, func(other session.Session) bool { return sameBrowser(s, other) }):
			counted = append(counted, s)
		case int64(len(within)) < settings.MaxSessions:
			within, counted = append(within, s.ID), append(counted, s)
		case !refuses || !wasBefore(s) && s.CreatedAt >= c.Now-concurrentStart:
			beyond = append(beyond, s)
		}
	}
	return within, beyond
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

// endBeside ends a session beyond the limit while those within it are live. Where the limit
// refuses sign-ins, own is the one that is refused.
func endBeside(c *authn.Request, s session.Session, within []session.ID, own session.Session) error {
	ended, err := c.Store.RevokeBeside(c.Ctx, s.ID, within, session.ReasonLimit, c.Now)
	if err != nil || !ended {
		return err
	}
	c.Audit(endedBeyond(s, s.ID == own.ID && c.Workspace.SignIn.AtLimit == directory.RefuseSignIn))
	return nil
}

// endedBeyond is the event of a session that a limit ended: a new one that is refused, or
// another one.
func endedBeyond(s session.Session, refused bool) audit.Event {
	e := audit.Event{
		Action: audit.SignOut, Reason: string(session.ReasonLimit), Actor: audit.Server,
		UserID: s.UserID, OrganizationID: s.ConfinedTo, SessionID: s.ID.String(),
	}
	if refused {
		e.Action, e.Outcome, e.Actor = audit.SignIn, audit.Refused, ""
	}
	return e
}
