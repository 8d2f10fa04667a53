package storetest

import (
	"fmt"
	"sync"

	"github.com/tabard-auth/tabard/backend/session"
)

// unbound creates a session without a device key.
func (s *suite) unbound() session.Session {
	s.Helper()
	n := newSession(s.person("alice"))
	n.JKT = ""
	s.must(s.Create(s.ctx, n))
	return n
}

// binds fails the suite unless binding a session to a key results in want.
func (s *suite) binds(n session.Session, jkt string, now int64, want string) {
	s.Helper()
	got, err := s.Bind(s.ctx, n.ID, jkt, now)
	s.must(err)
	s.is(got, want)
	s.is(s.stored(n.ID).JKT, want)
}

func bindsOnce(s *suite) {
	last, late, bound, ended := s.unbound(), s.unbound(), s.session(s.person("alice")), s.unbound()
	s.binds(last, "one", Now+session.BindWithin, "one")
	s.binds(last, "one", Now+session.BindWithin, "one") // a reply was lost
	s.binds(last, "two", Now+1, "one")
	s.binds(late, "one", Now+session.BindWithin+1, "")
	s.binds(bound, "one", Now, bound.JKT)
	s.must(s.Revoke(s.ctx, ended.ID, session.ReasonSignedOut, Now))
	s.binds(ended, "one", Now, "")
	other := last
	other.JKT, other.BoundAt = "one", Now+session.BindWithin
	s.is(s.stored(last.ID), other) // no other field has changed
	_, err := s.Bind(s.ctx, session.NewID(), "one", Now)
	s.is(err, session.ErrNotFound)
}

func bindsOneInARace(s *suite) {
	n := s.unbound()
	got := make([]string, 8)
	var group sync.WaitGroup
	for i := range got {
		group.Go(func() {
			var err error
			if got[i], err = s.Bind(s.ctx, n.ID, fmt.Sprint("key ", i), Now); err != nil {
				s.Error(err)
			}
		})
	}
	group.Wait()
	for _, jkt := range got {
		s.is(jkt, s.stored(n.ID).JKT)
	}
}
