//go:build long

package chaos

import (
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/browser_test/kit/deployment"
)

// onSQLite starts one server on a SQLite file.
func onSQLite(t *testing.T) *scene { return ready(t, deployment.PrepareOne(t, *people)) }

// onSmallDisk starts one server on a disk of 24 MB of its own.
func onSmallDisk(t *testing.T) *scene {
	d := deployment.PrepareOne(t, *people)
	d.Apply(*people)
	d.OnSmallDisk(24)
	d.Start(d.Replicas[0])
	return &scene{Deployment: d}
}

// small is the database of the event under way, where it stands on a small disk.
var small *pg.SmallCluster

// onSmallPostgres starts three replicas on a PostgreSQL with a disk of 150 MB of its own.
func onSmallPostgres(t *testing.T) *scene {
	small = pg.NewSmallCluster(t, 150)
	return ready(t, deployment.Prepare(t, *people, small.DSN()))
}

// fillPostgres fills the disk of PostgreSQL for a while, again and again.
func fillPostgres(s *scene) {
	for !s.over() {
		empty := small.FillDisk()
		<-time.After(5 * time.Second)
		empty()
		<-time.After(2 * time.Second)
	}
}

// fillDisk fills the disk for a while.
func fillDisk(s *scene, _ *deployment.Replica) {
	empty := s.FillDisk()
	<-time.After(5 * time.Second)
	empty()
	<-time.After(2 * time.Second)
}
