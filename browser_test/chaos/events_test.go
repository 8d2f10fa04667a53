//go:build long

package chaos

import (
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/browser_test/kit/deployment"
)

var events = []event{
	{name: "kill -9", replicaLeft: true, act: each(func(s *scene, r *deployment.Replica) {
		r.Process.Kill()
		s.Start(r)
	})},
	{name: "SIGTERM", replicaLeft: true, act: each(func(s *scene, r *deployment.Replica) { s.Restart(r) })},
	{name: "SIGSTOP", replicaLeft: true, act: each(func(_ *scene, r *deployment.Replica) {
		syscall.Kill(r.Process.PID(), syscall.SIGSTOP)
		<-time.After(time.Duration(1+rand.N(8)) * time.Second)
		syscall.Kill(r.Process.PID(), syscall.SIGCONT)
	})},
	{name: "secret replaced", replicaLeft: true, act: replaceSecrets},
	{name: "started at once on an empty database", replicaLeft: true, prepare: startedAtOnce, act: (*scene).wait},
	{name: "started at once on tables of the last release", replicaLeft: true, prepare: startedAtOnceOnOldTables, act: (*scene).wait},
	{name: "memberships applied", replicaLeft: true, act: applyMembers},
	{name: "a clock two minutes ahead", replicaLeft: true, prepare: withClocks(0, 0, 120), act: (*scene).wait},
	{name: "a clock two minutes behind", replicaLeft: true, prepare: withClocks(0, 0, -120), act: (*scene).wait},
	{name: "PostgreSQL restarted", prepare: onCluster, act: cluster(func(c *pg.Cluster) {
		c.Stop([]string{"fast", "immediate"}[rand.N(2)])
		c.Start()
	})},
	{name: "PostgreSQL frozen", prepare: onCluster, act: cluster(func(c *pg.Cluster) {
		thaw := c.Freeze()
		<-time.After(time.Duration(1+rand.N(10)) * time.Second)
		thaw()
	})},
	{name: "PostgreSQL failed over", prepare: onCluster, act: failOver},
	{name: "PostgreSQL, disk full", prepare: onSmallPostgres, act: fillPostgres},
	{name: "PgBouncer restarted, session mode", prepare: onPgBouncer("session"), act: restartPgBouncer},
	{name: "PgBouncer restarted, transaction mode", prepare: onPgBouncer("transaction"), act: restartPgBouncer},
	{name: "SQLite, server killed", prepare: onSQLite, act: each(func(s *scene, r *deployment.Replica) {
		r.Process.Kill()
		s.Start(r)
	})},
	{name: "SQLite, disk full", prepare: onSmallDisk, act: each(fillDisk)},
}

// wait lets the time pass.
func (s *scene) wait() { <-time.After(time.Until(s.until)) }

// onPostgres starts three replicas on a database of their own.
func onPostgres(t *testing.T) *scene { return ready(t, deployment.Prepare(t, *people, pg.Postgres(t))) }

// ready applies the workspace and starts the replicas.
func ready(_ *testing.T, d *deployment.Deployment) *scene {
	d.Apply(*people)
	for _, r := range d.Replicas {
		d.Start(r)
	}
	return &scene{Deployment: d}
}

// each applies a fault to one replica after the other.
func each(do func(*scene, *deployment.Replica)) func(*scene) {
	return func(s *scene) {
		for i := 0; !s.over(); i++ {
			do(s, s.Replicas[i%len(s.Replicas)])
			s.rest()
		}
	}
}

// replaceSecrets replaces the secret as the guide says, again and again, by restarts
// and by reloads in turn.
func replaceSecrets(s *scene) {
	hand := []func(){func() { s.Restart(s.Replicas...) }, s.Reload}
	for i := 0; !s.over(); i++ {
		for _, step := range []string{"Step 1 of 3 is done", "Step 2 of 3 is done", "Step 3 of 3 is done"} {
			if strings.HasPrefix(step, "Step 3") {
				s.crowd.AwaitNewSignIns(s.TB.(*testing.T))
				s.AgeByOneDay()
			}
			s.Await(step, func() bool {
				said, done := s.Rotate()
				return done && strings.Contains(said, step)
			})
			s.Distribute()
			hand[i%len(hand)]()
		}
	}
}

// startedAtOnce starts the replicas together, on a database that is not migrated yet.
func startedAtOnce(t *testing.T) *scene {
	d := deployment.Prepare(t, *people, pg.Postgres(t))
	d.StartTogether()
	d.Apply(*people)
	return &scene{Deployment: d}
}

// applyMembers applies many memberships while the crowd works.
func applyMembers(s *scene) {
	for !s.over() {
		begun := time.Now()
		s.Apply(*members)
		s.Logf("%d memberships applied in %v", 2**members, time.Since(begun).Round(time.Second))
	}
}

// withClocks starts replicas with clocks that are off by these numbers of seconds. They
// run in this process.
func withClocks(off ...int64) func(*testing.T) *scene {
	return func(t *testing.T) *scene {
		d := deployment.Prepare(t, *people, pg.Postgres(t))
		d.Apply(*people)
		for i, r := range d.Replicas {
			serve(t, d, r, time.Duration(off[i])*time.Second)
		}
		return &scene{Deployment: d}
	}
}

func serve(t *testing.T, d *deployment.Deployment, r *deployment.Replica, off time.Duration) {
	store, err := postgres.Open(t.Context(), d.DSN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	text, err := os.ReadFile(r.Secret)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := signingkey.ParseSecret(string(text))
	if err != nil {
		t.Fatal(err)
	}
	handler, err := host.New(host.Config{
		PublicURL: d.Origin + "/auth", Secret: secret, Now: func() time.Time { return time.Now().Add(off) },
		Provider: login.Config{Issuer: d.Issuer, ClientID: deployment.ClientID, ClientSecret: deployment.ClientSecret},
	}, store)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", r.Listen)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
}
