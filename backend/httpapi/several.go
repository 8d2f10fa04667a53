package httpapi

import (
	"errors"
	"slices"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/session"
)

// living is a living session with the cookie that it came by.
type living struct {
	carried
	session.Session
}

// beside tells that two sessions of one browser both go on: a person entered both from
// another app, each for an organisation of its own.
func (l *living) beside(other *living) bool {
	entered := l.Parent != session.ID{} && other.Parent != session.ID{}
	return entered && l.UserID == other.UserID && l.ConfinedTo != other.ConfinedTo
}

// newestOnly returns the newest of a browser's sessions of the app, and what stands
// beside it, the newest first; a request that may change something ends the others.
func (c *call) newestOnly(all []*living) ([]*living, error) {
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b *living) int { return int(b.CreatedAt - a.CreatedAt) })
	var kept []*living
	for _, l := range all {
		if slices.ContainsFunc(kept, func(k *living) bool { return !l.beside(k) }) {
			if err := c.supersede(l.carried, l.Session); err != nil {
				return nil, err
			}
			continue
		}
		kept = append(kept, l)
	}
	return kept, nil
}

// living returns the sessions that live of a browser's, clears the cookies of the
// others, and tells why the last of those does not, or that one may live elsewhere.
func (c *call) living(tokens []carried) (all []*living, last, err error) {
	for _, t := range tokens {
		s, err := c.authentic(t)
		if err == nil {
			all = append(all, &living{t, s})
		} else if err = c.dead(t, err); !isRefusal(err) {
			return nil, nil, err
		} else if last != errElsewhere {
			last = err
		}
	}
	return all, last, nil
}

// signedInAs tells whether one of a browser's sessions is of a sign-in of this person:
// it opens all that one entered from another app would, and more.
func signedInAs(user string, all []*living) bool {
	return slices.ContainsFunc(all, func(l *living) bool { return l.UserID == user && l.ConfinedTo == "" })
}

// makeRoom ends the oldest of a browser's sessions where there would be too many.
func (c *call) makeRoom(all []*living) error {
	slices.SortStableFunc(all, func(a, b *living) int { return int(a.CreatedAt - b.CreatedAt) })
	for len(all) >= maxCookies {
		if err := c.supersede(all[0].carried, all[0].Session); err != nil {
			return err
		}
		all = all[1:]
	}
	return nil
}

// opening returns the session that opens an organisation, or the newest.
func (c *call) opening(kept []*living, ref string) (carried, error) {
	if ref == "" || len(kept) == 1 {
		return kept[0].carried, nil
	}
	for _, l := range kept {
		if l.ConfinedTo == ref {
			return l.carried, nil
		}
	}
	for _, l := range kept { // by slug
		s, err := c.store.Subject(c.ctx, l.ID, ref, c.now)
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			return carried{}, err
		}
		if s.Membership != nil {
			return l.carried, nil
		}
	}
	return kept[0].carried, nil
}

// endBeside ends the sessions that stand beside one: who signs out of an app signs out
// of all that it opened here.
func (c *call) endBeside(s session.Session) error {
	tokens, err := c.refreshTokens()
	if err != nil || s.Parent == (session.ID{}) {
		return err
	}
	all, _, err := c.living(tokens)
	for _, other := range all {
		if err == nil && other.beside(&living{Session: s}) {
			err = c.supersede(other.carried, other.Session)
		}
	}
	return err
}

// supersede ends a session for a newer sign-in in the same browser. One whose device
// key this browser cannot prove is not ended: it only loses its cookie here.
func (c *call) supersede(t carried, s session.Session) error {
	if c.reading() {
		return nil
	}
	if own, err := c.isDeviceOf(s); err != nil {
		return err
	} else if own {
		if err := c.store.Revoke(c.ctx, s.ID, session.ReasonSuperseded, c.now); err != nil {
			return err
		}
		c.audit(audit.Event{
			ID: "superseded:" + s.ID.String(), Action: audit.SignOut, Reason: string(session.ReasonSuperseded),
			Actor: audit.Server, UserID: s.UserID, OrganizationID: s.ConfinedTo, SessionID: s.ID.String(),
		})
	}
	c.clear(t.name)
	return nil
}

func isRefusal(err error) bool {
	var r *refusal
	return errors.As(err, &r)
}
