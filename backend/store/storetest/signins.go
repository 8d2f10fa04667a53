package storetest

import (
	"sync"
	"sync/atomic"

	"github.com/tabard-auth/tabard/backend/session"
)

func endsWithTheBrowser(s *suite) {
	alice := s.person("alice")
	for _, ends := range []bool{true, false} {
		n := newSession(alice)
		n.EndsWithBrowser = ends
		s.must(s.Create(s.ctx, n))
		s.is(s.stored(n.ID), n)
		got, err := s.EndsWithBrowser(s.ctx, n.ID)
		s.must(err)
		s.is(got, ends)
	}
	_, err := s.EndsWithBrowser(s.ctx, session.NewID())
	s.is(err, session.ErrNotFound)
}

func listsSignIns(s *suite) {
	alice := s.person("alice")
	begun := func(change func(*session.Session)) session.ID {
		n := newSession(alice)
		change(&n)
		s.must(s.Create(s.ctx, n))
		return n.ID
	}
	one := begun(func(n *session.Session) {})
	two := begun(func(n *session.Session) { n.CreatedAt += 5 })
	begun(func(n *session.Session) { n.Parent = one })
	begun(func(n *session.Session) { n.Parent, n.Holder = one, session.AppServer })
	ended := begun(func(n *session.Session) { n.CreatedAt += 6 })
	s.must(s.Revoke(s.ctx, ended, session.ReasonLimit, Now))
	s.is(s.stored(ended).RevokeReason, session.ReasonLimit)
	begun(func(n *session.Session) { n.ExpiresAt = Now })
	confined := begun(func(n *session.Session) { n.ConfinedTo = "org_acme" })
	s.session(s.person("bob"))
	ids := func(confinedTo string, limit int) (all []session.ID) {
		got, err := s.SignIns(s.ctx, alice.ID, confinedTo, Now, limit)
		s.must(err)
		for _, n := range got {
			all = append(all, n.ID)
		}
		return all
	}
	s.is(ids("", 10), []session.ID{two, one})
	s.is(ids("", 1), []session.ID{two})
	s.is(ids("org_acme", 10), []session.ID{confined})
}

func revokesBeside(s *suite) {
	alice := s.person("alice")
	one, two, three := s.session(alice).ID, s.session(alice).ID, s.session(alice).ID
	beside := func(id session.ID, others ...session.ID) bool {
		ended, err := s.RevokeBeside(s.ctx, id, others, session.ReasonLimit, Now)
		s.must(err)
		return ended
	}
	s.is(beside(one, two, three), true)
	s.is(s.stored(one).RevokeReason, session.ReasonLimit)
	s.is(beside(one, two), false) // it has ended
	s.is(beside(two, one, three), false)
	s.is(beside(two, three, session.NewID()), false)
	s.is(s.stored(two).RevokeReason, session.Reason(""))
	s.is(beside(two), true)
	expired := newSession(alice)
	expired.ExpiresAt = Now
	s.must(s.Create(s.ctx, expired))
	s.is(beside(three, expired.ID), false)
}

// revokesBesideAtOnce has sessions end each other at once, each of them beside the next: one
// remains.
func revokesBesideAtOnce(s *suite) {
	alice := s.person("alice")
	for range 10 {
		all := []session.ID{s.session(alice).ID, s.session(alice).ID, s.session(alice).ID}
		var ended atomic.Int64
		var wg sync.WaitGroup
		for i, id := range all {
			wg.Go(func() {
				did, err := s.RevokeBeside(s.ctx, id, []session.ID{all[(i+1)%len(all)]}, session.ReasonLimit, Now)
				if err != nil {
					s.Error(err)
				}
				if did {
					ended.Add(1)
				}
			})
		}
		wg.Wait()
		if n := ended.Load(); n < 1 || n > 2 {
			s.Errorf("%d of three sessions ended each other", n)
		}
	}
}
