package storetest

import (
	"fmt"

	"github.com/tabard-auth/tabard/backend/audit"
)

func eventsOnce(s *suite) {
	e := audit.Event{
		ID: "evt_1", At: Now, Action: audit.SignIn, Outcome: audit.Refused, Reason: "a_code", Actor: "usr_1",
		UserID: "usr_1", OrganizationID: "org_acme", SessionID: "ses_1", App: "app", Address: "127.0.0.1",
		Note: "in words", ExpiresAt: Now + 60,
	}
	s.must(s.RecordEvent(s.ctx, e))
	again := e
	again.At = Now + 1
	s.must(s.RecordEvent(s.ctx, again))
	got, err := s.Events(s.ctx, audit.Query{Limit: 10})
	s.must(err)
	s.is(got, []audit.Event{e})
	for id, want := range map[string]int64{e.ID: Now, "evt_2": 0} {
		at, err := s.Recorded(s.ctx, id)
		s.must(err)
		s.is(at, want)
	}
}

func eventPages(s *suite) {
	var want []string
	for i := range 7 {
		e := audit.Event{ID: fmt.Sprintf("evt_%d", i), At: Now + int64(i/2), Action: audit.SignOut, Outcome: audit.Done, OrganizationID: "org_acme"}
		if i == 3 {
			e.OrganizationID, e.UserID = "org_globex", "usr_1"
		} else {
			want = append([]string{e.ID}, want...)
		}
		s.must(s.RecordEvent(s.ctx, e))
	}
	var got []string
	q := audit.Query{OrganizationID: "org_acme", Limit: 2}
	for {
		page, err := s.Events(s.ctx, q)
		s.must(err)
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			got = append(got, e.ID)
			q.Before = audit.Position{At: e.At, ID: e.ID}
		}
	}
	s.is(got, want)
	one, err := s.Events(s.ctx, audit.Query{UserID: "usr_1", Limit: 2})
	s.must(err)
	s.is(len(one), 1)
}

func eventsForgotten(s *suite) {
	for i := range int64(6) {
		s.must(s.RecordEvent(s.ctx, audit.Event{ID: fmt.Sprintf("evt_%d", 5-i), At: Now + i, Action: audit.SignOut, Outcome: audit.Done}))
	}
	for _, want := range []int64{2, 2, 0} {
		gone, err := s.DeleteEvents(s.ctx, Now+4, 2)
		s.must(err)
		s.is(gone, want)
	}
	left, err := s.Events(s.ctx, audit.Query{Limit: 10})
	s.must(err)
	var at []int64
	for _, e := range left {
		at = append(at, e.At)
	}
	s.is(at, []int64{Now + 5, Now + 4})
}
