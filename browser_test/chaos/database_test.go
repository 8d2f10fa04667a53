//go:build long

package chaos

import (
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/browser_test/kit/deployment"
)

// The database of the event under way: one at a time is.
var (
	primary, standby *pg.Cluster
	pooler           *pg.Bouncer
)

// onCluster starts replicas on a PostgreSQL with a synchronous standby.
func onCluster(t *testing.T) *scene {
	primary = pg.NewCluster(t)
	standby = primary.Standby()
	return ready(t, deployment.Prepare(t, *people, primary.DSN(standby)))
}

// cluster applies a fault to the primary, again and again.
func cluster(do func(*pg.Cluster)) func(*scene) {
	return func(s *scene) {
		for !s.over() {
			do(primary)
			s.rest()
			s.rest()
		}
	}
}

// failOver kills the primary once and promotes the standby.
func failOver(s *scene) {
	<-time.After(*duration / 4)
	primary.Stop("immediate")
	standby.Promote()
	s.wait()
}

// onPgBouncer starts replicas that reach their database through a pooler in that mode.
func onPgBouncer(mode string) func(*testing.T) *scene {
	return func(t *testing.T) *scene {
		pooler = pg.NewBouncer(t, pg.Postgres(t), mode, 40)
		return ready(t, deployment.Prepare(t, *people, pooler.DSN))
	}
}

func restartPgBouncer(s *scene) {
	for !s.over() {
		pooler.Restart()
		s.rest()
		s.rest()
	}
}
