// Command worker is the token backend on Cloudflare Workers: the same handler as
// the server's, with D1 as its store and the platform's fetch to the provider.
package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/syumai/workers/cloudflare"

	"github.com/tabard-auth/tabard/backend/domain/overhttps"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/worker/d1"
	"github.com/tabard-auth/tabard/worker/edge"
	"github.com/tabard-auth/tabard/worker/webcrypto"
)

func main() {
	log := slog.New(slog.NewJSONHandler(edge.Console{}, nil))
	slog.SetDefault(log)
	program, err := newProgram(log)
	if err != nil {
		log.Error("the Worker's settings are wrong", "problems", err.Error())
		os.Exit(1)
	}
	webcrypto.Register()
	edge.Run(program)
}

func newProgram(log *slog.Logger) (edge.Program, error) {
	s, problems := readSettings(cloudflare.Getenv)
	if problems != nil {
		return edge.Program{}, problems
	}
	log = slog.New(host.Log(log.Handler(), s.secret))
	store := d1.Store()
	epoch := &host.Epoch{Store: store, Log: log}
	epoch.ByRequest(s.secret.Epoch())
	ring := signingkey.NewKeyRing(store, s.secret, s.algorithm)
	readiness := &host.Readiness{Epoch: epoch, Log: log, Schema: checkSchema}
	handler, err := host.New(host.Config{
		PublicURL: s.publicURL, CookieMark: s.cookieMark, Secret: s.secret, Algorithm: s.algorithm, Keys: ring,
		Provider: s.provider,
		Tenants:  edge.Transport{}, LoopbackConnections: s.loopbackConnections,
		Resolver: s.resolver, Log: log, Epoch: epoch, Later: edge.Later, FarDatabase: true,
		Ready: func(ctx context.Context) error { return readiness.CheckByRequest(ctx, ring) },
	}, store)
	if err != nil {
		return edge.Program{}, err
	}
	rotation := host.Rotation{Ring: ring, Secret: s.secret, Life: s.keyLife}
	// All instances have the same secret and count as one replica, which the cron job
	// reports again.
	attendance := &host.Heartbeat{Store: store, Ring: ring, Secret: s.secret, Replica: "worker", Every: cronInterval, Log: log}
	return edge.Program{Handler: host.BoundHeader(handler), Scheduled: func(ctx context.Context) error {
		if err := epoch.Ready(ctx); err != nil {
			return err
		}
		return errors.Join(attendance.Note(ctx, time.Now()), exportAudit(ctx, store, time.Now()), cleanUp(ctx, store, rotation, s.retention, log), checkDomains(ctx, store, s.resolver))
	}}, nil
}

// cronInterval is the interval of wrangler.jsonc, with room for a late trigger.
const cronInterval = 75 * time.Minute

func cleanUp(ctx context.Context, store *sqlstore.Store, r host.Rotation, retention host.Retention, log *slog.Logger) error {
	sessions, err := host.CleanUp(ctx, store, r, time.Now())
	if err != nil {
		return err
	}
	log.Info("sessions deleted", "count", sessions)
	events, err := retention.DeleteEvents(ctx, store, time.Now())
	if events > 0 {
		log.Info("events deleted", "count", events)
	}
	return err
}

// maxDomains is the number of domains that one run looks up: the platform limits the
// requests of a run, and the next one goes on.
const maxDomains = 20

func checkDomains(ctx context.Context, store *sqlstore.Store, r overhttps.Resolver) error {
	_, err := host.CheckDomains(ctx, store, r, time.Now(), maxDomains)
	return err
}
