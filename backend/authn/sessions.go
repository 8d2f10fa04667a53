package authn

import (
	"errors"
	"slices"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// liveSession is a live session with its cookies.
type liveSession struct {
	*cookieToken
	session.Session
}

// coexists reports whether two sessions of one browser both continue, because the user
// entered both from another app, for different organizations.
func (l *liveSession) coexists(other *liveSession) bool {
	return l.entered() && other.entered() && l.UserID == other.UserID && l.ConfinedTo != other.ConfinedTo
}

// entered reports whether the user entered the session from another app.
func (l *liveSession) entered() bool { return l.Parent != session.ID{} && l.Holder != session.Joined }

// pick returns the newest session of the app and those that coexist with it, newest
// first. A request that may change state ends the others.
func pick(c *Request, all []*liveSession) ([]*liveSession, error) {
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b *liveSession) int { return int(b.CreatedAt - a.CreatedAt) })
	var kept []*liveSession
	for _, l := range all {
		i := slices.IndexFunc(kept, l.endsFor)
		switch {
		case i < 0:
			kept = append(kept, l)
		case l.UserID == kept[i].UserID && c.several() && !c.account.is(l.UserID): // a request of theirs ends it, by their key
		default:
			if err := endOlder(c, l, kept[i]); err != nil {
				return nil, err
			}
		}
	}
	return kept, nil
}

// endsFor reports whether a newer session of the browser ends this one. A sign-in that
// added a person ends nobody else's.
func (l *liveSession) endsFor(newer *liveSession) bool {
	if l.UserID != newer.UserID {
		return !newer.Added
	}
	return !l.coexists(newer)
}

// endOlder ends a session in favor of a newer one in the same browser. If a step-up of
// the same user began the newer one, it takes over the organization sessions of the
// older one.
func endOlder(c *Request, l, newer *liveSession) error {
	steppedUp := newer.Replaces != session.ID{} && newer.UserID == l.UserID && l.JKT == ""
	if !steppedUp || c.ReadOnly() {
		return supersede(c, l.cookieToken, l.Session)
	}
	if err := replace(c, l.Session, newer.ID); err != nil {
		return err
	}
	clearToken(c, l.cookieToken)
	return nil
}

// LiveSessions returns the live sessions of the tokens, and clears the cookies of the
// others. last is the refusal of the last token that is not live; a token of another
// replica's key takes precedence.
func (c *Request) LiveSessions(tokens []*cookieToken) (all []*liveSession, last, err error) {
	for _, t := range tokens {
		s, err := c.Authentic(t)
		if err == nil {
			all = append(all, &liveSession{t, s})
		} else if err = clearIfEnded(c, t, err); !refusal.Is(err) {
			return nil, nil, err
		} else if last != errOtherReplica {
			last = err
		}
	}
	return all, last, nil
}

// HeldSessions returns the live sessions of the request's app whose cookies it carries.
func (c *Request) HeldSessions() ([]session.Session, error) {
	live, err := c.held()
	var all []session.Session
	for _, l := range live {
		all = append(all, l.Session)
	}
	return all, err
}

// SignedInAs reports whether one of the sessions is a full sign-in of the user. Such a
// session opens more than one that was entered from another app.
func SignedInAs(user string, all []*liveSession) bool {
	return slices.ContainsFunc(all, func(l *liveSession) bool { return l.UserID == user && l.ConfinedTo == "" })
}

// sessionFor returns the token of the session that opens an organization, or else of
// the newest one.
func sessionFor(c *Request, kept []*liveSession, ref string) (*cookieToken, error) {
	if ref == "" || len(kept) == 1 {
		return kept[0].cookieToken, nil
	}
	for _, l := range kept {
		if l.ConfinedTo == ref {
			return l.cookieToken, nil
		}
	}
	for _, l := range kept { // by slug
		s, err := c.Store.Subject(c.Ctx, l.ID, ref, c.Now)
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			return nil, err
		}
		if s.Membership != nil {
			return l.cookieToken, nil
		}
	}
	return kept[0].cookieToken, nil
}

// EndCoexisting ends the sessions that coexist with one. Signing out of an app ends all
// sessions that were entered there.
func (c *Request) EndCoexisting(s session.Session) error {
	tokens, err := c.RefreshTokens()
	if err != nil || s.Parent == (session.ID{}) {
		return err
	}
	all, _, err := c.LiveSessions(tokens)
	for _, other := range all {
		if err == nil && other.coexists(&liveSession{Session: s}) {
			err = supersede(c, other.cookieToken, other.Session)
		}
	}
	return err
}

// supersede ends a session in favor of a newer sign-in in the same browser. If this
// browser does not prove the session's device key, the session only loses its cookie
// here.
func supersede(c *Request, t *cookieToken, s session.Session) error {
	if c.ReadOnly() {
		return nil
	}
	if own, err := provesDevice(c, s); err != nil {
		return err
	} else if own {
		if err := endSuperseded(c, s); err != nil {
			return err
		}
	}
	clearToken(c, t)
	return nil
}

func endSuperseded(c *Request, s session.Session) error {
	return c.Revoke(s.ID, session.ReasonSuperseded, audit.Event{
		ID: "superseded:" + s.ID.String(), Action: audit.SignOut, Reason: string(session.ReasonSuperseded),
		Actor: audit.Server, UserID: s.UserID, OrganizationID: s.ConfinedTo, SessionID: s.ID.String(),
	})
}
