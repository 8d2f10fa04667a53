package storetest

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

// ProviderTokens is revalidation.Store.
type ProviderTokens interface {
	KeepProviderToken(ctx context.Context, t session.ProviderToken) error
	ForgetProviderToken(ctx context.Context, id session.ID, connection string) error
	ClaimRevalidation(ctx context.Context, id session.ID, now, until int64) (bool, error)
	DueProviderTokens(ctx context.Context, id session.ID, now int64) ([]session.ProviderToken, error)
	UseProviderToken(ctx context.Context, t session.ProviderToken) (bool, error)
	RecordRevalidation(ctx context.Context, before, after session.ProviderToken, outcome session.Revalidation) error
	ScheduleRevalidation(ctx context.Context, id session.ID, held bool) error
	FollowRevalidation(ctx context.Context, child session.ID) (int64, error)
	EndConnected(ctx context.Context, id session.ID, connection, organizationID string, now int64) error
	CountProviderTokens(ctx context.Context, connection string, since int64) (sessions, tokens int, err error)
	EnabledConnections(ctx context.Context, after string, limit int) ([]directory.Connection, error)
}

// countsForTheDoctor counts sessions and their providers' tokens, and lists what is enabled.
func countsForTheDoctor(s *suite) {
	counts := func(connection string, since int64, want ...int) {
		s.Helper()
		sessions, tokens, err := s.CountProviderTokens(s.ctx, connection, since)
		s.must(err)
		s.is([]int{sessions, tokens}, want)
	}
	counts("", Now-10, 0, 0)
	n, without := newSession(s.person("alice")), newSession(s.person("bob"))
	n.SignIn.Connection, without.SignIn.Connection = "", ""
	s.must(s.KeepProviderToken(s.ctx, session.ProviderToken{Session: n.ID, Sealed: "sealed", AnsweredAt: Now, DueAt: Now + 300, ExpiresAt: n.ExpiresAt}))
	s.must(s.Create(s.ctx, n))
	s.must(s.Create(s.ctx, without))
	counts("", n.CreatedAt, 2, 1)
	counts("", n.CreatedAt+1, 0, 0)
	counts("con_acme", 0, 0, 0)
	s.must(s.Revoke(s.ctx, without.ID, session.ReasonAdmin, Now))
	counts("", n.CreatedAt, 1, 1)

	c := s.connected("con_acme")
	s.connected("con_other")
	s.must(s.EnableConnection(s.ctx, "org_acme", c.ID))
	c.Enabled = true
	all, err := s.EnabledConnections(s.ctx, "", 10)
	s.must(err)
	s.is(all, []directory.Connection{c})
	all, err = s.EnabledConnections(s.ctx, c.ID, 10)
	s.must(err)
	s.is(len(all), 0)
}

// revalidated creates a session with a provider's token that is due in five minutes.
func (s *suite) revalidated(sub string) (session.Session, session.ProviderToken) {
	n := newSession(s.person(sub))
	t := session.ProviderToken{Session: n.ID, Sealed: "sealed", AnsweredAt: Now, DueAt: Now + 300, ExpiresAt: n.ExpiresAt}
	n.RevalidateAt = t.DueAt
	s.must(s.KeepProviderToken(s.ctx, t))
	s.must(s.Create(s.ctx, n))
	return n, t
}

// tokens returns the tokens that are due at a time.
func (s *suite) tokens(id session.ID, now int64) []session.ProviderToken {
	s.Helper()
	all, err := s.DueProviderTokens(s.ctx, id, now)
	s.must(err)
	return all
}

func keepsProviderTokens(s *suite) {
	n, t := s.revalidated("alice")
	s.is(s.stored(n.ID), n)
	subject, err := s.Subject(s.ctx, n.ID, "acme", Now)
	s.must(err)
	s.is(subject.Session.RevalidateAt, int64(Now+300))
	s.is(len(s.tokens(n.ID, Now+299)), 0)
	s.is(s.tokens(n.ID, Now+300), []session.ProviderToken{t})
	for range 2 { // the count goes on if the reply was lost
		used, err := s.UseProviderToken(s.ctx, t)
		s.must(err)
		s.is(used, true)
	}
	t.Unanswered = 2
	s.is(s.tokens(n.ID, Now+300), []session.ProviderToken{t})
	after := t
	after.Sealed, after.AnsweredAt, after.DueAt, after.Unanswered = "the next", Now+300, Now+600, 0
	for range 2 {
		s.must(s.RecordRevalidation(s.ctx, t, after, session.Confirmed))
	}
	s.is(s.tokens(n.ID, Now+600), []session.ProviderToken{after})
	used, err := s.UseProviderToken(s.ctx, t) // which was replaced
	s.must(err)
	s.is(used, false)
	s.must(s.RecordRevalidation(s.ctx, t, t, session.Unreachable))
	s.is(s.tokens(n.ID, Now+600), []session.ProviderToken{after})
	s.must(s.ScheduleRevalidation(s.ctx, n.ID, false))
	s.is(s.stored(n.ID).RevalidateAt, int64(Now+600))
	s.must(s.ScheduleRevalidation(s.ctx, n.ID, true))
	s.is(s.stored(n.ID).RevalidateAt, int64(-Now-600))
	s.must(s.ForgetProviderToken(s.ctx, n.ID, ""))
	s.must(s.ScheduleRevalidation(s.ctx, n.ID, false))
	s.is(s.stored(n.ID).RevalidateAt, int64(0))
}

