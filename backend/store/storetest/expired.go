package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

// Forgetful is a store that deletes expired sessions.
type Forgetful interface {
	Store
	DeleteExpired(ctx context.Context, before, limit int64) (int64, error)
}

// Forgets checks that a store deletes sessions after their end, and no others. Desired
// was applied to it.
func Forgets(t *testing.T, store Forgetful) {
	t.Helper()
	s := &suite{T: t, Store: store, ctx: t.Context()}
	alice := s.person("alice")
	var all []session.Session
	for end := range int64(5) {
		n := newSession(alice)
		n.ExpiresAt = Now + end
		s.must(s.Create(s.ctx, n))
		s.must(s.Enter(s.ctx, n.ID, "org_acme", begun(Now)))
		s.must(s.Authenticate(s.ctx, n.ID, n.Attempt, password))
		all = append(all, n)
	}
	forget := func(before, limit, want int64) {
		t.Helper()
		n, err := store.DeleteExpired(s.ctx, before, limit)
		s.must(err)
		s.is(n, want)
	}
	forget(Now, 10, 0)
	forget(Now+4, 3, 3) // the oldest first
	forget(Now+4, 3, 1)
	forget(Now+4, 3, 0)
	for _, n := range all[:4] {
		if _, err := s.Subject(s.ctx, n.ID, "acme", Now); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("a session that ended is still there: %v", err)
		}
	}
	s.is(s.stay(all[4], "acme"), begun(Now))
	left, err := s.Authentications(s.ctx, all[4].ID)
	s.must(err)
	s.is(left, []policy.Authentication{password})
}
