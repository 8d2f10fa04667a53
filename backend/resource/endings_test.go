package resource

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/backend/token/secevent"
)

func claimsAt(event int64) *token.Claims {
	return &token.Claims{SessionID: "ses_1", Subject: "usr_1", OrganizationID: "org_1", ClientID: "app", Event: event, IssuedAt: 1000}
}

func TestEndings_Subjects(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		secevent.Subject
		concerns, always bool
	}{
		"the session":                       {secevent.Subject{Session: "ses_1", User: "usr_1"}, true, true},
		"the session alone":                 {secevent.Subject{Session: "ses_1"}, true, true},
		"another session":                   {secevent.Subject{Session: "ses_2", User: "usr_1"}, false, false},
		"the session in the organization":   {secevent.Subject{Session: "ses_1", User: "usr_1", Organization: "org_1"}, true, false},
		"the session in another":            {secevent.Subject{Session: "ses_1", User: "usr_1", Organization: "org_2"}, false, false},
		"the person":                        {secevent.Subject{User: "usr_1"}, true, false},
		"another person":                    {secevent.Subject{User: "usr_2"}, false, false},
		"the person in the organization":    {secevent.Subject{User: "usr_1", Organization: "org_1"}, true, false},
		"the person in another":             {secevent.Subject{User: "usr_1", Organization: "org_2"}, false, false},
		"the organization":                  {secevent.Subject{Organization: "org_1"}, true, false},
		"another organization":              {secevent.Subject{Organization: "org_2"}, false, false},
		"the app":                           {secevent.Subject{App: "app"}, true, false},
		"another app":                       {secevent.Subject{App: "other"}, false, false},
		"the workspace":                     {secevent.Subject{}, true, false},
		"the app in the organization":       {secevent.Subject{App: "app", Organization: "org_1"}, true, false},
		"another app in it, which is wider": {secevent.Subject{App: "other", Organization: "org_1"}, true, false},
	} {
		m := newEndings(10)
		m.add(secevent.Event{Number: 7, At: 1000, Subject: c.Subject}, now)
		for event, want := range map[int64]bool{1: c.concerns, 6: c.concerns, 7: c.always, 8: c.always} {
			if got := m.ended(claimsAt(event)); got != want {
				t.Errorf("%s: a token of %d is refused: %v", name, event, got)
			}
		}
	}
}

// TestEndings_TokensOfTheReleaseBefore have no number, and are compared by the clock.
func TestEndings_TokensOfTheReleaseBefore(t *testing.T) {
	m := newEndings(10)
	m.add(secevent.Event{Number: 7, At: 1000, Subject: secevent.Subject{User: "usr_1"}}, time.Now())
	for issued, want := range map[int64]bool{900: true, 1000: true, 1060: true, 1061: false} {
		c := claimsAt(0)
		c.IssuedAt = issued
		if m.ended(c) != want {
			t.Errorf("a token of %d is refused: %v", issued, !want)
		}
	}
}

// TestEndings_NothingIsForgottenEarly, neither by time nor where the memory is full.
func TestEndings_NothingIsForgottenEarly(t *testing.T) {
	const life = 11 * time.Minute // of a token, and a minute for clocks
	random, start := rand.New(rand.NewPCG(1, 2)), time.Now()
	type event struct {
		secevent.Event
		at time.Time
	}
	m := newEndings(50)
	var all []event
	for i := range 4000 {
		now := start.Add(time.Duration(i) * 500 * time.Millisecond)
		e := secevent.Event{Number: int64(i + 2), At: now.Unix()}
		pick := func(kind string, of int) string { return fmt.Sprint(kind, random.IntN(of)) }
		switch random.IntN(6) {
		case 0, 1:
			e.Session, e.User = pick("ses_", 300), "usr_1"
		case 2:
			e.Session, e.Organization = pick("ses_", 300), pick("org_", 20)
		case 3:
			e.User, e.Organization = pick("usr_", 300), pick("org_", 20)
		case 4:
			e.User = pick("usr_", 300)
		case 5:
			e.Organization = pick("org_", 20)
		}
		m.add(e, now)
		all = append(all, event{e, now})
		if len(m.of) > 50 || len(m.due) > 100 {
			t.Fatalf("%d endings, %d in their order", len(m.of), len(m.due))
		}
		for range 20 {
			past := all[len(all)-1-random.IntN(min(len(all), 1300))]
			if now.Sub(past.at) >= life {
				continue
			}
			c := &token.Claims{Event: past.Number - 1, SessionID: past.Session, Subject: past.User, OrganizationID: past.Organization}
			if !m.ended(c) {
				t.Fatalf("event %d is forgotten after %v: %+v", past.Number, now.Sub(past.at), past.Subject)
			}
		}
	}
	m.add(secevent.Event{Number: 5000, Subject: secevent.Subject{App: "other"}}, start.Add(2*time.Hour))
	if len(m.of) != 1 || len(m.due) != 1 {
		t.Errorf("%d are remembered for ever", len(m.of)-1)
	}
}
