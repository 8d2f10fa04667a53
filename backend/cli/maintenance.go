package cli

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

const cleanUpInterval = time.Hour

// maintenance returns the server's background work according to the settings.
func (s *server) maintenance(ring *signingkey.KeyRing, secret signingkey.Secret, log *slog.Logger) (host.Housekeeping, error) {
	life, err := signingkey.ParseLife(s.signingKeyLife)
	if err != nil {
		return host.Housekeeping{}, err
	}
	retention, err := host.ParseRetention(s.auditRetention)
	return host.Housekeeping{
		Store: s.store, Rotation: host.Rotation{Ring: ring, Secret: secret, Life: life}, Retention: retention,
		Replica: s.replica, Resolver: net.DefaultResolver, Log: log, Report: s.metrics.Backlog, Behind: s.metrics.ExportsBehind,
	}, err
}

// cleanUp cleans up at once and then every hour, until ctx ends. It leaves a database alone
// that is not served.
func (s *server) cleanUp(ctx context.Context, h host.Housekeeping) {
	ticker := time.NewTicker(cleanUpInterval)
	defer ticker.Stop()
	for {
		if s.epoch.Held() == nil {
			if _, err := h.Run(ctx); err == nil {
				s.metrics.CleanedUp(time.Now())
			} else if ctx.Err() == nil {
				h.Log.Error("the clean-up failed; the next run tries again", "cause", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
