//go:build long

package chaos

import (
	"testing"
	"time"

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

// fillDisk fills the disk for a while.
func fillDisk(s *scene, _ *deployment.Replica) {
	empty := s.FillDisk()
	<-time.After(5 * time.Second)
	empty()
	<-time.After(2 * time.Second)
}
