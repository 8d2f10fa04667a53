package cli

import (
	"context"
	"log/slog"
	"time"

	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

const cleanUpInterval = time.Hour

// upkeep is what a server does that no request waits for.
type upkeep struct {
	store interface {
		host.Cleaner
		host.Trail
	}
	rotation  host.Rotation
	retention host.Retention
}

// newUpkeep returns the server's, as the settings say.
func newUpkeep(s *settings, store *sqlstore.Store, ring *signingkey.Ring, secret signingkey.Secret) (*upkeep, error) {
	life, err := signingkey.ParseLife(s.signingKeyLife)
	if err != nil {
		return nil, err
	}
	retention, err := host.ParseRetention(s.auditRetention)
	return &upkeep{store, host.Rotation{Ring: ring, Secret: secret, Life: life}, retention}, err
}

// run cleans up at once and then every hour, until ctx ends.
func (u *upkeep) run(ctx context.Context, log *slog.Logger) {
	ticker := time.NewTicker(cleanUpInterval)
	defer ticker.Stop()
	for {
		if err := u.cleanUp(ctx, log); err != nil && ctx.Err() == nil {
			log.Error("the clean-up failed; the next one tries again", "cause", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (u *upkeep) cleanUp(ctx context.Context, log *slog.Logger) error {
	now := time.Now()
	sessions, err := host.CleanUp(ctx, u.store, u.rotation, now)
	if sessions > 0 {
		log.Info("sessions forgotten", "count", sessions)
	}
	if err != nil {
		return err
	}
	events, err := u.retention.ForgetEvents(ctx, u.store, now)
	if events > 0 {
		log.Info("events forgotten", "count", events)
	}
	return err
}
