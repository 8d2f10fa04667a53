// Package revalidation asks identity providers whether they still know the people who
// signed in there, by their refresh tokens (OpenID Connect Core section 12). Whoever has
// left loses the session without a logout of the provider's.
//
// A mint asks when the provider's last answer is older than the workspace or the
// connection says. Of all mints of a session, at all replicas, one asks at a time: it
// takes a lease in the session's row. It waits for the answer for a few seconds only;
// meanwhile the others go on with the last answer.
//
// A provider may replace the refresh token with each answer. The new token is stored by
// the statement that records the answer. An answer can be lost all the same: the
// connection breaks, or the server stops. The row then counts a use without an answer. A
// broken connection is followed by one more request at once, which succeeds at providers
// that accept a replaced token for some seconds. A refusal after a lost answer does not
// tell whether the person has left or only the token is stale. It ends no session at once:
// the session goes on for as long as it would without the provider.
package revalidation

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/provisioning"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

const (
	// wait is how long a mint waits for an answer.
	wait = 3 * time.Second
	// askTimeout limits the requests of one revalidation, and leaseTime also the writes
	// after them, in seconds. If the replica stops, another one asks after that.
	askTimeout = 10 * time.Second
	leaseTime  = 30
	// retryPause is the time in seconds after which a session asks a provider again that
	// did not answer, or sooner if it asks more often anyway.
	retryPause = 60
	// failurePause is for how many seconds a replica leaves a provider alone after it did
	// not answer.
	failurePause = 10
)

// Store stores the refresh tokens of providers and when they are due.
type Store interface {
	// KeepProviderToken stores a token in place of the session's earlier one of that
	// provider.
	KeepProviderToken(ctx context.Context, t session.ProviderToken) error
	// ForgetProviderToken deletes a token.
	ForgetProviderToken(ctx context.Context, id session.ID, connection string) error
	// ClaimRevalidation reports whether the caller is the one to ask the session's
	// providers, until a time: it is due, and no other caller asks.
	ClaimRevalidation(ctx context.Context, id session.ID, now, until int64) (bool, error)
	// DueProviderTokens returns the session's tokens that are due.
	DueProviderTokens(ctx context.Context, id session.ID, now int64) ([]session.ProviderToken, error)
	// UseProviderToken counts a use of a token without an answer. It returns false if the
	// token was replaced.
	UseProviderToken(ctx context.Context, t session.ProviderToken) (bool, error)
	// RecordRevalidation stores the state after an answer, or its absence, in place of
	// the state before, in one statement. It has no effect if the token was replaced.
	RecordRevalidation(ctx context.Context, before, after session.ProviderToken, outcome session.Revalidation) error
	// ScheduleRevalidation sets when the session's providers are asked next. held keeps
	// the session from minting until then.
	ScheduleRevalidation(ctx context.Context, id session.ID, held bool) error
	// FollowRevalidation copies a parent's Session.RevalidateAt to its child, and returns
	// it.
	FollowRevalidation(ctx context.Context, child session.ID) (int64, error)
	// EndConnected ends what a session has by its authentications at an organization's
	// own connection, for policy.ProviderRefused. The session itself goes on.
	EndConnected(ctx context.Context, id session.ID, connection, organizationID string, now int64) error
}

// Providers are the workspace's provider and those of connections.
type Providers interface {
	Workspace() *login.Provider
	ForConnection(c directory.Connection) (*login.Provider, error)
}

// Config configures New. Later and Log are optional.
type Config struct {
	Store interface {
		Store
		provisioning.Store
	}
	Providers Providers
	Secret    signingkey.Secret
	// Later runs what goes on after a mint was answered. Nil means a goroutine.
	Later func(ctx context.Context, run func())
	Log   *slog.Logger
}

// Service implements grant.Revalidator.
type Service struct {
	Config
	tokens Sealer
	wait   time.Duration

	mu      sync.Mutex
	failing map[string]int64 // by connection: until when it is not asked
}

// New returns a Service.
func New(c Config) *Service {
	if c.Later == nil {
		c.Later = func(_ context.Context, run func()) { go run() }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{Config: c, tokens: NewSealer(c.Secret), wait: wait, failing: map[string]int64{}}
}

// Revalidate implements grant.Revalidator.
func (v *Service) Revalidate(ctx context.Context, g *grant.Grant, s *directory.Subject) error {
	root, held := s.Session.Root(), s.Session.RevalidateAt < 0
	if held && -s.Session.RevalidateAt > g.Now {
		return grant.ErrUnconfirmed
	}
	mine, err := v.Store.ClaimRevalidation(ctx, root, g.Now, g.Now+leaseTime)
	if err != nil {
		return err
	}
	if !mine {
		return v.follow(ctx, &s.Session, held)
	}
	asked := make(chan error, 1)
	v.Later(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseTime*time.Second)
		defer cancel()
		err := v.ask(ctx, g, s.Session, s.User)
		if err != nil && !errors.Is(err, grant.ErrUnconfirmed) {
			v.Log.LogAttrs(ctx, slog.LevelError, "a revalidation failed", slog.String("session", s.Session.ID.String()), slog.Any("cause", err))
			err = nil // the lease ends, and another mint asks
		}
		asked <- err
	})
	timer := time.NewTimer(v.wait)
	defer timer.Stop()
	select {
	case err = <-asked:
		return err
	case <-timer.C:
		return v.unanswered(held)
	}
}

// unanswered is the result of a mint without an answer.
func (v *Service) unanswered(held bool) error {
	if held {
		return grant.ErrUnconfirmed
	}
	return nil
}

// follow has a child session do as its parent, which another mint asks about or asked.
func (v *Service) follow(ctx context.Context, s *session.Session, held bool) error {
	if s.Parent == (session.ID{}) {
		return v.unanswered(held)
	}
	at, err := v.Store.FollowRevalidation(ctx, s.ID)
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		return err
	}
	return v.unanswered(at < 0)
}

// ask asks the providers whose answers are due, records what they answer, and schedules
// the next time. The error is grant.ErrUnconfirmed if the session has to wait for it.
func (v *Service) ask(ctx context.Context, g *grant.Grant, s session.Session, user directory.User) error {
	root := s.Root()
	due, err := v.Store.DueProviderTokens(ctx, root, g.Now)
	if err != nil {
		return err
	}
	held := false
	for _, t := range due {
		r := revalidation{Service: v, grant: g, session: s, user: user, token: t}
		switch err := r.run(ctx); {
		case errors.Is(err, grant.ErrUnconfirmed):
			held = true
		case err != nil:
			return err
		}
	}
	if err := v.Store.ScheduleRevalidation(ctx, root, held); err != nil {
		return err
	}
	if s.Parent != (session.ID{}) {
		if _, err := v.Store.FollowRevalidation(ctx, s.ID); err != nil && !errors.Is(err, session.ErrNotFound) {
			return err
		}
	}
	return v.unanswered(held)
}

// fails reports whether a provider did not answer of late.
func (v *Service) fails(connection string, now int64) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return now < v.failing[connection]
}

// answered records whether a provider answered.
func (v *Service) answered(connection string, answers bool, now int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if delete(v.failing, connection); !answers {
		v.failing[connection] = now + failurePause
	}
}
