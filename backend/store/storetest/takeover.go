package storetest

import (
	"reflect"
	"slices"

	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

// takesOver: a session that a step-up began has what the old one had, however often it is
// told so, and what was entered from the old one goes on with it.
func takesOver(s *suite) {
	alice := s.person("alice")
	old := s.acting(alice)
	made := policy.Authentication{Time: Now - 10, ACR: "urn:mfa", AMR: []string{"otp"}, Until: Now + 60, ConfirmedAt: Now - 9}
	s.must(s.Authenticate(s.ctx, old.ID, "attempt of the old", made))
	child := s.child(alice, old)

	n := newSession(alice)
	n.Replaces, n.CreatedAt = old.ID, Now
	s.must(s.Create(s.ctx, n))
	s.is(s.stored(n.ID).Replaces, old.ID)
	raised := policy.Authentication{Time: Now, ACR: "urn:mfa", AMR: []string{"otp"}}
	s.must(s.Follow(s.ctx, n.ID))
	s.must(s.Follow(s.ctx, n.ID))
	if before := s.stay(n, "org_globex"); !before.Live() {
		s.Errorf("globex, as it was entered: %+v", before)
	}
	s.must(s.SetAuthentication(s.ctx, n.ID, "org_acme", raised))
	if _, err := s.Leave(s.ctx, old.ID, "org_globex", policy.OrganizationSession{StartedAt: Now - 30, ActiveAt: Now, EndedAt: Now, EndReason: policy.SignedOut}); err != nil {
		s.Fatal(err)
	}
	s.must(s.Touch(s.ctx, old.ID, "org_acme", policy.OrganizationSession{ActiveAt: Now - 5}))

	for range 2 {
		s.must(s.TakeOver(s.ctx, old.ID, n.ID, Now+1))
		s.is(s.stored(old.ID).RevokeReason, session.ReasonStepUp)
		s.is(s.stored(old.ID).RevokedAt, int64(Now+1))
		s.is(s.stored(old.ID).ReplacedBy, n.ID)
		if live := s.live(n.ID, child.ID); !slices.Equal(live, []bool{true, true}) {
			s.Errorf("the new session and the child live: %v", live)
		}
		acme, globex := s.stay(n, "org_acme"), s.stay(n, "org_globex")
		if !acme.Live() || acme.ActiveAt != Now-5 || acme.StartedAt != Now-30 || acme.Authentication.Time != Now {
			s.Errorf("acme: %+v", acme)
		}
		if globex.Live() || globex.EndReason != policy.SignedOut {
			s.Errorf("globex: %+v", globex)
		}
		if all, err := s.Authentications(s.ctx, n.ID); err != nil || len(all) != 1 || !reflect.DeepEqual(all[0], made) {
			s.Errorf("the new session has authenticated %+v: %v", all, err)
		}
		if kept := s.stay(old, "org_acme"); kept.StartedAt != 0 {
			s.Errorf("the old session keeps %+v", kept)
		}
	}
}

// takesOverNothingSignedOut: a parent that was signed out of takes its children along.
func takesOverNothingSignedOut(s *suite) {
	alice := s.person("alice")
	old := s.acting(alice)
	child := s.child(alice, old)
	n := newSession(alice)
	n.Replaces = old.ID
	s.must(s.Create(s.ctx, n))
	s.must(s.Revoke(s.ctx, old.ID, session.ReasonSignedOut, Now))
	s.must(s.TakeOver(s.ctx, old.ID, n.ID, Now+1))
	s.is(s.stored(old.ID).RevokeReason, session.ReasonSignedOut)
	if live := s.live(child.ID); live[0] {
		s.Error("the child lives")
	}
}
