package storetest

import (
	"slices"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/token/secevent"
)

// coarsensInTheFeed: of very many endings of one kind at once, few are in the feed, and
// they concern all.
func coarsensInTheFeed(s *suite) {
	const many = 250
	alice, bob := s.person("alice"), s.person("bob")
	covered := func(got []secevent.Event, n session.Session) bool {
		return slices.ContainsFunc(got, func(e secevent.Event) bool {
			return (e.Session == "" || e.Session == n.ID.String()) && (e.User == "" || e.User == n.UserID) && e.Organization == "" && e.App == ""
		})
	}
	end := func(what string, most int, people []directory.User, run func()) {
		var all []session.Session
		for i := range many {
			all = append(all, s.session(people[i%len(people)]))
		}
		before := s.feed().Number
		run()
		got := s.since(before)
		if len(got) > most {
			s.Errorf("%s: %d events", what, len(got))
		}
		for _, n := range all {
			if !covered(got, n) {
				s.Fatalf("%s: no event is about session %s", what, n.ID)
			}
		}
	}
	end("everywhere", 200, []directory.User{alice}, func() { s.must(s.RevokeUser(s.ctx, alice.ID, "", session.ReasonSignedOut, Now)) })
	end("all", 200, []directory.User{alice, bob}, func() {
		for after, more := "", true; more; {
			_, last, err := s.EndSessions(s.ctx, after, Now+1, session.ReasonAdmin, Now, 100)
			s.must(err)
			after, more = last, last != ""
		}
	})
}

// numbersTheFeed: a subject is read with the number of the newest event, and a cursor that
// is older than what is kept can be told.
func numbersTheFeed(s *suite) {
	alice := s.person("alice")
	n := s.acting(alice)
	at := func() int64 {
		got, err := s.Subject(s.ctx, n.ID, "acme", Now)
		s.must(err)
		return got.Event
	}
	before := s.feed()
	s.is(at(), before.Number)
	s.must(s.Revoke(s.ctx, s.session(alice).ID, session.ReasonSignedOut, Now))
	s.is(at(), before.Number+1)
	last, err := s.EndingBefore(s.ctx, 1<<40)
	s.must(err)
	s.is(last, before.Number+1)
	first, err := s.EndingBefore(s.ctx, 1)
	s.must(err)
	s.is(first, int64(0))
	s.must(s.ForgetEndings(s.ctx, 1))
	s.is(len(s.since(before.Number)), 1)
	for range 2 {
		s.must(s.ForgetEndings(s.ctx, 1<<40))
		s.is(len(s.sinceAny(0)), 0)
		f := s.feed()
		s.is([]int64{f.Number, f.Forgotten}, []int64{before.Number + 1, before.Number + 1})
	}
	s.must(s.Revoke(s.ctx, s.session(alice).ID, session.ReasonSignedOut, Now))
	s.is(at(), before.Number+2)
}

func (s *suite) sinceAny(number int64) []secevent.Event {
	s.Helper()
	all, err := s.Endings(s.ctx, number, 10)
	s.must(err)
	return all
}

// restartsTheFeed: a feed that is restarted is beyond every number of before, also of what
// an earlier restart of the same backup gave.
func restartsTheFeed(s *suite) {
	s.must(s.Revoke(s.ctx, s.session(s.person("alice")).ID, session.ReasonSignedOut, Now))
	before := s.feed()
	s.must(s.RestartFeed(s.ctx, Now))
	after := s.feed()
	if after.Number < Now<<20 || after.Number <= before.Number || after.Forgotten != after.Number-1 {
		s.Errorf("from %+v to %+v", before, after)
	}
	got := s.since(after.Number - 1)
	s.is(got, []secevent.Event{{Number: after.Number, Reason: "restored"}})
	s.is(len(s.sinceAny(0)), 1)
	s.must(s.Revoke(s.ctx, s.session(s.person("alice")).ID, session.ReasonSignedOut, Now))
	s.is(s.feed().Number, after.Number+1)
	s.must(s.RestartFeed(s.ctx, 1)) // by a clock that is wrong
	if again := s.feed(); again.Number <= after.Number+1 {
		s.Errorf("from %+v to %+v", after, again)
	}
}
