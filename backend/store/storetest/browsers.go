package storetest

import (
	"fmt"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/session"
)

func listsOfBrowser(s *suite) {
	var all []session.Session
	for i := range 5 {
		n := newSession(s.person([]string{"alice", "bob"}[i%2]))
		n.CreatedAt, n.Browser, n.Added = Now+int64(i), "one", i%2 == 1
		s.must(s.Create(s.ctx, n))
		all = append(all, n)
	}
	for _, browser := range []string{"two", ""} {
		other := newSession(s.person("alice"))
		other.Browser = browser
		s.must(s.Create(s.ctx, other))
	}
	s.must(s.Revoke(s.ctx, all[1].ID, session.ReasonSignedOut, Now))
	for limit, want := range map[int]string{9: fmt.Sprint(all[4].ID, all[3].ID, all[2].ID, all[0].ID), 2: fmt.Sprint(all[4].ID, all[3].ID)} {
		got, err := s.OfBrowser(s.ctx, "one", Now, limit)
		s.must(err)
		ids := make([]any, len(got))
		for i, n := range got {
			ids[i] = n.ID
		}
		s.is(fmt.Sprint(ids...), want)
	}
	got, err := s.OfBrowser(s.ctx, "one", all[0].ExpiresAt, 9)
	s.must(err)
	s.is(len(got), 0)
	got, err = s.OfBrowser(s.ctx, "", Now, 9)
	s.must(err)
	s.is(len(got), 0)
	s.is(s.stored(all[0].ID), all[0])
	s.is(s.stored(all[3].ID), all[3])
}

func findsPeople(s *suite) {
	alice := s.person("alice")
	got, err := s.UserOf(s.ctx, alice.Issuer, alice.Subject)
	s.must(err)
	s.is(got, alice)
	for _, absent := range [][2]string{{alice.Issuer, "nobody"}, {"https://other.test", alice.Subject}, {"", ""}} {
		_, err := s.UserOf(s.ctx, absent[0], absent[1])
		s.is(err, directory.ErrNoUser)
	}
}

func listsEndedOfBrowser(s *suite) {
	var all []session.Session
	for i := range 4 {
		n := newSession(s.person("alice"))
		n.Browser = "ended"
		s.must(s.Create(s.ctx, n))
		if i < 3 {
			s.must(s.Revoke(s.ctx, n.ID, session.ReasonSuperseded, Now+int64(i)))
		}
		all = append(all, n)
	}
	for since, want := range map[int64]string{Now: fmt.Sprint(all[2].ID, all[1].ID), Now + 2: fmt.Sprint(all[2].ID), Now + 3: ""} {
		got, err := s.EndedOfBrowser(s.ctx, "ended", since, 2)
		s.must(err)
		ids := make([]any, len(got))
		for i, n := range got {
			ids[i] = n.ID
		}
		s.is(fmt.Sprint(ids...), want)
	}
	got, err := s.EndedOfBrowser(s.ctx, "", Now, 9)
	s.must(err)
	s.is(len(got), 0)
}
