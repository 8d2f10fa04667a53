package storetest

import (
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/session"
)

func endsUpstream(s *suite) {
	alice, bob := s.person("alice"), s.person("bob")
	live := func(n session.Session) bool { return s.stored(n.ID).RevokedAt == 0 }
	make := func(u directory.User, sid string) session.Session {
		n := newSession(u)
		n.UpstreamSID, n.SignIn.Connection = sid, ""
		s.must(s.Create(s.ctx, n))
		return n
	}
	one, two, his := make(alice, "a"), make(alice, "b"), make(bob, "c")
	end := func(l session.UpstreamLogout) {
		s.must(s.RevokeUpstream(s.ctx, l, session.ReasonUpstream, Now+1))
	}
	end(session.UpstreamLogout{Issuer: "https://other.test", Subject: "alice", Until: Now})
	end(session.UpstreamLogout{Issuer: alice.Issuer, Subject: "alice", SessionID: "c", Until: Now})
	end(session.UpstreamLogout{Issuer: alice.Issuer, Subject: "alice", Until: Now - 1})
	s.is([]bool{live(one), live(two), live(his)}, []bool{true, true, true})
	end(session.UpstreamLogout{Issuer: alice.Issuer, SessionID: "a", Until: Now})
	s.is([]bool{live(one), live(two), live(his)}, []bool{false, true, true})
	end(session.UpstreamLogout{Issuer: alice.Issuer, Subject: "alice", Until: Now})
	s.is([]bool{live(one), live(two), live(his)}, []bool{false, false, true})
	for sid, want := range map[string]bool{"a": true, "c": true, "d": false, "": false} { // ended ones are known
		known, err := s.KnowsUpstream(s.ctx, sid)
		s.must(err)
		s.is(known, want)
	}
	old, beside := make(alice, "e"), make(alice, "f") // one step-up began a session that was not used
	stepped := newSession(alice)
	stepped.UpstreamSID, stepped.SignIn.Connection, stepped.Replaces = "g", "", old.ID
	s.must(s.Create(s.ctx, stepped))
	end(session.UpstreamLogout{Issuer: alice.Issuer, SessionID: "g", Until: Now})
	s.is([]bool{live(old), live(stepped), live(beside)}, []bool{false, false, true})
	if s.RevokeUpstream(s.ctx, session.UpstreamLogout{Issuer: alice.Issuer, Until: Now}, session.ReasonUpstream, Now+1) == nil {
		s.Error("a logout must name a person or a session")
	}
	s.is(live(his), true)
}

func replacesUpstream(s *suite) {
	alice := s.person("alice")
	n, other := newSession(alice), s.session(alice)
	n.SignIn.Connection = ""
	s.must(s.Create(s.ctx, n))
	for range 2 { // a reply was lost
		s.must(s.SetUpstream(s.ctx, n.ID, "new", "sealed anew"))
	}
	n.UpstreamSID, n.UpstreamToken = "new", "sealed anew"
	s.is(s.stored(n.ID), n)
	s.is(s.stored(other.ID), other)
	end := func(sid string) (ended bool) {
		s.must(s.RevokeUpstream(s.ctx, session.UpstreamLogout{Issuer: alice.Issuer, SessionID: sid, Until: Now}, session.ReasonUpstream, Now+1))
		return s.stored(n.ID).RevokedAt != 0
	}
	s.is([]bool{end("up"), end("new")}, []bool{false, true})
}