// claimsOnce: of those that find the time come one asks, and another one if it stops.
func claimsOnce(s *suite) {
	n, _ := s.revalidated("alice")
	claim := func(now int64) bool {
		mine, err := s.ClaimRevalidation(s.ctx, n.ID, now, now+30)
		if err != nil {
			s.Error(err)
		}
		return mine
	}
	s.is(claim(Now+299), false)
	var won atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if claim(Now + 300) {
				won.Add(1)
			}
		})
	}
	all.Wait()
	s.is(won.Load(), int64(1))
	s.is(s.stored(n.ID).RevalidateAt, int64(Now+330))
	s.is([]bool{claim(Now + 329), claim(Now + 330), claim(Now + 331)}, []bool{false, true, false})
	s.must(s.ScheduleRevalidation(s.ctx, n.ID, true))
	s.is([]bool{claim(Now + 299), claim(Now + 300)}, []bool{false, true})
	s.is(s.stored(n.ID).RevalidateAt, int64(-Now-330)) // mints are still held back
	without := s.session(s.person("bob"))
	mine, err := s.ClaimRevalidation(s.ctx, without.ID, Now+300, Now+330)
	s.must(err)
	s.is(mine, false)
}

// endsProviderTokens: the end of a session, its clean-up and a take-over leave no token
// behind.
func endsProviderTokens(s *suite) {
	ended, _ := s.revalidated("alice")
	s.must(s.Revoke(s.ctx, ended.ID, session.ReasonSignedOut, Now+1))
	s.is(len(s.tokens(ended.ID, Now+300)), 0)

	expired, _ := s.revalidated("alice")
	if _, err := s.DeleteExpired(s.ctx, expired.ExpiresAt+1, 100); err != nil {
		s.Fatal(err)
	}
	s.is(len(s.tokens(expired.ID, Now+300)), 0)

	old, t := s.revalidated("alice")
	own := t
	own.Connection, own.DueAt = "con_acme", Now+200
	s.must(s.KeepProviderToken(s.ctx, own))
	n := newSession(s.person("alice"))
	n.Replaces = old.ID
	s.must(s.Create(s.ctx, n))
	newer := own
	newer.Session, newer.Sealed, newer.DueAt = n.ID, "newer", Now+400
	s.must(s.KeepProviderToken(s.ctx, newer))
	for range 2 {
		s.must(s.TakeOver(s.ctx, old.ID, n.ID, Now+1))
	}
	moved := t
	moved.Session = n.ID
	s.is(s.tokens(n.ID, Now+400), []session.ProviderToken{moved, newer})
	s.is(s.stored(n.ID).RevalidateAt, int64(Now+300))
	s.is(len(s.tokens(old.ID, Now+400)), 0)
	after := t // of a mint that asked before the take-over
	after.Sealed = "the next"
	s.must(s.RecordRevalidation(s.ctx, t, after, session.Confirmed))
	s.is(s.tokens(n.ID, Now+300)[0].Sealed, "the next")
}

// followsTheParent: a session that was entered from another one has its time.
func followsTheParent(s *suite) {
	parent, _ := s.revalidated("alice")
	child := newSession(s.person("alice"))
	child.Parent = parent.ID
	s.must(s.Create(s.ctx, child))
	s.must(s.ScheduleRevalidation(s.ctx, child.ID, false)) // it has no tokens of its own
	at, err := s.FollowRevalidation(s.ctx, child.ID)
	s.must(err)
	s.is([]int64{at, s.stored(child.ID).RevalidateAt}, []int64{Now + 300, Now + 300})
	_, err = s.FollowRevalidation(s.ctx, parent.ID)
	s.is(err, session.ErrNotFound)
}

// endsTheConnected: what a session has by a connection ends, and nothing else.
func endsTheConnected(s *suite) {
	n, t := s.revalidated("alice")
	for organization, connection := range map[string]string{"org_acme": "con_acme", "org_globex": ""} {
		made := policy.Authentication{Time: Now, Connection: connection}
		s.must(s.Authenticate(s.ctx, n.ID, "attempt at "+organization, made))
		s.must(s.Enter(s.ctx, n.ID, organization, policy.OrganizationSession{StartedAt: Now, ActiveAt: Now, Authentication: made}))
	}
	own := t
	own.Connection = "con_acme"
	s.must(s.KeepProviderToken(s.ctx, own))
	s.must(s.EndConnected(s.ctx, n.ID, "con_acme", "org_acme", Now+9))
	acme := s.stay(n, "org_acme")
	s.is([]any{acme.EndedAt, acme.EndReason, s.stay(n, "org_globex").Live()}, []any{int64(Now + 9), policy.ProviderRefused, true})
	all, err := s.Authentications(s.ctx, n.ID)
	s.must(err)
	s.is([]any{len(all), all[0].Connection}, []any{1, ""})
	s.is(s.tokens(n.ID, Now+300), []session.ProviderToken{t})
}
